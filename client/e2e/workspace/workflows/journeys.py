"""Workflows of extremes, for the journeys of the browser client."""

from __future__ import annotations

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


async def _wide(context: Context, **fields: str | None) -> dict[str, Any]:
    """Say how many fields were filled in."""
    return {"filled": sum(value is not None for value in fields.values())}


for _number in range(200, 0, -1):
    _wide = param(f"field_{_number}", type="string", required=False, label=f"Field {_number}")(_wide)
wide_form = workflow(name="wide_form", description="Takes two hundred parameters", category="journeys")(_wide)
