"""Decorators: what they declare, and every mistake they refuse while a file is imported."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from typing import Any, Literal

import pytest

from msp_sdk import Context, DeclarationError, option_generator, param, workflow
from msp_sdk.decorators import workflow_of


def parameters(function: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    declared = workflow_of(function)
    assert declared is not None
    return {parameter.name: parameter.to_json() for parameter in declared.parameters}


def test_a_decorated_function_is_the_same_function_and_keeps_the_order_of_its_params() -> None:
    async def plain(context: Context, a: str, b: str, c: str) -> None: ...

    decorated = workflow(name="w")(param("c")(param("a")(plain)))
    assert decorated is plain
    assert list(parameters(plain)) == ["c", "a", "b"]


def test_params_above_the_workflow_decorator_count_as_well() -> None:
    @param("a", type="email")
    @workflow()
    async def either_order(a: str) -> None: ...

    assert parameters(either_order) == {"a": {"name": "a", "type": "email", "required": True}}


def test_hints_and_defaults_become_parameters() -> None:
    @workflow()
    async def hinted(
        context: Context,
        nothing,  # type: ignore[no-untyped-def]
        text: str,
        whole: int = 3,
        ratio: float = 2,
        flag: bool = False,
        day: datetime.date = datetime.date(2026, 1, 2),
        at: datetime.datetime | None = None,
        one: Literal["a", "b"] = "a",
        some: list[Literal["x", "y"]] = ["x"],  # noqa: B006
        maybe: str | None = None,
        anything: dict[str, int] | None = None,
        either: int | str = 1,
        opaque: Any = object(),  # noqa: B008
        of_the_checker: "OnlyForTypeCheckers" = 1,  # type: ignore[name-defined]  # noqa: F821, UP037
    ) -> None: ...

    found = {name: (p["type"], p["required"], p.get("default")) for name, p in parameters(hinted).items()}
    assert found == {
        "nothing": ("json", True, None),
        "text": ("string", True, None),
        "whole": ("int", False, 3),
        "ratio": ("number", False, 2),
        "flag": ("bool", False, False),
        "day": ("date", False, "2026-01-02"),
        "at": ("datetime", False, None),
        "one": ("select", False, "a"),
        "some": ("multi_select", False, ["x"]),
        "maybe": ("string", False, None),
        "anything": ("json", False, None),
        "either": ("json", False, 1),
        "opaque": ("json", False, None),
        "of_the_checker": ("json", False, 1),
    }
    assert parameters(hinted)["some"]["options"] == ["x", "y"]


def test_param_words_travel_to_the_metadata() -> None:
    @workflow(
        category="c", requires_org=False, timeout_seconds=5, isolation="exclusive", forms_only=True, minutes_saved=15
    )
    @param("code", label="Code", help="Six digits", pattern="^[0-9]{6}$", message="six digits", min_length=6)
    @param("license", type="string", options_from="get_licenses")
    @param("groups", options_from="get_groups", max_items=3)
    async def worded(code: str, license: str, groups: list[str]) -> None: ...

    found = parameters(worded)
    assert found["code"]["validation"] == {"pattern": "^[0-9]{6}$", "message": "six digits", "min_length": 6}
    assert found["license"]["options_from"] == "get_licenses"
    assert (found["groups"]["type"], found["groups"]["validation"]) == ("multi_select", {"max_items": 3})
    declared = workflow_of(worded)
    assert declared is not None
    assert declared.to_json("workflows/x.py") | {"parameters": []} == {
        "name": "worded",
        "description": "",
        "category": "c",
        "requires_org": False,
        "parameters": [],
        "timeout_seconds": 5,
        "exclusive": True,
        "forms_only": True,
        "minutes_saved": 15,
        "file": "workflows/x.py",
        "line": declared.line,
    }
    assert inspect.getsourcelines(worded)[0][declared.line - worded.__code__.co_firstlineno].startswith("    async def")


async def one(context: Context, name: str, count: int = 1) -> None: ...


async def yields(context: Context) -> Any:
    yield 1


def apply(*decorators: Callable[[Any], Any], to: Callable[..., Any] = one) -> None:
    """Decorate a fresh copy, from the last to the first, as Python does."""
    function = type(to)(to.__code__, to.__globals__, to.__name__, to.__defaults__, to.__closure__)
    function.__annotations__ = dict(to.__annotations__)
    for decorator in reversed(decorators):
        function = decorator(function)


REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: workflow(retries=3), "`retries` is not supported yet by this version"),
    (lambda: workflow(needs=["msgraph"]), "`needs` is not supported yet"),
    (lambda: workflow(config=[]), "`config` is not supported yet"),
    (lambda: workflow(minutes_saved=0), "`minutes_saved` is a whole number of minutes, 1 to 24000"),
    (lambda: workflow(minutes_saved=1.5), "`minutes_saved` is a whole number of minutes"),  # type: ignore[arg-type]
    (lambda: workflow(minutes_saved=True), "`minutes_saved` is a whole number of minutes"),
    (lambda: workflow(requires_orgs=True), "takes no `requires_orgs`; did you mean `requires_org`?"),
    (lambda: workflow(timeout_seconds=0), "`timeout_seconds` is a whole number of seconds"),
    (lambda: workflow(timeout_seconds="5"), "`timeout_seconds` is a whole number of seconds"),  # type: ignore[arg-type]
    (lambda: workflow(isolation="exclusiv"), "did you mean `exclusive`?"),
    (lambda: workflow(forms_only=1), "`forms_only` is `True` or `False`"),  # type: ignore[arg-type]
    (lambda: workflow(requires_org=1), "`requires_org` is `True` or `False`"),  # type: ignore[arg-type]
    (lambda: workflow(name="a b"), "the name 'a b' of `@workflow` is not valid"),
    (lambda: workflow(description=3), "`description` of `@workflow` is a text"),  # type: ignore[arg-type]
    (lambda: workflow(one), "write `@workflow()` with parentheses"),  # type: ignore[arg-type]
    (lambda: apply(workflow(), to=yields), "`yields` contains `yield`"),
    (lambda: apply(workflow(), workflow()), "has a `@workflow` already"),
    (lambda: apply(workflow(), option_generator()), "a workflow or an option generator, not both"),
    (lambda: workflow()(int), "goes above a function"),
    (lambda: option_generator(cache_second=5), "takes no `cache_second`; did you mean `cache_seconds`?"),
    (lambda: option_generator(cache_seconds=-1), "`cache_seconds` is a whole number"),
    (lambda: apply(option_generator(), param("name")), "an option generator takes no `@param`"),
    (lambda: param("name", type="strin"), "unknown type 'strin'; did you mean `string`?"),
    (lambda: param("name", labels="x"), "`@param` takes no `labels`; did you mean `label`?"),
    (lambda: param("name", required="yes"), "`required` of `name` is `True` or `False`"),  # type: ignore[arg-type]
    (lambda: param("name", required=True, default="x"), "`name` is required and has a default"),
    (lambda: param("name", pattern="("), "not a valid regular expression"),
    (lambda: param("name", pattern="(?=x)"), "look-around"),
    (lambda: param("name", message="x"), "it has none"),
    (lambda: param("name", min=3, max=2), "`min` of `name` is greater than its `max`"),
    (lambda: param("name", min_length=-1), "at least 0"),
    (lambda: param("name", options=[]), "`options` of `name` is a list of values"),
    (lambda: param("name", options=["a"], options_from="b"), "keep one of them"),
    (lambda: apply(workflow(), param("nam")), "`one` has no such argument; did you mean `name`?"),
    (lambda: apply(workflow(), param("context")), "`context` is filled by the platform"),
    (lambda: apply(workflow(), param("name"), param("name")), "there are two `@param` for `name`"),
    (lambda: apply(workflow(), param("name", type="int")), "has the type `int`, but the hint"),
    (lambda: apply(workflow(), param("name", type="select")), "needs `options` or `options_from`"),
    (lambda: apply(workflow(), param("name", type="string", options=["a"])), "is `select` or `multi_select`"),
    (lambda: apply(workflow(), param("name", min=1)), "`min` of `name` is for int and number"),
    (lambda: apply(workflow(), param("name", default=5)), "the default 5 of `name` is not of its type `string`"),
    (lambda: apply(workflow(), param("name", type="select", options=["a"], default="b")), "not among its options"),
    (lambda: apply(workflow(), param("name", default="abc", max_length=2)), "outside its limits"),
    (lambda: apply(workflow(), param("count", default=2)), "has the default 2 here and 1 in its function"),
    (lambda: apply(workflow(), param("count", required=True)), "is required, but its argument has a default"),
    (lambda: apply(workflow(), param("count", min=5)), "outside its limits"),
]


@pytest.mark.parametrize(("mistake", "message"), REFUSALS, ids=[message for _, message in REFUSALS])
def test_a_mistake_is_refused_with_its_line(mistake: Callable[[], object], message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        mistake()
    assert message in str(refused.value)
    assert refused.value.file == __file__
    assert refused.value.line is not None


async def star(*names: str) -> None: ...
async def positional(name: str, /) -> None: ...
async def late_context(name: str, context: Context) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (star, "cannot become a field of a form"),
        (positional, "is positional-only"),
        (late_context, "`context` must be the first argument"),
    ],
)
def test_arguments_a_form_cannot_fill_are_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        apply(workflow(), to=function)
