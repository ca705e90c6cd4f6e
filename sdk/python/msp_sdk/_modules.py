"""Advice for imports that fail."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ._words import did_you_mean

#: Modules whose distribution has another name (their pages on the Python Package Index).
_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "pptx": "python-pptx",
    "serial": "pyserial",
    "slugify": "python-slugify",
    "yaml": "PyYAML",
}
#: `azure.storage.blob` is in `azure-storage-blob`: this package follows its modules.
_BY_PATH = ("azure", "google")


def missing_module(error: ImportError, workspace: Path) -> str:
    """What an `ImportError` means and what to do about it in this workspace."""
    name = error.name or ""
    top = name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError):
        # `ImportError.name_from` is there from Python 3.12 on only.
        wanted = re.match(r"cannot import name '(\w+)'", str(error))
        module = sys.modules.get(name)
        if wanted is not None and module is not None:
            return f"`{name}` has no `{wanted[1]}`{did_you_mean(wanted[1], _public(module))}"
        return f"ImportError: {error}"
    if top in ("shared", "workflows", "options"):
        parent = sys.modules.get(name.rpartition(".")[0])
        found = _beside(list(getattr(parent, "__path__", [])))
        return f"the workspace has no module `{name}`{did_you_mean(name.rpartition('.')[2], found)}"
    if top == "msp_sdk":
        return f"the SDK has no module `{name}`"
    package = distribution(name)
    if _is_required(package, workspace):
        return f"the module `{name}` is missing: `{package}` of requirements.txt is not installed"
    return f"the module `{name}` is not installed: add `{package}` to requirements.txt"


def distribution(module: str) -> str:
    """The name under which a module is installed, as far as it can be known without asking anybody."""
    top = module.partition(".")[0]
    if top in _BY_PATH:
        return "-".join(module.split(".")[:3])
    return _DISTRIBUTIONS.get(top, top.replace("_", "-"))


def _is_required(wanted: str, workspace: Path) -> bool:
    try:
        lines = (workspace / "requirements.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    names = (re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0] for line in lines)
    return any(name.lower().replace("_", "-") == wanted.lower() for name in names)


def _public(module: object) -> list[str]:
    return [word for word in dir(module) if not word.startswith("_")]


def _beside(folders: list[str]) -> list[str]:
    return [path.stem for folder in folders for path in Path(folder).glob("*") if not path.name.startswith("_")]
