"""A run that takes its time, to see progress, log lines and cancelling."""

from __future__ import annotations

import asyncio
from typing import Any

from msp_sdk import Context, param, workflow


@workflow(
    name="slow_report",
    description="Counts the seconds and reports progress; cancel it whenever you like",
    category="demo",
    requires_org=False,
)
@param("seconds", label="How long", help="Seconds until it is done", min=0, max=600)
@param("step", label="How often", help="Seconds between two lines of the log", min=0.1, max=60)
async def slow_report(context: Context, seconds: float = 20, step: float = 1.0) -> dict[str, Any]:
    """Sleep in steps, with a line of the log and progress for each."""
    steps = max(1, round(seconds / step))
    for number in range(1, steps + 1):
        await asyncio.sleep(seconds / steps)
        context.log.info("step %d of %d", number, steps)
        context.progress(100 * number / steps, f"{number} of {steps}")
    return {"steps": steps, "seconds": seconds}
