"""Clients an author wrote, made on their first awaited use and closed when the run ends."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._words import did_you_mean
from .errors import UnknownIntegration

if TYPE_CHECKING:
    from .context import Context

#: The platform's own integrations, for the message about an unknown one.
PLATFORM = ("msgraph", "halopsa")

_logger = logging.getLogger("msp_sdk.integrations")


class OpenedClients:
    """The author's clients of one run.

    A client lives in the event loop that made it: a plain `def` may call `asyncio.run` several times, and a
    connection of a loop that has ended is useless in the next.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: dict[tuple[str, asyncio.AbstractEventLoop], asyncio.Future[Any]] = {}

    async def client(self, name: str) -> Any:
        """The client of this name, made at its first use; callers at the same time share one run of the factory."""
        key = (name, asyncio.get_running_loop())
        made = self._made.get(key)
        if made is None:
            made = asyncio.ensure_future(self._make(name))
            self._made[key] = made
        try:
            # Shielded: one cancelled caller must not take the client away from the others.
            return await asyncio.shield(made)
        except BaseException:
            if made.done() and (made.cancelled() or made.exception() is not None):
                self._made.pop(key, None)
            raise

    async def _make(self, name: str) -> Any:
        client = None
        factory = _factory()
        if factory is not None:
            context = self._context
            client = factory(name, context.org, context.config, context.secrets)
            if inspect.isawaitable(client):
                client = await client
        if client is None:
            advice = did_you_mean(name, PLATFORM) or (
                "; return its client from `get_integration_client` in shared/integrations/__init__.py"
            )
            raise UnknownIntegration(f"there is no integration `{name}`{advice}")
        return client

    async def close(self) -> None:
        """Close every client that was made; what goes wrong there is logged and changes nothing."""
        made, self._made = self._made, {}
        for (name, _), future in made.items():
            if not future.done():
                future.cancel()
                continue
            if future.cancelled() or future.exception() is not None:
                continue
            try:
                await _close(future.result())
            except Exception as error:
                _logger.warning("closing the client `%s` failed: %s: %s", name, type(error).__name__, error)


def _factory() -> Callable[..., Any] | None:
    """The author's `get_integration_client`, if the workspace has one."""
    try:
        module = importlib.import_module("shared.integrations")
    except ModuleNotFoundError as error:
        if error.name in ("shared", "shared.integrations"):
            return None
        raise
    factory = getattr(module, "get_integration_client", None)
    return factory if callable(factory) else None


async def _close(client: Any) -> None:
    for name in ("close", "aclose"):
        close = getattr(client, name, None)
        if callable(close):
            closing = close()
            if inspect.isawaitable(closing):
                await closing
            return


class IntegrationProxy:
    """Stands for a client that does not exist yet. `client.anything(...)` is awaited, iterated or entered."""

    def __init__(self, opened: OpenedClients, name: str) -> None:
        self._opened = opened
        self._name = name

    def __getattr__(self, attribute: str) -> LazyAttribute:
        if attribute.startswith("__"):
            # Python probes these (`copy`, `pickle`, `inspect`); they are never part of an integration.
            raise AttributeError(attribute)
        return LazyAttribute(self._opened, self._name, (attribute,))

    async def __aenter__(self) -> Any:
        return await self._opened.client(self._name)

    async def __aexit__(self, *_: object) -> None:
        """Nothing: the run closes its clients at its end."""

    def __repr__(self) -> str:
        return f"<integration {self._name}>"


class LazyAttribute:
    """`client.users` of a client that may not exist yet: call it, await it (a property), or go deeper."""

    def __init__(self, opened: OpenedClients, name: str, path: tuple[str, ...]) -> None:
        self._opened = opened
        self._name = name
        self._path = path

    def __getattr__(self, attribute: str) -> LazyAttribute:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return LazyAttribute(self._opened, self._name, (*self._path, attribute))

    def __call__(self, *args: Any, **kwargs: Any) -> LazyCall:
        async def call() -> Any:
            return (await self._resolve())(*args, **kwargs)

        return LazyCall(call)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._resolve().__await__()

    def __aiter__(self) -> AsyncIterator[Any]:
        return LazyCall(self._resolve).__aiter__()

    async def _resolve(self) -> Any:
        value = await self._opened.client(self._name)
        for attribute in self._path:
            value = getattr(value, attribute)
        return value

    def __repr__(self) -> str:
        return f"<integration {self._name}.{'.'.join(self._path)}>"


class LazyCall(Coroutine[Any, Any, Any]):
    """A call that happens when it is awaited, iterated with `async for` or entered with `async with`.

    It is a coroutine in every respect, so `asyncio.gather`, `create_task` and `asyncio.run` take it.
    """

    def __init__(self, call: Callable[[], Awaitable[Any]]) -> None:
        self._call = call
        self._running: Coroutine[Any, Any, Any] | None = None
        self._entered: Any = None
        self._used = False

    def __del__(self) -> None:
        # Python says this for coroutines of its own; forgetting `await` here must not go unnoticed either.
        if not getattr(self, "_used", True):
            warnings.warn(
                "a call to an integration was never awaited, so it never happened", RuntimeWarning, stacklevel=2
            )

    async def _finish(self) -> Any:
        value = await self._call()
        # A plain method of the client answers at once; an `async def` answers something to await.
        return await value if inspect.isawaitable(value) else value

    def _coroutine(self) -> Coroutine[Any, Any, Any]:
        self._used = True
        if self._running is None:
            self._running = self._finish()
        return self._running

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine().__await__()

    def send(self, value: Any, /) -> Any:
        """Part of being a coroutine."""
        return self._coroutine().send(value)

    def throw(self, *failure: Any) -> Any:
        """Part of being a coroutine."""
        return self._coroutine().throw(*failure)

    def close(self) -> None:
        """Part of being a coroutine."""
        self._used = True
        if self._running is not None:
            self._running.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        self._used = True
        value = await self._call()
        if not hasattr(value, "__aiter__") and inspect.isawaitable(value):
            value = await value
        if hasattr(value, "__aiter__"):
            async for item in value:
                yield item
        else:
            for item in value:
                yield item

    async def __aenter__(self) -> Any:
        self._used = True
        value = await self._call()
        if not hasattr(value, "__aenter__") and inspect.isawaitable(value):
            value = await value
        self._entered = value
        if hasattr(value, "__aenter__"):
            return await value.__aenter__()
        return value.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        entered, self._entered = self._entered, None
        if hasattr(entered, "__aexit__"):
            return await entered.__aexit__(kind, error, trace)
        return entered.__exit__(kind, error, trace)
