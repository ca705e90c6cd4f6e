"""Workflows of extremes, for the journeys of the browser client."""

from __future__ import annotations

import inspect
from typing import Any

from msp_sdk import Context, param, workflow


@workflow(name="many_lines", description="Writes as many lines as are asked for", category="journeys")
@param("lines", label="Lines", min=1, max=200000)
async def many_lines(context: Context, lines: int = 1000) -> dict[str, Any]:
    """Numbered lines, with a warning among every hundred."""
    for number in range(1, lines + 1):
        if number % 100 == 0:
            context.log.warning("line %d of %d", number, lines)
        else:
            context.log.info("line %d of %d", number, lines)
    return {"lines": lines}


@workflow(name="big_result", description="Returns about five megabytes", category="journeys")
async def big_result(context: Context) -> dict[str, Any]:
    """A flat table with long texts, and a deep tree."""
    rows = [{"id": number, "name": f"row {number}", "text": "x" * 440} for number in range(10_000)]
    tree: dict[str, Any] = {"leaf": True}
    for depth in range(40):
        tree = {f"level_{40 - depth}": tree}
    return {"rows": rows, "tree": tree}


async def wide_form(context: Context, **fields: str | None) -> dict[str, Any]:
    """Say how many fields were filled in."""
    return {"filled": sum(value is not None for value in fields.values())}


_NAMES = [f"field_{number}" for number in range(1, 201)]
# Parameters are named one by one; two hundred of them are written down by a loop.
wide_form.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        *(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in _NAMES),
    ]
)
for _name in reversed(_NAMES):
    param(_name, type="string", required=False, label=_name.replace("_", " ").capitalize())(wide_form)
workflow(name="wide_form", description="Takes two hundred parameters", category="journeys")(wide_form)
