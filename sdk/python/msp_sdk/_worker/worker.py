"""The worker process: takes its descriptors over, loads one bundle, runs executions until the host goes."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .._loader import Bundle, load_workspace
from . import children, descriptors, propagate
from .beat import Beat
from .capture import Capture, CapturedText, LogSink
from .channel import Channel
from .current import current
from .execution import Execution
from .process_state import ProcessState


class Worker:
    """Everything the executions of this process share."""

    bundle: Bundle

    def __init__(self) -> None:
        self.channel = Channel(descriptors.take_channel())
        standard = descriptors.StandardDescriptors()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        self.sink = LogSink(self.channel, None)
        self._executions: dict[str, Execution] = {}
        self._capture_output()
        propagate.install()
        children.install(self.channel)
        self._beat = Beat(self.channel, self._sinks)
        self._beat.start()
        self.channel.send("hello", pid=os.getpid(), python=sys.version.partition(" ")[0])
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_task_factory(_note_task)  # type: ignore[arg-type]
        self._state = ProcessState(standard, self.loop)

    def _capture_output(self) -> None:
        output = Capture(self.channel, self.sink)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = sys.__stdout__ = CapturedText(output, "print", 1)  # type: ignore[assignment,misc]
        sys.stderr = sys.__stderr__ = CapturedText(output, "stderr", 2)  # type: ignore[assignment,misc]
        root = logging.getLogger()
        root.handlers[:] = [_LogHandler(output)]
        root.setLevel(logging.INFO)

    def _sinks(self) -> list[LogSink]:
        return [self.sink, *(execution.sink for execution in list(self._executions.values()))]

    def load(self) -> None:
        """Answer the `load` frame. Outside the event loop, so that files may run one while they are imported."""
        frame = self.channel.read()
        if frame["type"] != "load":
            raise RuntimeError(f"expected a `load` frame, not `{frame['type']}`")
        workspace = Path(frame["workspace"])
        sys.path.append(str(workspace.resolve()))
        if frame.get("site_packages"):
            import site

            site.addsitedir(frame["site_packages"])
            self.channel.use_fast_json()
        self.bundle = load_workspace(workspace)
        self._state.restore(last=True)
        # What was imported stays: looking through it for garbage, again and again, finds none.
        gc.collect()
        gc.freeze()
        self.sink.finish_lines()
        self.sink.flush()
        self._beat.watch(self.loop, self.bundle.workspace)
        self.channel.send("loaded", **self.bundle.to_json())

    def run(self) -> None:
        """Serve frames until the host closes the channel, which ends the process."""
        self.loop.add_reader(self.channel.fileno(), self.channel.on_readable, self._handle)
        self.loop.call_soon(self.channel.drain, self._handle)
        while True:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                # A task the author started asked for it. The execution it belongs to sees it as well; the others
                # must not pay for it.
                self.sink.write("error", "msp_sdk", f"a task raised {type(error).__name__}; the worker goes on")

    def _handle(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "start":
            execution = Execution(self, frame)
            self._executions[execution.id] = execution
            self._beat.began()
            execution.start()
            return
        found = self._executions.get(frame["execution_id"])
        if found is None:
            return  # it ended while the frame was on its way
        if kind == "reply":
            found.host.reply(frame)
        elif kind == "cancel":
            found.cancel()

    def end(self, execution: Execution, members: bytes) -> None:
        """Send the result of an execution, then put the process in order: the next `start` frame is read after that."""
        self._beat.ended()
        self._executions.pop(execution.id, None)
        touched = b"true" if execution.host.caller_touched else b"false"
        head = b'"execution_id":"%s","caller_touched":%s,' % (execution.id.encode(), touched)
        execution.sink.end(lambda: self.channel.send_body("result", head + members))
        try:
            self._state.restore(last=not self._executions)
        except Exception as error:
            self.sink.write(
                "error", "msp_sdk", f"the process could not be put in order: {type(error).__name__}: {error}"
            )


def _note_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **words: Any) -> asyncio.Task[Any]:
    """Make a task and remember whose it is: what is left of it at the end of its execution is cancelled."""
    task = asyncio.Task(coroutine, loop=loop, **words)
    context = words.get("context")
    execution = current.get() if context is None else context.get(current)
    if execution is not None:
        execution.tasks.add(task)
    return task


class _LogHandler(logging.Handler):
    """Records of `logging` as log lines with their level and the logger's name."""

    def __init__(self, output: Capture) -> None:
        super().__init__()
        self._output = output
        self._formatter = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self._formatter.format(record)
        except Exception as error:
            message = f"{record.msg} ({type(error).__name__} while its arguments were merged)"
        self._output.sink().write(_level(record.levelno), record.name, message)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
