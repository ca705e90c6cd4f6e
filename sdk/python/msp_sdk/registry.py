"""Where declarations are collected while a workspace is imported."""

from __future__ import annotations

from .metadata import OptionGenerator, Workflow

Declared = Workflow | OptionGenerator


class Registry:
    """Everything declared so far, in the order Python executed it."""

    def __init__(self) -> None:
        self._declared: list[Declared] = []

    def add(self, declaration: Declared) -> None:
        """Note a declaration. One for the same function replaces the earlier one (`@param` above `@workflow`)."""
        for position, known in enumerate(self._declared):
            if known.function is declaration.function and type(known) is type(declaration):
                self._declared[position] = declaration
                return
        self._declared.append(declaration)

    def discard_file(self, file: str) -> None:
        """Forget what a file declared: it failed further down, so nothing of it can be trusted."""
        self._declared = [known for known in self._declared if known.file != file]

    @property
    def workflows(self) -> list[Workflow]:
        """Every declared workflow."""
        return [known for known in self._declared if isinstance(known, Workflow)]

    @property
    def option_generators(self) -> list[OptionGenerator]:
        """Every declared option generator."""
        return [known for known in self._declared if isinstance(known, OptionGenerator)]


#: The registry decorators write to. A process imports one workspace, so one is enough.
registry = Registry()
