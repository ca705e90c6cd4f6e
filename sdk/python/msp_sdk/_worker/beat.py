"""A native thread that tells the host whether the event loop turns, and where it stands when it does not."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from . import propagate

if TYPE_CHECKING:
    from .capture import LogSink
    from .channel import Channel

#: Time between beats (docs/worker-protocol.md, `beat`).
_BEAT_SECONDS = 0.1
#: A loop that has not turned for this long is blocked.
_BLOCKED_MS = 250
#: Ticks without work before the thread sleeps: waking it for every short execution would cost more than ticking.
_IDLE_TICKS = 30


class Beat:
    """The beating thread. It also sees the host go while the loop is blocked, and sends lines a flood has gathered."""

    def __init__(self, channel: Channel, sinks: Callable[[], Iterable[LogSink]]) -> None:
        self._channel = channel
        self._sinks = sinks
        self._wake = threading.Event()
        self._in_flight = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = threading.get_ident()
        self._workspace = ""
        self._asked_at: float | None = None

    def start(self) -> None:
        """Begin to watch. Called on the thread that will run the event loop."""
        self._loop_thread = threading.get_ident()
        self._wake.set()
        propagate.start_outside(threading.Thread(target=self._run, name="msp-beat", daemon=True))

    def watch(self, loop: asyncio.AbstractEventLoop, workspace: Path) -> None:
        """Learn which loop to ask and which files are the author's."""
        self._loop = loop
        self._workspace = f"{workspace}{os.sep}"

    def began(self) -> None:
        """An execution began."""
        self._in_flight += 1
        if not self._wake.is_set():
            self._wake.set()

    def ended(self) -> None:
        """An execution ended."""
        self._in_flight -= 1

    def _run(self) -> None:
        poll = select.poll()
        # 0 on systems without POLLRDHUP: the end of the channel is reported as POLLHUP, which needs no asking.
        poll.register(self._channel.fileno(), getattr(select, "POLLRDHUP", 0))
        idle = 0
        while True:
            if poll.poll(_BEAT_SECONDS * 1000):
                os._exit(0)
            for sink in list(self._sinks()):
                sink.flush()
            if self._in_flight > 0:
                idle = 0
                self._beat()
                continue
            idle += 1
            if idle > _IDLE_TICKS:
                self._wake.clear()
                if self._in_flight == 0:
                    self._wake.wait()
                idle = 0

    def _beat(self) -> None:
        lag_ms = 0
        if self._asked_at is not None:
            lag_ms = int((time.monotonic() - self._asked_at) * 1000)
        elif self._loop is not None:
            self._asked_at = time.monotonic()
            self._loop.call_soon_threadsafe(self._answer)
        blocked_at = self._author_frame() if lag_ms > _BLOCKED_MS else None
        self._channel.send("beat", loop_lag_ms=lag_ms, blocked_at=blocked_at)

    def _answer(self) -> None:
        self._asked_at = None

    def _author_frame(self) -> dict[str, str | int] | None:
        frame: FrameType | None = sys._current_frames().get(self._loop_thread)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._workspace):
                return {"file": file[len(self._workspace) :], "line": frame.f_lineno}
            frame = frame.f_back
        return None
