"""Steps: parts of a run that its author gave a name."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import Host

#: Longest name of a step and longest message of one that failed, in characters (docs/worker-protocol.md, `step`).
MAX_NAME = 200
MAX_MESSAGE = 2000

#: The number of the innermost step the running code is in. Follows tasks and threads as the execution itself does.
current_step: ContextVar[int | None] = ContextVar("msp_step", default=None)


async def run_step(host: Host, name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a function as a step and answer what it returned."""
    host.check_cancelled()
    if not isinstance(name, str) or not name.strip():
        raise TypeError("`context.step` takes a name, then a function: `context.step('Create user', create, 1)`")
    if not callable(function):
        made = "call it with its arguments after it" if inspect.isawaitable(function) else f"not {function!r}"
        if inspect.iscoroutine(function):
            function.close()  # Python would complain that nobody awaited it
        raise TypeError(f"`context.step({name!r}, ...)` takes a function; {made}")
    number = host.begin_step(name.strip()[:MAX_NAME])
    if number is None:
        return await _call(function, args, kwargs)
    token = current_step.set(number)
    try:
        value = await _call(function, args, kwargs)
    except asyncio.CancelledError:
        host.end_step(number, "cancelled", None)
        raise
    except BaseException as error:
        host.end_step(number, "failed", _message(error))
        raise
    finally:
        current_step.reset(token)
    host.end_step(number, "completed", None)
    return value


async def _call(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    value = function(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    # An exception whose own methods fail is still the author's to see.
    kind = type(error).__name__
    return (f"{kind}: {text}" if text else kind)[:MAX_MESSAGE]
