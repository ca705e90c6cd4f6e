"""Turns what is printed into log lines of the execution that printed it."""

from __future__ import annotations

import codecs
import io
import os
import threading
import time
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from .._steps import current_step
from .current import current

if TYPE_CHECKING:
    from .channel import Channel

#: Longest line in bytes (docs/worker-protocol.md, `log`); a longer one continues in the next line.
MAX_LINE_BYTES = 32 * 1024
#: Lines of one sink that go out at once in each window; beyond, they are gathered into larger frames.
_PROMPT_LINES = 100
_WINDOW_SECONDS = 0.1
_BATCH_BYTES = 64 * 1024


class LogSink:
    """The log of one execution, or of the worker.

    A line goes out at once, so that it survives whatever its author does next. Only a flood is gathered: at most
    64 KiB of it, and for at most a tenth of a second.
    """

    def __init__(self, channel: Channel, execution_id: str | None, worker: LogSink | None = None) -> None:
        self._channel = channel
        self._head = (
            b'"execution_id":%s,"lines":[' % encode_basestring_ascii(execution_id).encode()
            if (execution_id is not None)
            else b'"execution_id":null,"lines":['
        )
        self._worker = worker
        self._lock = threading.RLock()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._window_began = 0.0
        self._window_lines = 0
        self._ended = False
        self._splitters: dict[tuple[str, int], LineSplitter] = {}

    def write(self, level: str, source: str, message: str) -> None:
        """Note one line. After the end of the execution it becomes a line of the worker."""
        if self._channel.forked is not None:
            write_all(self._channel.forked["stderr"], f"{message}\n".encode("utf-8", "replace"))
            return
        worker = self._worker
        if self._ended and worker is not None:
            worker.write(level, source, message)
            return
        step = current_step.get() if worker is not None else None
        tail = b"}" if step is None else b',"step":%d}' % step
        for piece in _pieces(message):
            line = b'{"at_ms":%d,"level":"%s","source":%s,"message":%s%s' % (
                time.time_ns() // 1_000_000,
                level.encode(),
                _quote(source),
                _quote(piece),
                tail,
            )
            with self._lock:
                if not self._ended:
                    self._gather(line)
                    continue
            if worker is not None:
                worker.write(level, source, piece)

    def _gather(self, line: bytes) -> None:
        self._gathered.append(line)
        self._gathered_bytes += len(line)
        now = time.monotonic()
        if now - self._window_began > _WINDOW_SECONDS:
            self._window_began, self._window_lines = now, 0
        self._window_lines += 1
        if self._window_lines <= _PROMPT_LINES or self._gathered_bytes >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered."""
        if not self._gathered:
            return
        with self._lock:
            lines, self._gathered, self._gathered_bytes = self._gathered, [], 0
            if lines:
                self._channel.send_body("log", self._head + b",".join(lines) + b"]")

    def splitter(self, source: str) -> LineSplitter:
        """Where the calling thread's text of a source is cut into lines; threads do not mix theirs."""
        key = (source, threading.get_ident())
        found = self._splitters.get(key)
        if found is None:
            level = "warning" if source == "stderr" else "info"
            found = self._splitters[key] = LineSplitter(lambda text: self.write(level, source, text))
        return found

    def finish_lines(self) -> None:
        """Send lines that lack their newline."""
        for splitter in list(self._splitters.values()):
            splitter.finish()
        self._splitters.clear()

    def end(self, send_result: Callable[[], None]) -> None:
        """Send everything, then the result: no line of the execution can follow it."""
        self.finish_lines()
        with self._lock:
            self.flush()
            self._ended = True
            send_result()


class LineSplitter:
    """Cuts text and bytes into lines; invalid bytes are replaced, and no line is kept beyond its largest size."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._lock = threading.RLock()
        self._pending: list[str] = []
        self._pending_chars = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self, text: str) -> None:
        """Take text."""
        with self._lock:
            if "\n" not in text:
                self._keep(text)
                return
            first, *rest = text.split("\n")
            self._keep(first)
            last = rest.pop()
            self._release()
            for line in rest:
                self._emit(line.removesuffix("\r"))
            self._keep(last)

    def bytes(self, data: bytes) -> None:
        """Take bytes of UTF-8."""
        with self._lock:
            self.text(self._decoder.decode(data))

    def finish(self) -> None:
        """Emit what lacks its newline."""
        with self._lock:
            self._keep(self._decoder.decode(b"", True))
            self._decoder.reset()
            if self._pending:
                self._release()

    def _keep(self, text: str) -> None:
        if not text:
            return
        self._pending.append(text)
        self._pending_chars += len(text)
        if self._pending_chars >= MAX_LINE_BYTES:
            # The same places `LogSink.write` cuts at: the host knows by a line's length that it goes on in the next.
            *whole, rest = _pieces("".join(self._pending))
            for piece in whole:
                self._emit(piece)
            self._pending, self._pending_chars = [rest], len(rest)

    def _release(self) -> None:
        line = "".join(self._pending)
        self._pending, self._pending_chars = [], 0
        self._emit(line.removesuffix("\r"))


def _pieces(message: str) -> list[str]:
    """A message in pieces of at most `MAX_LINE_BYTES`."""
    if len(message) * 4 <= MAX_LINE_BYTES or (message.isascii() and len(message) <= MAX_LINE_BYTES):
        return [message]
    data = message.encode("utf-8", "replace")
    pieces = []
    start = 0
    while start < len(data):
        end = min(start + MAX_LINE_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # never inside a character
            end -= 1
        pieces.append(data[start:end].decode())
        start = end
    return pieces


def _quote(text: str) -> bytes:
    if not text.isascii():
        # Halves of surrogate pairs would be escapes no JSON parser of the host accepts.
        text = text.encode("utf-8", "replace").decode()
    return encode_basestring_ascii(text).encode()


class Capture:
    """The current destination of printed text: the running execution's sink, else the worker's."""

    def __init__(self, channel: Channel, worker: LogSink) -> None:
        self._channel = channel
        self.worker = worker

    def sink(self) -> LogSink:
        """The log that code running here writes to."""
        execution = current.get()
        return self.worker if execution is None else execution.sink

    def text(self, source: str, text: str) -> None:
        """Text of `print` or of `stderr`."""
        if self._channel.forked is not None:
            write_all(self._channel.forked[source], text.encode("utf-8", "replace"))
        else:
            self.sink().splitter(source).text(text)

    def bytes(self, source: str, data: bytes) -> None:
        """Bytes written to `sys.stdout.buffer` or its sibling."""
        if self._channel.forked is not None:
            write_all(self._channel.forked[source], data)
        else:
            self.sink().splitter(source).bytes(data)


def write_all(fd: int, data: bytes) -> None:
    """Write bytes to a descriptor, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class _CapturedBytes(io.BufferedIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, capture: Capture, source: str, fd: int) -> None:
        self._capture = capture
        self._source = source
        self._fd = fd
        self.name = f"<{source}>"
        self.mode = "wb"

    def write(self, data: Any, /) -> int:
        raw = bytes(data)
        self._capture.bytes(self._source, raw)
        return len(raw)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        """Nothing: the next execution prints as well."""


class CapturedText(io.TextIOBase):
    """`sys.stdout` or `sys.stderr`: every line becomes a log line."""

    def __init__(self, capture: Capture, source: str, fd: int) -> None:
        self._capture = capture
        self._source = source
        self._fd = fd
        self.buffer: Any = _CapturedBytes(capture, source, fd)
        self.mode = "w"
        self.name = f"<{source}>"
        self.line_buffering = True
        self.write_through = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._capture.text(self._source, text)
        return len(text)

    def reconfigure(self, **_: Any) -> None:
        """Accepted and ignored: encoding and line ends are the log's."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing: the next execution prints as well."""
