"""What an installation does all day: most of it works, some of it does not."""

import asyncio

from shared.decorators import option_generator, workflow


class Refused(Exception):
    """The service said no."""


@workflow(description="Works")
async def works(context, number: int):
    print(f"number {number}")
    return {"number": number}


@workflow(description="Works in a plain function")
def works_plainly(context, number: int):
    print(f"number {number}")
    return {"number": number}


@workflow(description="Reports a failure")
async def reports(context, number: int):
    return {"success": False, "error": f"{number} is not wanted"}


@workflow(description="Raises")
async def raises(context, number: int):
    raise Refused(f"{number} is not wanted")


@workflow(description="Waits until it is cancelled")
async def waits(context, number: int):
    context.progress(50, "waiting")
    # One whose server was killed before the cancellation arrived runs after the restart, and nobody cancels it then.
    await asyncio.sleep(20)


@option_generator(description="Offers numbers")
async def numbers(context):
    return [{"label": str(number), "value": number} for number in range(50)]
