"""Workflows that act on the world outside once, so that acting twice can be seen."""

import asyncio
import os
import urllib.request

from shared.decorators import option_generator, workflow


def act(url: str, execution_id: str) -> None:
    urllib.request.urlopen(f"{url}/{execution_id}", timeout=10).close()


@workflow(description="Acts once")
async def act_once(context, url: str):
    print("about to act")
    await asyncio.to_thread(act, url, context.execution_id)
    return {"acted": True}


@workflow(description="Acts once, then waits")
async def act_and_wait(context, url: str, seconds: float):
    print(f"worker {os.getpid()}")
    await asyncio.to_thread(act, url, context.execution_id)
    print("acted, now waiting")
    await asyncio.sleep(seconds)
    return {"acted": True}


@workflow(description="Acts, then writes lines for some seconds")
async def act_and_talk(context, url: str):
    await asyncio.to_thread(act, url, context.execution_id)
    lines = 0
    while lines < 40:
        lines += 1
        print(f"line {lines}")
        await asyncio.sleep(0.1)
    await asyncio.to_thread(act, url, f"{context.execution_id}-has-ended")
    return {"lines": lines, "large": "x" * 100_000}


@workflow(description="Stays in a step")
async def hold_in_a_step(context, seconds: float):
    await context.step("begin", print, "about to hold")
    await context.step("hold", asyncio.sleep, seconds)


@workflow(description="Takes something large")
async def take(context, text: str):
    return len(text)


@option_generator(description="Needs no record")
async def sizes(context):
    return [{"label": "small", "value": 1}]
