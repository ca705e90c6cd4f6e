"""Output of child processes: a pipe per execution instead of the worker's own descriptors."""

from __future__ import annotations

import fcntl
import inspect
import os
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import propagate
from .capture import CapturedText, LineSplitter
from .current import current

if TYPE_CHECKING:
    from .capture import LogSink
    from .channel import Channel

_READ_BYTES = 64 * 1024
#: How long the end of an execution waits for text its children have written already.
_DRAIN_SECONDS = 2.0


class ChildPipe:
    """Collects what children write to an inherited stdout or stderr, line by line."""

    def __init__(self, sink: LogSink, level: str) -> None:
        self._reader, self._writer = os.pipe()
        self._lines = LineSplitter(lambda text: sink.write(level, "subprocess", text))
        self._busy = False
        self._ended = False
        propagate.start_outside(threading.Thread(target=self._read, name="msp-child-output", daemon=True))

    def fileno(self) -> int:
        """The end children write to."""
        return self._writer

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while True:
            poll.poll()
            self._busy = True
            data = os.read(self._reader, _READ_BYTES)
            if not data:
                break
            self._lines.bytes(data)
            self._busy = False
        self._lines.finish()
        self._ended = True
        self._busy = False
        os.close(self._reader)

    def close(self) -> None:
        """No further child of the execution: what is written so far becomes lines, or two seconds have passed.

        A child that keeps running keeps its end open; its later lines are the worker's.
        """
        os.close(self._writer)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while not self._ended and time.monotonic() < deadline:
            # In this order: what was read before the pipe was seen empty made the reader busy first.
            if _readable_bytes(self._reader) == 0 and not self._busy:
                break
            time.sleep(0.001)
        if not self._ended:
            self._lines.finish()


def _readable_bytes(fd: int) -> int:
    try:
        answer = fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0")
    except OSError:
        return 0
    (count,) = struct.unpack("i", answer)
    return int(count)


def install(channel: Channel) -> None:
    """Give children of `subprocess` and `asyncio`, and forks, the pipe of their execution. Once per process."""
    original = subprocess.Popen.__init__
    subprocess.Popen.__init__ = _popen(original)  # type: ignore[method-assign]
    os.register_at_fork(before=_before_fork, after_in_child=lambda: _after_fork(channel))


def _popen(original: Callable[..., None]) -> Callable[..., None]:
    words = inspect.signature(original)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        execution = current.get()
        if execution is None:
            original(self, *args, **kwargs)
            return
        try:
            bound = words.bind(self, *args, **kwargs)
        except TypeError:
            original(self, *args, **kwargs)  # raises what Python itself says about these arguments
            return
        for name in ("stdout", "stderr"):
            given = bound.arguments.get(name)
            if given is None or isinstance(given, CapturedText):
                source = name if given is None else _source(given)
                bound.arguments[name] = execution.child_pipe(source).fileno()
        original(*bound.args, **bound.kwargs)

    return __init__


def _source(stream: CapturedText) -> str:
    return "stdout" if stream.fileno() == 1 else "stderr"


def _before_fork() -> None:
    execution = current.get()
    if execution is not None:
        execution.child_pipe("stdout")
        execution.child_pipe("stderr")


def _after_fork(channel: Channel) -> None:
    """The child has our memory but not our channel: its text goes where any child's text goes."""
    if channel.forked is not None:
        return
    execution = current.get()
    lines_to = {"print": 1, "stderr": 2}
    if execution is not None:
        lines_to = {
            "print": execution.child_pipe("stdout").fileno(),
            "stderr": execution.child_pipe("stderr").fileno(),
        }
        # Whatever the child starts or writes past Python belongs to the execution as well.
        os.dup2(lines_to["print"], 1)
        os.dup2(lines_to["stderr"], 2)
    channel.abandon(lines_to)
    # Another thread may have held a lock of the standard streams when the process was copied.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
