"""The base class of an author's integration."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class BaseIntegration:
    """What `get_integration_client` in `shared/integrations/__init__.py` returns for a name of the author's.

    Any object will do; deriving from this class adds `async with` and a `close` that does nothing. The platform
    makes one client per run on its first use, and closes it when the run ends.
    """

    async def close(self) -> None:
        """Give back connections. Called once, at the end of the run."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
