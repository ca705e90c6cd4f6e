"""The files of a test's run, in memory."""

from __future__ import annotations

import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import HostError


@dataclass(frozen=True)
class FakeFile:
    """A file of a test: one that a form was submitted with, as a parameter, or one that the run wrote.

    ```python
    run = run_workflow(import_users, {"roster": FakeFile("users.csv", b"name,email")})
    assert run.files[0].data == b"1 user"
    ```
    """

    name: str
    data: bytes
    content_type: str = "application/octet-stream"
    id: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)

    def to_json(self) -> dict[str, Any]:
        """What stands for it among the parameters of a run."""
        return {"id": self.id, "name": self.name, "size_bytes": len(self.data), "content_type": self.content_type}


class FakeFiles:
    """Answers what a run asks about its files."""

    def __init__(self) -> None:
        self.given: list[FakeFile] = []
        self.written: list[FakeFile] = []

    def submit(self, value: Any) -> Any:
        """A parameter with files in it, as a run receives it: a file itself, or a list of them."""
        if isinstance(value, FakeFile):
            self.given.append(value)
            return value.to_json()
        if isinstance(value, list):
            return [self.submit(item) for item in value]
        return value

    def answer(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Part of being a host."""
        known = [*self.given, *self.written]
        if method == "files.list":
            return [file.to_json() for file in known]
        if method == "files.write":
            content = binascii.a2b_base64(arguments["data"])
            self.written.append(FakeFile(arguments["name"], content, arguments["content_type"]))
            return {**self.written[-1].to_json(), "size_bytes": arguments["size_bytes"]}
        found = next((file for file in known if file.id == arguments["id"]), None)
        if found is None:
            raise HostError("file_not_found", "this run has no such file: give the test a `FakeFile` as the parameter")
        if method == "files.append":
            more = found.data + binascii.a2b_base64(arguments["data"])
            self.written[self.written.index(found)] = FakeFile(found.name, more, found.content_type, found.id)
            return None
        return {"data": binascii.b2a_base64(found.data, newline=False).decode(), "parts": 1}
