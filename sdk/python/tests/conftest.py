"""Workspaces in temporary folders, and workers that run them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_process import MakeWorkspace, StartWorker, WorkerProcess


@pytest.fixture
def workspace(tmp_path: Path) -> MakeWorkspace:
    """Writes files, given by their path in the workspace."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "workspace" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path / "workspace"

    return write


@pytest.fixture
def worker(workspace: MakeWorkspace) -> Iterator[StartWorker]:
    """Starts a worker on a workspace and loads it; `code` becomes `workflows/it.py`."""
    started: list[WorkerProcess] = []

    def start(code: str = "", files: dict[str, str] | None = None) -> WorkerProcess:
        process = WorkerProcess(workspace({**(files or {}), "workflows/it.py": code}))
        started.append(process)
        loaded = process.load()
        assert files is not None or loaded["errors"] == []
        return process

    yield start
    for process in started:
        process.close()
