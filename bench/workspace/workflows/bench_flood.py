"""The workflows of the fairness part: one organization queues them by the thousand, another runs a single one."""

from __future__ import annotations

import asyncio
import time

from msp_sdk import Context, param, workflow


@workflow(name="bench_wait", description="Waits as a workflow waits for a service")
@param("milliseconds", type="int")
async def bench_wait(context: Context, milliseconds: int) -> None:
    """Others run in the same process meanwhile."""
    await asyncio.sleep(milliseconds / 1000)


@workflow(name="bench_hold", description="Has a process to itself for a while")
@param("milliseconds", type="int")
def bench_hold(context: Context, milliseconds: int) -> None:
    """Not async, so nobody else runs in the process meanwhile."""
    time.sleep(milliseconds / 1000)
