"""The control channel: frames out under one lock, frames in from the event loop or a blocking read."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from . import descriptors

_LENGTH = struct.Struct(">I")
#: Largest frame in bytes (docs/worker-protocol.md, "Frames").
MAX_FRAME_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024


#: Made once: `json.dumps` makes a new one for every call that is not all defaults.
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_decoder = json.JSONDecoder()


def dumps(value: Any) -> bytes:
    """A value as UTF-8 JSON; halves of surrogate pairs, which are not text, become `?`."""
    return _encoder.encode(value).encode("utf-8", "replace")


def _loads(data: bytes) -> Any:
    """A frame of the host: one JSON value and nothing around it."""
    return _decoder.raw_decode(data.decode())[0]


class Channel:
    """Frames to and from the host. The end of the channel is the end of the process."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        # Sending blocks: a full socket slows whoever floods it, and nothing has to be buffered here.
        self._socket.setblocking(True)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._deferred: deque[bytes] = deque()
        self._seq = 0
        self._incoming = bytearray()
        #: Read into again and again: a buffer of this size, made for every read, costs more than the read.
        self._read_buffer = memoryview(bytearray(_READ_BYTES))
        self._loads: Callable[[bytes], Any] = _loads
        #: In a forked child: descriptors that take its text, by source. The channel is the parent's.
        self.forked: dict[str, int] | None = None

    def fileno(self) -> int:
        """The descriptor, for the event loop and for `poll`."""
        return self._socket.fileno()

    def use_fast_json(self) -> None:
        """Read frames with `orjson` when the author's environment has it."""
        try:
            import orjson
        except ImportError:
            return
        self._loads = orjson.loads

    def send(self, kind: str, **fields: Any) -> None:
        """Send one frame."""
        self.send_body(kind, dumps(fields)[1:-1])

    def send_body(self, kind: str, members: bytes) -> None:
        """Send one frame whose members, without the braces, are JSON already."""
        if self.forked is not None:
            raise RuntimeError("a forked process has no connection to the platform; ask in the workflow itself")
        body = b'"type":"%s"%s%s}' % (kind.encode(), b"," if members else b"", members)
        if self._owner == threading.get_ident():
            # A finalizer that prints may run in the middle of a send: its frame follows, it never interleaves.
            self._deferred.append(body)
            return
        with self._lock:
            self._owner = threading.get_ident()
            try:
                self._write(body)
                while self._deferred:
                    self._write(self._deferred.popleft())
            finally:
                self._owner = None

    def _write(self, body: bytes) -> None:
        self._seq += 1
        head = b'{"v":1,"seq":%d,' % self._seq
        try:
            self._socket.sendall(_LENGTH.pack(len(head) + len(body)) + head + body)
        except OSError:
            os._exit(0)

    def read(self) -> Any:
        """The next frame, waiting for it. Only before the event loop runs."""
        for frame in self._frames():
            return frame
        while True:
            self._receive(0)
            for frame in self._frames():
                return frame

    def on_readable(self, handle: Callable[[Any], None]) -> None:
        """Handle every frame that has arrived. Called by the event loop."""
        try:
            self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        self.drain(handle)

    def drain(self, handle: Callable[[Any], None]) -> None:
        """Handle the frames that were read along with an earlier one."""
        for frame in self._frames():
            handle(frame)

    def _receive(self, flags: int) -> None:
        try:
            count = self._socket.recv_into(self._read_buffer, 0, flags)
        except (BlockingIOError, InterruptedError):
            raise BlockingIOError from None
        except OSError:
            count = 0
        if not count:
            # The host is gone: nothing this process does can be on record any more.
            os._exit(0)
        self._incoming += self._read_buffer[:count]

    def _frames(self) -> Iterator[Any]:
        buffer = self._incoming
        while len(buffer) >= 4:
            (size,) = _LENGTH.unpack_from(buffer)
            if size > MAX_FRAME_BYTES:
                os._exit(1)
            if len(buffer) < 4 + size:
                return
            body = bytes(buffer[4 : 4 + size])
            del buffer[: 4 + size]
            yield self._loads(body)

    def end_fork(self) -> None:
        """In a forked child that ran on to the end of its parent's code: end it here. Nothing after this point is the
        author's, and locks that other threads held when the process was copied stay held in it for ever."""
        if self.forked is not None:
            os._exit(0)

    def abandon(self, lines_to: dict[str, int]) -> None:
        """In a forked child: let go of the channel, which belongs to the parent."""
        self.forked = lines_to
        descriptors.close_quietly(self._socket.detach())
