"""Files of a run: those it was submitted with, and those it writes."""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._frozen import Frozen
from .errors import FileError, HostError

if TYPE_CHECKING:
    from .context import Host

#: Bytes that travel in one frame (docs/worker-protocol.md, "Calls").
_PIECE_BYTES = 1024 * 1024


class File(Frozen):
    """A file of this run. As JSON, in a result, it is an object of these four.

    Attributes:
        id: its id.
        name: what it is called.
        size_bytes: how large it is.
        content_type: what whoever made it says it is; nobody has checked.
    """

    id: str
    name: str
    size_bytes: int
    content_type: str

    def __getitem__(self, key: str) -> Any:
        return self.__dict__[key]


class Files:
    """`context.files`: the files of this run. A file field of a form fills its parameter with one, as a mapping."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def read(self, file: File | Mapping[str, Any] | str) -> bytes:
        """The bytes of a file: one of a parameter, one of `list()`, or its id.

        Raises:
            FileError: it is no file of this run.
        """
        id = file if isinstance(file, str) else _id(file)
        content = bytearray()
        part, parts = 0, 1
        while part < parts:
            answer = await self._call("files.read", {"id": id, "part": part})
            content += binascii.a2b_base64(answer["data"])
            part, parts = part + 1, answer["parts"]
        return bytes(content)

    async def write(
        self, name: str, data: bytes | bytearray | memoryview | str, content_type: str | None = None
    ) -> File:
        """Keep a file with this run: people who may see the run can download it. A text is written as UTF-8.

        Secrets in it are **not** masked. Two files may have the same name.

        Raises:
            FileError: it is larger than 50 MiB, the run has 200 files or 500 MiB of them already, or the name is none.
        """
        content = memoryview(data.encode() if isinstance(data, str) else data).cast("B")
        begin = {"name": name, "content_type": content_type or _guessed(name), "size_bytes": len(content)}
        first = {"data": _piece(content, 0)}
        file = await self._call("files.write", begin | first)
        for start in range(_PIECE_BYTES, len(content), _PIECE_BYTES):
            await self._call("files.append", {"id": file["id"], "data": _piece(content, start)})
        return _file(file)

    async def list(self) -> Sequence[File]:
        """Every file of this run, oldest first."""
        return [_file(file) for file in await self._call("files.list", {})]

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> Any:
        self._host.check_cancelled()
        try:
            return await self._host.call(method, arguments)
        except HostError as error:
            raise FileError(error.code, error.message, error.status) from None


def _id(file: Any) -> str:
    """The id of what stands for a file."""
    try:
        return str(file["id"])
    except (TypeError, KeyError):
        raise FileError("file_not_found", f"{file!r} is no file; a file field of a form gives one") from None


def _file(value: Mapping[str, Any]) -> File:
    return File(value["id"], value["name"], value["size_bytes"], value["content_type"])


def _piece(content: memoryview, start: int) -> str:
    return binascii.b2a_base64(content[start : start + _PIECE_BYTES], newline=False).decode()


def _guessed(name: str) -> str:
    import mimetypes

    try:
        known = mimetypes.guess_type(name)[0]
    except OSError:
        # The lists of the system lie behind the walls around a worker; Python's own is enough.
        mimetypes.knownfiles.clear()
        mimetypes.init()
        known = mimetypes.guess_type(name)[0]
    return known or "application/octet-stream"
