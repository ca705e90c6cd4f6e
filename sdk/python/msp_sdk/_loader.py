"""Imports a workspace file by file; what is wrong with one file is reported and takes no other down."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Any

from . import _shared_package
from ._frozen import Frozen
from ._modules import missing_module
from ._words import did_you_mean
from .decorators import stray_param
from .errors import DeclarationError
from .metadata import Declaration, OptionGenerator, Workflow
from .registry import registry


class FileError(Frozen):
    """Why a file of the workspace could not be used."""

    file: str
    line: int | None
    message: str

    def to_json(self) -> dict[str, Any]:
        """The shape of `msp_domain::FileError`."""
        return {"file": self.file, "line": self.line, "message": self.message}


class Bundle:
    """A loaded workspace."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.workflows: dict[str, Workflow] = {}
        self.option_generators: dict[str, OptionGenerator] = {}
        self.errors: list[FileError] = []
        self.warnings: list[FileError] = []

    def relative(self, file: str) -> str:
        """A file as authors know it: relative to the workspace when it lies inside."""
        path = Path(file)
        return path.relative_to(self.workspace).as_posix() if path.is_relative_to(self.workspace) else file

    def to_json(self) -> dict[str, Any]:
        """The body of a `loaded` frame."""
        return {
            "workflows": [found.to_json(self.relative(found.file)) for found in self.workflows.values()],
            "option_generators": [
                found.to_json(self.relative(found.file)) for found in self.option_generators.values()
            ],
            "errors": [error.to_json() for error in self.errors],
            "warnings": [warning.to_json() for warning in self.warnings],
        }


def load_workspace(workspace: Path) -> Bundle:
    """Import every file under `workflows/` and `options/` of a workspace."""
    bundle = Bundle(workspace.resolve())
    _shared_package.install(bundle.workspace)
    _check_shared(bundle)
    for folder in _shared_package.DECLARING:
        for file in _files(bundle.workspace / folder):
            error = _import_file(bundle, file)
            if error is not None:
                registry.discard_file(str(file))
                bundle.errors.append(error)
    _collect(bundle)
    _check_options(bundle)
    return bundle


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _check_shared(bundle: Bundle) -> None:
    """Syntax of the helpers, and names the platform keeps: both would surface far from their cause otherwise."""
    shared = bundle.workspace / "shared"
    for file in _files(shared):
        name = ".".join(file.relative_to(bundle.workspace).with_suffix("").parts)
        if name in _shared_package.RESERVED:
            advice = f"`{name}` is the platform's own module, so this file is never used; rename it"
            bundle.errors.append(FileError(bundle.relative(str(file)), None, advice))
            continue
        try:
            compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OSError) as error:
            bundle.errors.append(describe(bundle, file, error))
    if (shared / "integrations" / "__init__.py").is_file():
        try:
            # The factory is asked in the middle of a run; better to learn now that it cannot be imported.
            importlib.import_module("shared.integrations")
        except BaseException as error:
            # A syntax error in one of the files is in the list already.
            found = describe(bundle, shared / "integrations" / "__init__.py", error)
            if not any(known.message in found.message for known in bundle.errors):
                bundle.errors.append(found)


def _import_file(bundle: Bundle, file: Path) -> FileError | None:
    relative = file.relative_to(bundle.workspace).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    if any("." in part for part in parts):
        return FileError(bundle.relative(str(file)), None, "the name of a file or folder must not contain a dot")
    name = ".".join(parts)
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        return describe(bundle, file, error)
    for value in list(vars(module).values()):
        stray = stray_param(value)
        if stray is not None and stray.file == str(file):
            message = f"`@param` for `{stray.name}` is on a function without `@workflow`"
            return FileError(bundle.relative(stray.file), stray.line, message)
    return None


def _collect(bundle: Bundle) -> None:
    """Fill the dictionaries, in the order of files and lines: the first of two equal names keeps it."""
    kinds: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
        ("workflow", list(registry.workflows), bundle.workflows),
        ("option generator", list(registry.option_generators), bundle.option_generators),
    )
    for kind, declared, names in kinds:
        for found in sorted(declared, key=lambda each: (each.file, each.line)):
            earlier: Declaration | None = names.get(found.name)
            if earlier is None:
                names[found.name] = found
                continue
            place = f"{bundle.relative(earlier.file)}:{earlier.line}"
            message = f"the name `{found.name}` is taken by the {kind} in {place}; give this one another name"
            bundle.errors.append(FileError(bundle.relative(found.file), found.line, message))


def _check_options(bundle: Bundle) -> None:
    """A dropdown without generator is worth a warning; its workflow still runs with a typed value."""
    for found in bundle.workflows.values():
        for parameter in found.parameters:
            wanted = parameter.options_from
            if wanted is not None and wanted not in bundle.option_generators:
                hint = did_you_mean(wanted, bundle.option_generators)
                message = f"`{parameter.name}` names the option generator `{wanted}`, which does not exist{hint}"
                bundle.warnings.append(FileError(bundle.relative(found.file), parameter.line, message))


def describe(bundle: Bundle, file: Path, error: BaseException) -> FileError:
    """What is wrong with a file, where, and what to do about it."""
    shown = bundle.relative(str(file))
    if isinstance(error, DeclarationError):
        place = error.file if error.file is not None else str(file)
        return FileError(bundle.relative(place), error.line or _line_in(file, error), str(error))
    if isinstance(error, SyntaxError):
        message = f"{type(error).__name__}: {error.msg}"
        if error.filename and bundle.relative(error.filename) != shown:
            return FileError(shown, _line_in(file, error), f"imports {bundle.relative(error.filename)}: {message}")
        return FileError(shown, error.lineno, message)
    line = _line_in(file, error)
    if isinstance(error, ImportError):
        return FileError(shown, line, missing_module(error, bundle.workspace))
    if isinstance(error, SystemExit):
        return FileError(
            shown, line, "the file ends the program (`sys.exit`) while it is imported; move that into a function"
        )
    text = str(error).strip()
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    inner = _innermost(bundle, error)
    if inner is not None and inner[0] != shown:
        message = f"{message} (in {inner[0]}:{inner[1]})"
    return FileError(shown, line, message)


def _line_in(file: Path, error: BaseException) -> int | None:
    """The line of this file that was executing."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(file)]
    return lines[-1] if lines else None


def _innermost(bundle: Bundle, error: BaseException) -> tuple[str, int] | None:
    inside = [
        (bundle.relative(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).is_relative_to(bundle.workspace)
    ]
    return inside[-1] if inside else None
