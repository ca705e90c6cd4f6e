"""The floor under every call of a worker (E): a frame from the host, a trivial `async def`, a frame back.

Length-prefixed JSON on a socketpair that arrives as standard input, with nothing around it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any, cast

_LENGTH = struct.Struct(">I")


async def echo(text: str, organization: str) -> dict[str, str]:
    """Do what the measured workflow does."""
    return {"text": text, "organization": organization}


class Echo(asyncio.Protocol):
    """Answers every frame, each in a task of its own as a worker does."""

    def __init__(self, closed: asyncio.Future[None]) -> None:
        self._closed = closed
        self._incoming = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the channel is the end of the process."""
        self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Start a task for every frame that is complete."""
        self._incoming += data
        while len(self._incoming) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._incoming)
            end = _LENGTH.size + size
            if len(self._incoming) < end:
                return
            frame = json.loads(bytes(self._incoming[_LENGTH.size : end]))
            del self._incoming[:end]
            task = asyncio.get_running_loop().create_task(self._answer(frame))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, frame: dict[str, Any]) -> None:
        result = await echo(frame["arguments"]["text"], frame["context"]["org"]["id"])
        answer = {"type": "result", "execution_id": frame["execution_id"], "value": result}
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        self._transport.write(_LENGTH.pack(len(body)) + body)


async def main() -> None:
    """Serve until the other end closes."""
    loop = asyncio.get_running_loop()
    closed = loop.create_future()
    await loop.create_connection(lambda: Echo(closed), sock=socket.socket(fileno=0))
    await closed


if __name__ == "__main__":
    asyncio.run(main())
