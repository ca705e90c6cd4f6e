"""Lets the current execution follow threads and executors.

Tasks inherit it by themselves; a plain `threading.Thread` starts with an empty context, and work given to a
`ThreadPoolExecutor` runs in whatever context its thread began with.
"""

from __future__ import annotations

import concurrent.futures.thread
import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any


def install() -> None:
    """Patch `Thread.start` and `ThreadPoolExecutor.submit`, once per process."""
    threading.Thread.start = _start(threading.Thread.start)  # type: ignore[method-assign,assignment]
    executor = concurrent.futures.thread.ThreadPoolExecutor
    executor.submit = _submit(executor.submit)  # type: ignore[method-assign]


def start_outside(thread: threading.Thread) -> None:
    """Start a thread of the worker itself: it belongs to no execution."""
    contextvars.Context().run(thread.start)


def _start(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start(self: threading.Thread) -> None:
        context = contextvars.copy_context()
        run = self.run

        def run_in_context() -> None:
            try:
                context.run(run)
            except SystemExit:
                raise
            except BaseException:
                # Python would report it after the context is gone, as nobody's.
                kind, error, trace = sys.exc_info()
                if kind is not None:
                    context.run(threading.excepthook, threading.ExceptHookArgs((kind, error, trace, self)))

        self.run = run_in_context  # type: ignore[method-assign]
        original(self)

    return start


def _submit(original: Callable[..., Any]) -> Callable[..., Any]:
    def submit(self: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return original(self, contextvars.copy_context().run, function, *args, **kwargs)

    return submit
