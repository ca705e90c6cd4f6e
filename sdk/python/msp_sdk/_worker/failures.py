"""Describes what an author's code raised: the type, a message, and a traceback of the author's own frames."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from .._modules import missing_module
from .._results import OptionsInvalid, ResultNotJson, ResultTooLarge

#: A message or traceback beyond these is cut: frames and records are bounded.
_MESSAGE_CHARS = 8 * 1024
_TRACEBACK_CHARS = 64 * 1024
_TRACEBACK_LINE_CHARS = 8 * 1024

_SDK = str(Path(__file__).parent.parent)
_NAMES: dict[type[BaseException], str] = {
    ResultNotJson: "result_not_json",
    ResultTooLarge: "result_too_large",
    OptionsInvalid: "options_invalid",
}


def describe(error: BaseException, workspace: Path) -> dict[str, Any]:
    """The members of a `raised` result."""
    report = traceback.TracebackException.from_exception(error)
    _trim(report, workspace, set())
    file, line = _innermost(error, workspace)
    return {
        "error_type": _NAMES.get(type(error), type(error).__name__),
        "message": _message(error, workspace)[:_MESSAGE_CHARS],
        "traceback": "" if type(error) in _NAMES else _text(report),
        "file": file,
        "line": line,
    }


def _text(report: traceback.TracebackException) -> str:
    text = "".join(report.format())
    if len(text) <= _TRACEBACK_CHARS:
        return text
    # Only whole lines are left out: the host masks secrets, and would not know half of one.
    lines = [
        line if len(line) <= _TRACEBACK_LINE_CHARS else f"  ... a line of {len(line)} characters ...\n"
        for line in text.splitlines(keepends=True)
    ]
    head = _fitting(lines)
    tail = _fitting(lines[: len(head) - 1 : -1])
    gap = [] if len(head) + len(tail) == len(lines) else ["  ... cut ...\n"]
    return "".join([*head, *gap, *reversed(tail)])


def _fitting(lines: list[str]) -> list[str]:
    """As many of the first lines as half a traceback may hold."""
    room = _TRACEBACK_CHARS // 2
    for count, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            return lines[:count]
    return lines


def _message(error: BaseException, workspace: Path) -> str:
    try:
        if isinstance(error, SystemExit):
            return f"the code ended the program: sys.exit({error.code!r})"
        if isinstance(error, ModuleNotFoundError):
            return missing_module(error, workspace)
        if type(error) is KeyError:
            return f"there is no key {error}"
        return str(error) or type(error).__name__
    except Exception as mistake:
        return f"the message of the error could not be made: {type(mistake).__name__}"


def _trim(report: traceback.TracebackException, workspace: Path, seen: set[int]) -> None:
    """Begin each stack with the author's first frame, leave the SDK's out, and name files as authors do."""
    if id(report) in seen:
        return
    seen.add(id(report))
    root = f"{workspace}/"
    frames = list(report.stack)
    first = next((position for position, frame in enumerate(frames) if frame.filename.startswith(root)), None)
    kept = [frame for frame in frames[first or 0 :] if not frame.filename.startswith(_SDK)]
    for frame in kept:
        if frame.filename.startswith(root):
            _ = frame.line  # read while the name still leads to the file
            frame.filename = frame.filename[len(root) :]
    report.stack[:] = kept
    for chained in (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())):
        if chained is not None:
            _trim(chained, workspace, seen)


def _innermost(error: BaseException, workspace: Path) -> tuple[str | None, int | None]:
    root = f"{workspace}/"
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code.co_filename.startswith(root):
            return frame.f_code.co_filename[len(root) :], line
    return None, None
