"""What `msp workflows new` writes passes its own test, and the lints of the example workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
TEMPLATES = REPOSITORY / "crates/server/src/commands/workflows/templates"
FILES = {
    "workflow": "workflows/reset_password.py",
    "test": "tests/test_reset_password.py",
    "conftest": "tests/conftest.py",
}


def test_a_new_workflow_passes_its_test_and_the_lints(tmp_path: Path) -> None:
    for template, name in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        text = (TEMPLATES / f"{template}.py.txt").read_text(encoding="utf-8")
        file.write_text(text.replace("NAME", "reset_password"), encoding="utf-8")
    (tmp_path / "ruff.toml").write_text((REPOSITORY / "workflows/ruff.toml").read_text(encoding="utf-8"))
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "sdk/python")}
    for command in (
        ["pytest", "-q", "-p", "no:cacheprovider", "tests"],
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "format", "--no-cache", "--check", "."],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
