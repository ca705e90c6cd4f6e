"""The host as one execution sees it: questions, log lines and progress over the channel."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ExecutionEnded, HostError
from .channel import dumps

if TYPE_CHECKING:
    from .capture import LogSink
    from .channel import Channel

#: Steps of one execution that are shown (docs/worker-protocol.md, `step`).
_MAX_STEPS = 1000

_Answer = asyncio.Future[Any] | concurrent.futures.Future[Any]


class ExecutionHost:
    """Implements `msp_sdk.context.Host` for one execution in a worker."""

    def __init__(self, channel: Channel, sink: LogSink, execution_id: str, loop: asyncio.AbstractEventLoop) -> None:
        self._channel = channel
        self._sink = sink
        self._id = execution_id
        self._loop = loop
        self._asked = 0
        self._steps = 0
        self._waiting: dict[int, _Answer] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._cancel_pending = False
        self.caller_touched = False

    async def call(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Ask the host. Works from any event loop: a plain `def` may run its own with `asyncio.run`."""
        running = asyncio.get_running_loop()
        at_home = running is self._loop
        answer: _Answer = running.create_future() if at_home else concurrent.futures.Future()
        with self._lock:
            if self._ended:
                raise ExecutionEnded("the execution has ended; nothing can be asked for it any more")
            self._asked += 1
            number = self._asked
            self._waiting[number] = answer
        try:
            question = {"execution_id": self._id, "call": number, "method": method, "arguments": arguments}
            try:
                members = dumps(question)[1:-1]
            except (TypeError, ValueError) as error:
                raise HostError("invalid_arguments", f"the arguments have no form in JSON: {error}") from None
            self._sink.flush()
            self._channel.send_body("call", members)
            if isinstance(answer, concurrent.futures.Future):
                return await asyncio.wrap_future(answer)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def reply(self, frame: dict[str, Any]) -> None:
        """Hand an answer to whoever waits for it."""
        answer = self._waiting.get(frame["call"])
        if answer is None or answer.done():
            return
        if frame["ok"]:
            answer.set_result(frame.get("value"))
        else:
            error = frame["error"]
            answer.set_exception(HostError(error["code"], error["message"], error.get("status")))

    def log(self, level: str, message: str) -> None:
        """A line of `context.log`."""
        self._sink.write(level, "log", message)

    def progress(self, percent: int | None, message: str | None) -> None:
        """A `progress` frame, after the lines logged before it."""
        with self._lock:
            if self._ended:
                return
            self._sink.flush()
            self._channel.send("progress", execution_id=self._id, percent=percent, message=message)

    def touch_caller(self) -> None:
        """The `result` frame tells: the answer of an option generator is then for this caller alone."""
        self.caller_touched = True

    def begin_step(self, name: str) -> int | None:
        """The `step` frame that begins one: numbers rise in the order of the frames."""
        with self._lock:
            if self._ended:
                return None
            if self._steps < _MAX_STEPS:
                self._steps += 1
                self._send_step(self._steps, "started", name=name)
                return self._steps
            if self._steps == _MAX_STEPS:
                self._steps += 1  # said once
                self._sink.write("warning", "msp_sdk", f"a run shows {_MAX_STEPS} steps; the rest run without showing")
            return None

    def end_step(self, number: int, outcome: str, message: str | None) -> None:
        """The `step` frame that ends one. The host closes what the execution left open."""
        with self._lock:
            if not self._ended:
                self._send_step(number, outcome, message=message)

    def _send_step(self, number: int, state: str, **fields: Any) -> None:
        self._sink.flush()
        now = time.time_ns() // 1_000_000
        self._channel.send("step", execution_id=self._id, step=number, at_ms=now, state=state, **fields)

    def check_cancelled(self) -> None:
        """Raise once after a cancel, for code that cannot be interrupted otherwise; its cleanup may use the context."""
        if self._cancel_pending:
            self._cancel_pending = False
            raise asyncio.CancelledError("the run was cancelled")

    def cancel_blocking(self) -> None:
        """Make the next use of the context raise, and every question that waits for an answer."""
        self._cancel_pending = True
        for answer in list(self._waiting.values()):
            if isinstance(answer, concurrent.futures.Future) and answer.cancel():
                self._cancel_pending = False

    def end(self) -> None:
        """Refuse further questions."""
        with self._lock:
            self._ended = True
