"""Merges the author's `shared` folder with the platform's modules of that name, and opens workflow files.

Python itself finds submodules along a package's `__path__`; so the merge is two packages whose `__path__` holds the
author's folder first and ours second. The exceptions are in `RESERVED`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from . import decorators

#: The platform's own modules, and the packages an author may extend.
_OURS = Path(__file__).parent / "_shared"
_PACKAGES = ("shared", "shared.integrations")

#: Always the platform's: a workspace that brings its own copies of these would register nothing.
RESERVED = ("shared.decorators", "shared.context", "shared.registry")

#: Folders whose files declare workflows and option generators.
DECLARING = ("workflows", "options")


class WorkspaceFinder:
    """Answers imports of `shared...`, `workflows...` and `options...` for one workspace.

    A finder by its one method: the abstract class would cost every worker the import of `importlib.resources`.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Part of being a finder: `None` leaves an import to the others."""
        head = fullname.partition(".")[0]
        if head == "shared":
            return self._shared(fullname)
        if head in DECLARING:
            spec = PathFinder.find_spec(fullname, path if path is not None else [str(self._workspace)], target)
            if spec is not None and type(spec.loader) is SourceFileLoader and spec.origin:
                spec.loader = _DeclaringLoader(fullname, spec.origin)
            return spec
        return None

    def _shared(self, fullname: str) -> ModuleSpec | None:
        if fullname in RESERVED:
            return PathFinder.find_spec(fullname, [str(_OURS)])
        if fullname not in _PACKAGES:
            return None
        inside = fullname.split(".")[1:]
        theirs, ours = self._workspace.joinpath("shared", *inside), _OURS.joinpath(*inside)
        init = theirs / "__init__.py"
        if not init.is_file():
            init = ours / "__init__.py"
        return spec_from_file_location(fullname, init, submodule_search_locations=[str(theirs), str(ours)])


class _DeclaringLoader(SourceFileLoader):
    """Runs a workflow file with the decorators already in its namespace, so that it may leave the import out."""

    def exec_module(self, module: ModuleType) -> None:
        for name in ("workflow", "param", "option_generator"):
            setattr(module, name, getattr(decorators, name))
        super().exec_module(module)


def install(workspace: Path) -> WorkspaceFinder:
    """Make the workspace importable in this process. Asking again for the same or another one replaces it."""
    for finder in list(sys.meta_path):
        if isinstance(finder, WorkspaceFinder):
            sys.meta_path.remove(finder)
    finder = WorkspaceFinder(workspace)
    sys.meta_path.insert(0, finder)
    if str(workspace) not in sys.path:
        sys.path.append(str(workspace))
    return finder
