"""From `@param` lines, type hints and Python defaults to the parameters of a workflow."""

from __future__ import annotations

import inspect
import json
import re
from types import FrameType
from typing import Any

from . import _hints
from ._frozen import Frozen
from ._words import did_you_mean
from .errors import DeclarationError
from .metadata import PARAMETER_TYPES, UNSET, Argument, Function, Parameter

_TEXT_TYPES = ("string", "email", "password")
_NUMBER_TYPES = ("int", "number")
_CHOICE_TYPES = ("select", "multi_select")

#: Which types a limit applies to.
_LIMITS: dict[str, tuple[str, ...]] = {
    "pattern": _TEXT_TYPES,
    "message": _TEXT_TYPES,
    "min_length": _TEXT_TYPES,
    "max_length": _TEXT_TYPES,
    "min": _NUMBER_TYPES,
    "max": _NUMBER_TYPES,
    "min_items": ("multi_select",),
    "max_items": ("multi_select",),
}
_COUNTS = ("min_length", "max_length", "min_items", "max_items")
_PARAM_WORDS = ("name", "type", "required", "default", "options_from", "options", "label", "help", *_LIMITS)
#: Types a dropdown can fill.
_OPTION_TYPES = ("string", "email", "int", "number", "select", "multi_select", "json")
#: What the host's linear-time matcher does not have: look-around and back-references.
_BEYOND_HOST_PATTERNS = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]|\(\?P=")


class ParamSpec(Frozen):
    """One `@param` as it was written."""

    name: str
    type: str | None
    required: bool | None
    default: Any
    options_from: str | None
    options: list[Any] | None
    label: str | None
    help: str | None
    validation: dict[str, Any]
    file: str
    line: int

    def mistake(self, message: str) -> DeclarationError:
        """A refusal on this line."""
        return DeclarationError(message, self.file, self.line)


def read_spec(name: str, type: str | None, required: bool | None, words: dict[str, Any], frame: FrameType) -> ParamSpec:
    """Check the words of one `@param`, as far as that is possible without its function.

    Raises:
        DeclarationError: on the line of the decorator.
    """

    def mistake(message: str) -> DeclarationError:
        return DeclarationError.at(message, frame)

    if not isinstance(name, str) or not name.isidentifier():
        raise mistake(f"`@param` starts with the name of an argument, not {name!r}")
    for word in words:
        if word not in _PARAM_WORDS:
            raise mistake(f"`@param` takes no `{word}`{did_you_mean(word, _PARAM_WORDS)}")
    if type is not None and type not in PARAMETER_TYPES:
        hint = did_you_mean(str(type), PARAMETER_TYPES) or f"; choose from {', '.join(PARAMETER_TYPES)}"
        raise mistake(f"`{name}` has the unknown type {type!r}{hint}")
    if required is not None and not isinstance(required, bool):
        raise mistake(f"`required` of `{name}` is `True` or `False`")
    for word in ("options_from", "label", "help", "pattern", "message"):
        if words.get(word) is not None and not isinstance(words[word], str):
            raise mistake(f"`{word}` of `{name}` is a text, not {words[word]!r}")
    options = words.get("options")
    if options is not None:
        if not isinstance(options, (list, tuple)) or not options:
            raise mistake(f"`options` of `{name}` is a list of values")
        if not all(isinstance(option, (str, int, float, bool)) for option in options):
            raise mistake(f"`options` of `{name}` are texts, numbers, `True` or `False`")
        if words.get("options_from") is not None:
            raise mistake(f"`{name}` has `options` and `options_from`; keep one of them")
    if required and words.get("default", UNSET) not in (UNSET, None):
        raise mistake(f"`{name}` is required and has a default; keep one of them")
    validation = {word: words[word] for word in _LIMITS if words.get(word) is not None}
    _check_limits(name, validation, mistake)
    return ParamSpec(
        name=name,
        type=type,
        required=required,
        default=words.get("default", UNSET),
        options_from=words.get("options_from"),
        options=list(options) if options is not None else None,
        label=words.get("label"),
        help=words.get("help"),
        validation=validation,
        file=frame.f_code.co_filename,
        line=frame.f_lineno,
    )


def _check_limits(name: str, limits: dict[str, Any], mistake: Any) -> None:
    for word in _COUNTS:
        if word in limits and (isinstance(limits[word], bool) or not isinstance(limits[word], int) or limits[word] < 0):
            raise mistake(f"`{word}` of `{name}` is a whole number, at least 0")
    for word in ("min", "max"):
        if word in limits and (isinstance(limits[word], bool) or not isinstance(limits[word], (int, float))):
            raise mistake(f"`{word}` of `{name}` is a number")
    for low, high in (("min", "max"), ("min_length", "max_length"), ("min_items", "max_items")):
        if low in limits and high in limits and limits[low] > limits[high]:
            raise mistake(f"`{low}` of `{name}` is greater than its `{high}`")
    if "message" in limits and "pattern" not in limits:
        raise mistake(f"`message` of `{name}` is shown when its `pattern` does not match, and it has none")
    if "pattern" in limits:
        try:
            re.compile(limits["pattern"])
        except re.error as error:
            raise mistake(f"`pattern` of `{name}` is not a valid regular expression: {error}") from None
        if _BEYOND_HOST_PATTERNS.search(limits["pattern"]):
            raise mistake(
                f"`pattern` of `{name}` uses look-around or a back-reference; the platform's matcher has neither"
            )


def build_parameters(
    function: Function, specs: list[ParamSpec]
) -> tuple[bool, tuple[Argument, ...], tuple[Parameter, ...]]:
    """What a function takes: whether it takes the context, its other arguments, and its parameters.

    Declared parameters come first, in the order of their `@param`; arguments without one follow in their own order.

    Raises:
        DeclarationError: a `@param` without argument, or one that contradicts its argument.
    """
    code = inspect.unwrap(function).__code__

    def mistake(message: str) -> DeclarationError:
        return DeclarationError(message, code.co_filename, code.co_firstlineno)

    arguments = list(_hints.signature(function).parameters.values())
    takes_context = bool(arguments) and arguments[0].name == "context"
    if takes_context:
        arguments = arguments[1:]
    for argument in arguments:
        if argument.name == "context":
            raise mistake("`context` must be the first argument")
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise mistake(
                f"`*{argument.name}` cannot become a field of a form; name each argument"
                " (a decorator of your own needs `functools.wraps`)"
            )
        if argument.kind is argument.POSITIONAL_ONLY:
            raise mistake(f"`{argument.name}` is positional-only; remove the `/`")
    names = [argument.name for argument in arguments]
    by_name = {spec.name: spec for spec in specs}
    for spec in specs:
        if spec.name == "context" and takes_context:
            raise spec.mistake("`context` is filled by the platform and takes no `@param`")
        if spec.name not in names:
            hint = did_you_mean(spec.name, names)
            raise spec.mistake(f"`@param` names `{spec.name}`, but `{function.__name__}` has no such argument{hint}")
    hints = {argument.name: _hints.read(argument.annotation, function) for argument in arguments}
    built = {
        argument.name: _parameter(
            argument, hints[argument.name], by_name.get(argument.name), mistake, code.co_firstlineno
        )
        for argument in arguments
    }
    order = [spec.name for spec in specs] + [name for name in names if name not in by_name]
    call = tuple(_argument(argument, hints[argument.name]) for argument in arguments)
    return takes_context, call, tuple(built[name] for name in order)


def _argument(argument: inspect.Parameter, hint: _hints.Hint | None) -> Argument:
    return Argument(argument.name, hint.scalar if hint else None, argument.default is not argument.empty)


def _parameter(
    argument: inspect.Parameter, hint: _hints.Hint | None, spec: ParamSpec | None, mistake: Any, line: int
) -> Parameter:
    name = argument.name
    if spec is not None:
        mistake, line = spec.mistake, spec.line
    kind = _type_of(name, hint, spec, mistake)
    options = spec.options if spec and spec.options is not None else None
    if options is None and hint is not None and hint.options is not None and not (spec and spec.options_from):
        options = hint.options if kind in _CHOICE_TYPES else None
    if options is not None and kind not in _CHOICE_TYPES:
        raise mistake(f"`{name}` has `options`, so its type is `select` or `multi_select`, not `{kind}`")
    if kind in _CHOICE_TYPES and options is None and (spec is None or spec.options_from is None):
        raise mistake(f"`{name}` is a `{kind}` and needs `options` or `options_from`")
    if spec is not None:
        if spec.options_from is not None and kind not in _OPTION_TYPES:
            raise mistake(f"`{name}` is a `{kind}` and cannot be filled from options")
        for word in spec.validation:
            if kind not in _LIMITS[word]:
                raise mistake(f"`{word}` of `{name}` is for {' and '.join(_LIMITS[word])}, not `{kind}`")
    default, has_default = _default(argument, spec, mistake)
    shown = UNSET
    if default is not None and default is not UNSET:
        shown = _shown_default(name, kind, default, options, spec, mistake)
    required = not has_default and not (hint is not None and hint.optional)
    if spec is not None and spec.required is not None:
        if spec.required and has_default and argument.default is not None:
            raise mistake(f"`{name}` is required, but its argument has a default; keep one of them")
        required = spec.required
    return Parameter(
        name=name,
        type=kind,
        required=required,
        default=shown,
        options_from=spec.options_from if spec else None,
        options=options,
        label=spec.label if spec else None,
        help=spec.help if spec else None,
        validation=spec.validation if spec else {},
        line=line,
    )


def _type_of(name: str, hint: _hints.Hint | None, spec: ParamSpec | None, mistake: Any) -> str:
    if spec is None:
        return hint.type if hint else "json"
    if spec.type is None:
        if spec.options is not None and (hint is None or hint.type not in _CHOICE_TYPES):
            return "multi_select" if hint is not None and hint.is_list else "select"
        # A hint that says nothing more than "list" next to a generator means several of its options.
        if hint is not None and hint.is_list and spec.options_from is not None:
            return "multi_select"
        return hint.type if hint else "string"
    if hint is not None and hint.type in _hints.COMPATIBLE and spec.type != "json":
        fitting = _hints.COMPATIBLE[hint.type]
        if spec.type not in fitting:
            raise mistake(
                f"`{name}` has the type `{spec.type}`, but the hint of its argument means `{hint.type}`;"
                f" change one of them"
            )
    return spec.type


def _default(argument: inspect.Parameter, spec: ParamSpec | None, mistake: Any) -> tuple[Any, bool]:
    """The default and whether there is one; the two places it may be written in must agree."""
    python = UNSET if argument.default is argument.empty else argument.default
    declared = spec.default if spec is not None else UNSET
    if python is not UNSET and declared is not UNSET and python is not None and _plain(python) != _plain(declared):
        raise mistake(f"`{argument.name}` has the default {declared!r} here and {python!r} in its function; keep one")
    if declared is not UNSET:
        return declared, True
    return python, python is not UNSET


def _plain(value: Any) -> Any:
    """A value as JSON carries it: days and instants as text, tuples as lists."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


_EXPECTED = {
    "string": (str,),
    "email": (str,),
    "password": (str,),
    "date": (str,),
    "datetime": (str,),
    "int": (int,),
    "number": (int, float),
    "bool": (bool,),
    "multi_select": (list,),
}


def _shown_default(
    name: str, kind: str, default: Any, options: list[Any] | None, spec: ParamSpec | None, mistake: Any
) -> Any:
    """The default as metadata shows it, or `UNSET` when JSON has no form for it: Python's own then holds."""
    value = _plain(default)
    expected = _EXPECTED.get(kind)
    if expected is not None and (not isinstance(value, expected) or (isinstance(value, bool) and kind != "bool")):
        raise mistake(f"the default {default!r} of `{name}` is not of its type `{kind}`")
    chosen = value if isinstance(value, list) and kind == "multi_select" else [value]
    if options is not None:
        for choice in chosen:
            if choice not in options:
                hint = did_you_mean(str(choice), [str(option) for option in options])
                raise mistake(f"the default {choice!r} of `{name}` is not among its options{hint}")
    limits = spec.validation if spec else {}
    if kind in _NUMBER_TYPES and not limits.get("min", value) <= value <= limits.get("max", value):
        raise mistake(f"the default {default!r} of `{name}` is outside its limits")
    if kind in _TEXT_TYPES:
        if not limits.get("min_length", 0) <= len(value) <= limits.get("max_length", len(value)):
            raise mistake(f"the default {default!r} of `{name}` is outside its limits")
        if "pattern" in limits and not re.search(limits["pattern"], value):
            raise mistake(f"the default {default!r} of `{name}` does not match its pattern")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        if spec is not None and spec.default is not UNSET:
            raise mistake(f"the default {default!r} of `{name}` has no form in JSON") from None
        return UNSET
    return value
