"""From Python type hints to parameter types."""

from __future__ import annotations

import datetime
import inspect
import sys
import types
import typing
from typing import Any

from ._frozen import Frozen
from .metadata import Function

_SCALARS: dict[Any, str] = {
    str: "string",
    int: "int",
    float: "number",
    bool: "bool",
    datetime.date: "date",
    datetime.datetime: "datetime",
}

#: What `@param(type=...)` may say about an argument whose hint means the key.
COMPATIBLE: dict[str, tuple[str, ...]] = {
    "string": ("string", "email", "password", "date", "datetime", "select"),
    "int": ("int", "select"),
    "number": ("number", "int", "select"),
    "bool": ("bool",),
    "date": ("date",),
    "datetime": ("datetime",),
    "select": ("select", "string", "int", "number"),
    "multi_select": ("multi_select",),
}


class Hint(Frozen):
    """What a type hint says about a parameter."""

    #: The parameter type it stands for.
    type: str
    #: The values of a `Literal`.
    options: list[Any] | None = None
    #: Whether `None` is among its types.
    optional: bool = False
    #: The Python type a value is handed over as, when it is a scalar.
    scalar: Any = None
    #: Whether the hint is a `list[...]`, which suits a `multi_select` as well as `json`.
    is_list: bool = False


def signature(function: Function) -> inspect.Signature:
    """The signature, without evaluating hints: a name that exists only for type checkers must not fail."""
    if sys.version_info >= (3, 14):  # PEP 649: annotations are code that runs when they are read
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def read(annotation: Any, function: Function) -> Hint | None:
    """What an annotation means, or `None` when there is none or its name does not exist at run time."""
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        try:
            # The author's own source, which Python itself would evaluate without the `__future__` import.
            annotation = eval(annotation, inspect.unwrap(function).__globals__)  # noqa: S307
        except Exception:
            return None
    return _hint(annotation)


def _hint(annotation: Any) -> Hint:
    if _hashable(annotation) and annotation in _SCALARS:
        return Hint(_SCALARS[annotation], scalar=annotation)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _hint(arguments[0])
    if origin is typing.Literal:
        values = [value for value in arguments if value is not None]
        return Hint("select", options=values, optional=len(values) < len(arguments))
    if origin is typing.Union or origin is types.UnionType:
        kept = [member for member in arguments if member is not types.NoneType]
        inner = _hint(kept[0]) if len(kept) == 1 else Hint("json")
        return Hint(inner.type, inner.options, len(kept) < len(arguments), inner.scalar, inner.is_list)
    if annotation is list or origin is list:
        if len(arguments) == 1 and typing.get_origin(arguments[0]) is typing.Literal:
            return Hint("multi_select", options=list(typing.get_args(arguments[0])), is_list=True)
        return Hint("json", is_list=True)
    return Hint("json")


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
