"""What a declared workflow or option generator is, in the shape of `/admin/metadata`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._frozen import Frozen

#: What a parameter may accept, in the words of `@param(type=...)`.
PARAMETER_TYPES = (
    "string",
    "int",
    "number",
    "bool",
    "email",
    "password",
    "date",
    "datetime",
    "select",
    "multi_select",
    "json",
)

#: An author's function. Its arguments are checked by the host, so their types are nobody's business here.
Function = Callable[..., Any]


class Unset:
    """The type of `UNSET`: an argument nobody gave, where `None` is a value."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class Parameter(Frozen):
    """One parameter of a workflow. `default` is `UNSET` when there is none."""

    name: str
    type: str
    required: bool
    default: Any
    options_from: str | None
    options: list[Any] | None
    label: str | None
    help: str | None
    validation: dict[str, Any]
    line: int

    def to_json(self) -> dict[str, Any]:
        """The shape of `msp_domain::Parameter`: what is not set is left out."""
        shape: dict[str, Any] = {"name": self.name, "type": self.type, "required": self.required}
        if self.default is not UNSET:
            shape["default"] = self.default
        for key in ("options_from", "options", "label", "help"):
            value = getattr(self, key)
            if value is not None:
                shape[key] = value
        if self.validation:
            shape["validation"] = self.validation
        return shape


class Argument(Frozen):
    """How one argument of an author's function is filled when it is called."""

    name: str
    #: The type hint, when it decides how a value is handed over (`date`, `datetime`, `int` ...).
    hint: type | None
    #: Whether Python knows a default; an argument without one and without a value receives `None`.
    has_default: bool


class Declaration(Frozen):
    """What workflows and option generators have in common."""

    name: str
    description: str
    function: Function
    #: Whether the first argument is `context`.
    takes_context: bool
    #: Every argument besides the context, in order.
    arguments: tuple[Argument, ...]
    #: Whether the function is an `async def`.
    is_async: bool
    #: The file of the function, as Python names it.
    file: str
    #: The line of its `def`.
    line: int


class Workflow(Declaration):
    """A workflow an author declared."""

    category: str = ""
    requires_org: bool = True
    timeout_seconds: int = 1800
    isolation: str = "shared"
    forms_only: bool = False
    minutes_saved: int | None = None
    parameters: tuple[Parameter, ...] = ()

    def to_json(self, file: str) -> dict[str, Any]:
        """The shape of `msp_domain::Workflow`; `file` is relative to the workspace."""
        return {
            "name": self.name,
            "description": self.description,
            "category": self.category,
            "requires_org": self.requires_org,
            "parameters": [parameter.to_json() for parameter in self.parameters],
            "timeout_seconds": self.timeout_seconds,
            # A plain `def` blocks its thread in ways the event loop cannot interrupt: it never shares.
            "exclusive": self.isolation == "exclusive" or not self.is_async,
            "forms_only": self.forms_only,
            "minutes_saved": self.minutes_saved,
            "file": file,
            "line": self.line,
        }


class OptionGenerator(Declaration):
    """A function that fills a dropdown."""

    cache_seconds: int = 60

    def to_json(self, file: str) -> dict[str, Any]:
        """The shape of `msp_domain::OptionGenerator`; `file` is relative to the workspace."""
        return {
            "name": self.name,
            "description": self.description,
            "inputs": [argument.name for argument in self.arguments],
            "cache_seconds": self.cache_seconds,
            "exclusive": not self.is_async,
            "file": file,
            "line": self.line,
        }
