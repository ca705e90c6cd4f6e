"""The workflow that is measured: nothing but the way there and back."""

from __future__ import annotations

from msp_sdk import Context, param, workflow


@workflow(name="bench_echo", description="Answers what it was given")
@param("text", type="string")
async def bench_echo(context: Context, text: str) -> dict[str, str]:
    """The organization is answered too, so that the load generator sees for whom it ran."""
    return {"text": text, "organization": context.org.id}
