"""`@workflow`, `@param` and `@option_generator`: what an author writes above a function.

They attach metadata and return the same function, so a decorated function is still called and tested as any other.
A mistake is refused while the file is imported, with its line and the nearest valid word.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from ._parameters import ParamSpec, build_parameters, read_spec
from ._words import did_you_mean
from .errors import DeclarationError
from .metadata import Function, OptionGenerator, Workflow
from .registry import registry

F = TypeVar("F", bound=Callable[..., Any])

#: Seconds until a run is ended when its author names no other (design section 6, "Workers").
DEFAULT_TIMEOUT_SECONDS = 1800
#: Seconds an answer of an option generator may be kept when its author names no other.
DEFAULT_CACHE_SECONDS = 60

#: Arguments of the design whose behaviour arrives with a later version: ignoring them would promise something.
_LATER = ("retries", "needs", "config")
_WORKFLOW_WORDS = (
    "name",
    "description",
    "category",
    "requires_org",
    "timeout_seconds",
    "isolation",
    "forms_only",
    "minutes_saved",
)
_GENERATOR_WORDS = ("name", "description", "cache_seconds")
_ISOLATIONS = ("shared", "exclusive")
#: Most minutes a run may be said to save: ten weeks of work.
_MOST_MINUTES_SAVED = 24_000

_PARAMS = "__msp_params__"
_WORKFLOW_WORDS_GIVEN = "__msp_workflow_words__"
_WORKFLOW = "__msp_workflow__"
_GENERATOR = "__msp_option_generator__"


def workflow(
    name: str | None = None,
    description: str = "",
    category: str = "",
    requires_org: bool = True,
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    isolation: str = "shared",
    forms_only: bool = False,
    minutes_saved: int | None = None,
    **unknown: Any,
) -> Callable[[F], F]:
    """Declare a workflow.

    Args:
        name: unique in the workspace; the function's own name when left out.
        description: what technicians read.
        category: what it is listed under.
        requires_org: whether a run needs an organization.
        timeout_seconds: seconds until a run is ended, 1800 unless given.
        isolation: `shared` lets several runs of one organization share a process, `exclusive` does not.
        forms_only: whether a run without a form is refused, so that its input has always been checked against one.
        minutes_saved: minutes of work by hand that a run saves; statistics add them up for runs that succeed.

    Raises:
        DeclarationError: an argument is unknown, of the wrong type or contradicts the function.
    """
    frame = sys._getframe(1)
    if callable(name):
        raise DeclarationError.at("write `@workflow()` with parentheses", frame)
    _refuse_unknown("@workflow", unknown, _WORKFLOW_WORDS, frame, later=_LATER)
    _check_name("@workflow", name, frame)
    _check_text("@workflow", "description", description, frame)
    _check_text("@workflow", "category", category, frame)
    if not isinstance(requires_org, bool):
        raise DeclarationError.at("`requires_org` is `True` or `False`", frame)
    if isinstance(timeout_seconds, bool) or not isinstance(timeout_seconds, int) or timeout_seconds < 1:
        raise DeclarationError.at("`timeout_seconds` is a whole number of seconds, at least 1", frame)
    if isolation not in _ISOLATIONS:
        hint = did_you_mean(str(isolation), _ISOLATIONS)
        raise DeclarationError.at(f"`isolation` is `shared` or `exclusive`, not {isolation!r}{hint}", frame)
    if not isinstance(forms_only, bool):
        raise DeclarationError.at("`forms_only` is `True` or `False`", frame)
    if minutes_saved is not None and (type(minutes_saved) is not int or not 1 <= minutes_saved <= _MOST_MINUTES_SAVED):
        raise DeclarationError.at(f"`minutes_saved` is a whole number of minutes, 1 to {_MOST_MINUTES_SAVED}", frame)
    words = {
        "name": name,
        "description": description,
        "category": category,
        "requires_org": requires_org,
        "timeout_seconds": timeout_seconds,
        "isolation": isolation,
        "forms_only": forms_only,
        "minutes_saved": minutes_saved,
    }

    def declare(function: F) -> F:
        _check_function("@workflow", function, frame)
        if hasattr(function, _WORKFLOW):
            raise DeclarationError.at("the function has a `@workflow` already; remove one of them", frame)
        if hasattr(function, _GENERATOR):
            raise DeclarationError.at("a function is a workflow or an option generator, not both", frame)
        setattr(function, _WORKFLOW_WORDS_GIVEN, words)
        _rebuild(function)
        return function

    return declare


def param(
    name: str,
    type: str | None = None,
    required: bool | None = None,
    **words: Any,
) -> Callable[[F], F]:
    """Declare one parameter of a workflow; the order of the decorators is the order of the form.

    Args:
        name: the argument of the function it fills.
        type: one of `string, int, number, bool, email, password, date, datetime, select, multi_select, json`;
            from the type hint when left out.
        required: whether a run without it is refused; true unless there is a default.
        **words: `default`, `options_from` (an option generator that fills its dropdown), `options` (fixed values),
            `label` and `help` (shown on forms), and limits: `pattern` with `message`, `min_length`, `max_length`
            for text; `min`, `max` for numbers; `min_items`, `max_items` for `multi_select`.

    Raises:
        DeclarationError: a word is unknown or of the wrong type, or contradicts the function.
    """
    frame = sys._getframe(1)
    spec = read_spec(name, type, required, words, frame)

    def declare(function: F) -> F:
        _check_function("@param", function, frame)
        if hasattr(function, _GENERATOR):
            raise DeclarationError.at("an option generator takes no `@param`: its arguments are its inputs", frame)
        specs: list[ParamSpec] = function.__dict__.setdefault(_PARAMS, [])
        if any(known.name == spec.name for known in specs):
            raise DeclarationError.at(f"there are two `@param` for `{spec.name}`; remove one of them", frame)
        # Decorators are applied from the bottom up, and forms are read from the top down.
        specs.insert(0, spec)
        if hasattr(function, _WORKFLOW_WORDS_GIVEN):
            _rebuild(function)
        return function

    return declare


def option_generator(
    name: str | None = None,
    description: str = "",
    cache_seconds: int = DEFAULT_CACHE_SECONDS,
    **unknown: Any,
) -> Callable[[F], F]:
    """Declare a function that fills a dropdown: it returns `{"label": ..., "value": ...}` items.

    Args:
        name: unique in the workspace; the function's own name when left out.
        description: what authors of forms read.
        cache_seconds: seconds an answer is kept for everyone of the organization who asks with the same inputs, 60
            unless given; 0 asks every time. Code that reads `context.caller` is asked for each caller apart.

    Raises:
        DeclarationError: an argument is unknown, of the wrong type or contradicts the function.
    """
    frame = sys._getframe(1)
    if callable(name):
        raise DeclarationError.at("write `@option_generator()` with parentheses", frame)
    _refuse_unknown("@option_generator", unknown, _GENERATOR_WORDS, frame)
    _check_name("@option_generator", name, frame)
    _check_text("@option_generator", "description", description, frame)
    if isinstance(cache_seconds, bool) or not isinstance(cache_seconds, int) or cache_seconds < 0:
        raise DeclarationError.at("`cache_seconds` is a whole number of seconds, at least 0", frame)

    def declare(function: F) -> F:
        _check_function("@option_generator", function, frame)
        if hasattr(function, _WORKFLOW):
            raise DeclarationError.at("a function is a workflow or an option generator, not both", frame)
        if hasattr(function, _GENERATOR):
            raise DeclarationError.at("the function has an `@option_generator` already; remove one of them", frame)
        if hasattr(function, _PARAMS):
            raise DeclarationError.at("an option generator takes no `@param`: its arguments are its inputs", frame)
        takes_context, arguments, _ = build_parameters(function, [])
        file, line = _place(function)
        declaration = OptionGenerator(
            name=name or function.__name__,
            description=description,
            function=function,
            takes_context=takes_context,
            arguments=arguments,
            is_async=inspect.iscoroutinefunction(function),
            file=file,
            line=line,
            cache_seconds=cache_seconds,
        )
        setattr(function, _GENERATOR, declaration)
        registry.add(declaration)
        return function

    return declare


def workflow_of(function: Function) -> Workflow | None:
    """What `@workflow` attached to a function."""
    declared = getattr(function, _WORKFLOW, None)
    return declared if isinstance(declared, Workflow) else None


def option_generator_of(function: Function) -> OptionGenerator | None:
    """What `@option_generator` attached to a function."""
    declared = getattr(function, _GENERATOR, None)
    return declared if isinstance(declared, OptionGenerator) else None


def stray_param(candidate: object) -> ParamSpec | None:
    """The first `@param` of a function that has no `@workflow`."""
    specs = getattr(candidate, _PARAMS, None) if inspect.isfunction(candidate) else None
    return specs[0] if specs and not hasattr(candidate, _WORKFLOW) else None


def _rebuild(function: Function) -> None:
    """Make the declaration from what is known; a `@param` above `@workflow` makes it once more."""
    words = getattr(function, _WORKFLOW_WORDS_GIVEN)
    takes_context, arguments, parameters = build_parameters(function, getattr(function, _PARAMS, []))
    file, line = _place(function)
    declaration = Workflow(
        name=words["name"] or function.__name__,
        description=words["description"],
        function=function,
        takes_context=takes_context,
        arguments=arguments,
        is_async=inspect.iscoroutinefunction(function),
        file=file,
        line=line,
        category=words["category"],
        requires_org=words["requires_org"],
        timeout_seconds=words["timeout_seconds"],
        isolation=words["isolation"],
        forms_only=words["forms_only"],
        minutes_saved=words["minutes_saved"],
        parameters=parameters,
    )
    setattr(function, _WORKFLOW, declaration)
    registry.add(declaration)


def _place(function: Function) -> tuple[str, int]:
    """File and line of the `def`; the code object's own line is that of the first decorator."""
    innermost = inspect.unwrap(function)
    file, line = innermost.__code__.co_filename, innermost.__code__.co_firstlineno
    import linecache

    for number in range(line, line + 200):
        text = linecache.getline(file, number).lstrip()
        if text.startswith(("def ", "async def ")):
            return file, number
        if not text:
            break
    return file, line


def _check_function(decorator: str, function: object, frame: FrameType) -> None:
    if not inspect.isfunction(function):
        raise DeclarationError.at(f"`{decorator}` goes above a function, not a {type(function).__name__}", frame)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise DeclarationError.at(
            f"`{function.__name__}` contains `yield`; collect the values in a list and return it", frame
        )


def _refuse_unknown(
    decorator: str, unknown: dict[str, Any], known: tuple[str, ...], frame: FrameType, later: tuple[str, ...] = ()
) -> None:
    for word in unknown:
        if word in later:
            raise DeclarationError.at(f"`{word}` is not supported yet by this version; remove it", frame)
        raise DeclarationError.at(f"`{decorator}` takes no `{word}`{did_you_mean(word, known)}", frame)


def _check_name(decorator: str, name: object, frame: FrameType) -> None:
    if name is None:
        return
    # Names travel in addresses (`POST /workflows/{name}`), so they hold nothing that needs escaping there.
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_-." for c in name) or name[0] == ".":
        raise DeclarationError.at(
            f"the name {name!r} of `{decorator}` is not valid: use letters, digits, `_`, `-` and `.`", frame
        )


def _check_text(decorator: str, word: str, value: object, frame: FrameType) -> None:
    if not isinstance(value, str):
        raise DeclarationError.at(f"`{word}` of `{decorator}` is a text, not {value!r}", frame)
