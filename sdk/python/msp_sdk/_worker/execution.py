"""One execution: from its `start` frame to its `result`."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _results
from ..context import Caller, Context, Org
from ..metadata import Argument, Declaration
from . import failures
from .capture import LogSink
from .channel import dumps
from .children import ChildPipe
from .current import current
from .host import ExecutionHost

if TYPE_CHECKING:
    from .worker import Worker

#: How long tasks the author left behind may take to give way.
_LEFTOVER_SECONDS = 1.0

_logger = logging.getLogger("msp_sdk")


class Execution:
    """A workflow or option generator in flight."""

    def __init__(self, worker: Worker, frame: dict[str, Any]) -> None:
        self.id: str = frame["execution_id"]
        self._worker = worker
        self._kind: str = frame["kind"]
        self._name: str = frame["name"]
        self._given: dict[str, Any] = frame["arguments"]
        self.sink = LogSink(worker.channel, self.id, worker.sink)
        self.host = ExecutionHost(worker.channel, self.sink, self.id, worker.loop)
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._pipes: dict[str, ChildPipe] = {}
        self._pipes_lock = threading.Lock()
        self._cancelled = False
        self._blocking = False
        self._began = False
        self._task: asyncio.Task[None] | None = None
        self._context = _context(self.host, self.id, frame["context"])

    def start(self) -> None:
        """Begin, in a context of its own: nothing of the event loop's or of another execution's is inherited."""
        context = contextvars.Context()
        context.run(current.set, self)
        self._task = asyncio.Task(self._run(), loop=self._worker.loop, context=context, name=f"msp:{self.id}")

    def cancel(self) -> None:
        """Make the code give way: at its next `await`, or at its next use of the context when it is a plain `def`."""
        self._cancelled = True
        if self._blocking:
            self.host.cancel_blocking()
        elif self._began and self._task is not None:
            # A task cancelled before its first step never runs at all, and nobody would send its result.
            self._task.cancel()

    def child_pipe(self, source: str) -> ChildPipe:
        """Where children write, made when the first one starts."""
        with self._pipes_lock:
            pipe = self._pipes.get(source)
            if pipe is None:
                level = "info" if source == "stdout" else "warning"
                pipe = self._pipes[source] = ChildPipe(self.sink, level)
            return pipe

    async def _run(self) -> None:
        self._began = True
        members = await self._outcome()
        self._worker.channel.end_fork()
        # From here on nothing of the author's decides: a late `cancel` frame has nothing left to cancel.
        self._blocking = True
        try:
            await self._clean_up()
        except BaseException as error:
            _logger.error("cleaning up after the execution failed: %s: %s", type(error).__name__, error)
        self._worker.end(self, members)

    async def _outcome(self) -> bytes:
        """Run the author's code; whatever it raises becomes a result, `sys.exit` included."""
        try:
            if self._cancelled:
                raise asyncio.CancelledError
            declaration = self._declaration()
            value = await self._call(declaration)
            if self._kind == "options":
                value = _results.options(value)
            return b'"outcome":"returned","value":' + _results.encode(value)
        except asyncio.CancelledError as error:
            if self._cancelled:
                return b'"outcome":"cancelled"'
            return self._raised(error)
        except BaseException as error:
            return self._raised(error)

    def _raised(self, error: BaseException) -> bytes:
        try:
            report = failures.describe(error, self._worker.bundle.workspace)
        except Exception as mistake:
            # An exception whose own methods fail still ends its run with a result.
            message = f"the error could not be described: {type(mistake).__name__}"
            report = {
                "error_type": type(error).__name__,
                "message": message,
                "traceback": "",
                "file": None,
                "line": None,
            }
        return b'"outcome":"raised",' + dumps(report)[1:-1]

    def _declaration(self) -> Declaration:
        bundle = self._worker.bundle
        known: dict[str, Any] = bundle.workflows if self._kind == "workflow" else bundle.option_generators
        found: Declaration | None = known.get(self._name)
        if found is None:
            raise LookupError(f"the bundle has no {self._kind} `{self._name}`")
        return found

    async def _call(self, declaration: Declaration) -> Any:
        arguments = _arguments(declaration, self._given, coerce=self._kind == "options")
        positional = (self._context,) if declaration.takes_context else ()
        if declaration.is_async:
            return await declaration.function(*positional, **arguments)
        self._blocking = True
        value = await _in_thread(lambda: declaration.function(*positional, **arguments), self._worker.loop)
        self._blocking = False
        # A plain `def` may hand back something to await, from a decorator of the author's for example.
        return await value if asyncio.iscoroutine(value) else value

    async def _clean_up(self) -> None:
        await self._end_tasks()
        await self._context._opened.close()
        self.host.end()
        with self._pipes_lock:
            pipes, self._pipes = self._pipes, {}
        if pipes:
            # In a thread: children that keep writing are waited for, and other executions are not.
            await _in_thread(lambda: _close(list(pipes.values())), self._worker.loop)

    async def _end_tasks(self) -> None:
        left = {task for task in self.tasks if not task.done() and task is not self._task}
        if not left:
            return
        for task in left:
            task.cancel()
        _, stubborn = await asyncio.wait(left, timeout=_LEFTOVER_SECONDS)
        note = f"{len(left)} tasks were" if len(left) > 1 else "1 task was"
        ending = f"; {len(stubborn)} of them did not give way" if stubborn else ""
        _logger.warning("%s still running at the end of the execution and cancelled%s", note, ending)


def _close(pipes: list[ChildPipe]) -> None:
    for pipe in pipes:
        pipe.close()


def _context(host: ExecutionHost, execution_id: str, given: dict[str, Any]) -> Context:
    org = given.get("org")
    caller = given["caller"]
    return Context(
        host,
        execution_id=execution_id,
        org=None if org is None else Org(id=org["id"], name=org["name"], tenant_id=org.get("tenant_id")),
        config=given["config"],
        caller=Caller(user_id=caller["user_id"], email=caller["email"], name=caller.get("name") or ""),
    )


async def _in_thread(function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Run blocking code in a thread of its own, with the current context.

    Not in the loop's executor: its threads are the author's as well, who may have used them up.
    """
    done: asyncio.Future[Any] = loop.create_future()
    process = os.getpid()

    def finish(value: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(value)
        else:
            # A future refuses `StopIteration`, and this way every exception keeps its identity.
            done.set_result(_Failure(error))

    def run() -> None:
        try:
            value, error = function(), None
        except BaseException as raised:
            value, error = None, raised
        if os.getpid() != process:
            os._exit(0)  # a fork that ran on; the loop is its parent's
        loop.call_soon_threadsafe(finish, value, error)

    threading.Thread(target=run, name="msp-execution", daemon=True).start()
    result = await done
    if isinstance(result, _Failure):
        raise result.error
    return result


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _arguments(declaration: Declaration, given: dict[str, Any], coerce: bool) -> dict[str, Any]:
    """The keyword arguments of a call. What was left out is Python's default, or `None` where there is none."""
    arguments: dict[str, Any] = {}
    for argument in declaration.arguments:
        if argument.name in given:
            arguments[argument.name] = _hand_over(argument, given[argument.name], coerce)
        elif not argument.has_default:
            arguments[argument.name] = None
    return arguments


def _hand_over(argument: Argument, value: Any, coerce: bool) -> Any:
    """A value as the type hint of its argument wants it. Inputs of option generators arrive as text of an address."""
    if not isinstance(value, str):
        return value
    if argument.hint is datetime.datetime:
        return datetime.datetime.fromisoformat(value)
    if argument.hint is datetime.date:
        return datetime.date.fromisoformat(value)
    if coerce and argument.hint in (int, float):
        return argument.hint(value)
    if coerce and argument.hint is bool:
        return value.strip().lower() in ("true", "1", "yes", "on")
    return value
