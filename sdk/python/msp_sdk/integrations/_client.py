"""What the platform's clients share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from .._words import did_you_mean
from ..record import to_record

#: Asks the host: integration, operation, arguments.
Ask = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]


class PlatformClient:
    """A client whose every method is one call to the host."""

    #: The name under which authors ask for it.
    integration: ClassVar[str]

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return to_record(await self._ask(self.integration, operation, arguments))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = sorted(word for word in dir(type(self)) if not word.startswith("_") and word != "integration")
        hint = did_you_mean(name, known) or f"; it has {', '.join(known)}"
        raise AttributeError(f"the client `{self.integration}` has no `{name}`{hint}")
