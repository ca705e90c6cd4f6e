"""A worker process as the engine starts it, and the host's side of its frames."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SDK_DIR = Path(__file__).parent.parent
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); import msp_sdk._worker as worker; worker.main()"
#: Longest wait for anything in these tests. A bound, not a pace: a passing test never waits this long.
PATIENCE_SECONDS = 30.0

Frame = dict[str, Any]


def _encoded(frame: Frame) -> bytes:
    body = json.dumps(frame).encode()
    return struct.pack(">I", len(body)) + body


class WorkerProcess:
    """Starts a worker over a socketpair, and checks every frame against the rules of the protocol."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        host, worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        host.settimeout(PATIENCE_SECONDS)
        self.socket = host
        environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": str(workspace)}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", BOOTSTRAP, str(SDK_DIR)],
            stdin=worker.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=workspace,
            start_new_session=True,
        )
        worker.close()
        self.raw = {1: bytearray(), 2: bytearray()}
        for fd, stream in ((1, self.process.stdout), (2, self.process.stderr)):
            threading.Thread(target=self._collect, args=(fd, stream), daemon=True).start()
        self.frames: list[Frame] = []
        self._seq = 0
        self._started = 0

    def _collect(self, fd: int, stream: Any) -> None:
        while data := stream.read1(65536):
            self.raw[fd] += data

    def send(self, **frame: Any) -> None:
        self.socket.sendall(_encoded(frame))

    def read(self) -> Frame | None:
        """The next frame, or `None` at the end of the channel."""
        head = self._exactly(4)
        if head is None:
            return None
        (size,) = struct.unpack(">I", head)
        assert size <= 16 * 1024 * 1024
        body = self._exactly(size)
        assert body is not None
        frame: Frame = json.loads(body)
        self._seq += 1
        assert (frame["v"], frame["seq"]) == (1, self._seq)
        self.frames.append(frame)
        return frame

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                return None
            data += piece
        return data

    def until(self, kind: str, wanted: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """Read on until a frame of this type that is wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            frame = self.read()
            assert frame is not None, f"the worker ended before `{kind}`: {bytes(self.raw[2]).decode()}"
            if frame["type"] == kind and wanted(frame):
                return frame
        raise AssertionError(f"no `{kind}` frame in time")

    def load(self, site_packages: str | None = None) -> Frame:
        self.until("hello")
        self.send(type="load", workspace=str(self._workspace), site_packages=site_packages, bundle="test")
        return self.until("loaded")

    def start(
        self,
        name: str,
        kind: str = "workflow",
        config: Frame | None = None,
        followed_by: Sequence[Frame] = (),
        **arguments: Any,
    ) -> str:
        """Start an execution; frames that follow arrive together with the first one."""
        self._started += 1
        execution_id = f"execution-{self._started}"
        context = {
            "org": {"id": "0b1c", "name": "Contoso", "tenant_id": "7d2e"},
            "config": config or {},
            "caller": {"user_id": "u1", "email": "ada@example.com", "name": "Ada"},
        }
        start = {
            "type": "start",
            "execution_id": execution_id,
            "kind": kind,
            "name": name,
            "arguments": arguments,
            "context": context,
        }
        self.socket.sendall(b"".join(_encoded(frame) for frame in (start, *followed_by)))
        return execution_id

    def result(self, execution_id: str) -> Frame:
        known = [f for f in self.frames if f["type"] == "result" and f["execution_id"] == execution_id]
        return known[0] if known else self.until("result", lambda frame: frame["execution_id"] == execution_id)

    def run(self, name: str, **arguments: Any) -> Frame:
        return self.result(self.start(name, **arguments))

    def lines(self, execution_id: str | None) -> list[Frame]:
        """Every log line of an execution so far, or of the worker."""
        return [
            line
            for frame in self.frames
            if frame["type"] == "log" and frame["execution_id"] == execution_id
            for line in frame["lines"]
        ]

    def messages(self, execution_id: str | None) -> list[str]:
        return [line["message"] for line in self.lines(execution_id)]

    def close(self) -> int:
        """Close the channel; the worker ends by itself."""
        self.socket.close()
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            try:
                os.killpg(self.process.pid, 9)
            except ProcessLookupError:
                pass


#: Fixtures of conftest.py. Their types are here because `conftest` names a module of every test folder.
MakeWorkspace = Callable[[dict[str, str]], Path]
StartWorker = Callable[..., WorkerProcess]
