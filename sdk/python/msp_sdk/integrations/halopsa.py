"""HaloPSA, for the organization of the run."""

from __future__ import annotations

from typing import Any

from ..record import Record
from ._client import PlatformClient


class HaloPSA(PlatformClient):
    """`context.get_integration("halopsa")`. Every method may raise an `IntegrationError`."""

    integration = "halopsa"

    async def create_activity(
        self,
        client_id: int | str | None = None,
        note: str = "",
        ticket_id: int | str | None = None,
        **fields: Any,
    ) -> Record:
        """Leave a note: an action on the ticket when `ticket_id` is given, else a note on the client.

        Args:
            client_id: the client in HaloPSA.
            note: the text.
            ticket_id: the ticket, when there is one.
            **fields: further fields in HaloPSA's own words.
        """
        arguments: dict[str, Any] = {"note": note, **fields}
        if client_id is not None:
            arguments["client_id"] = client_id
        if ticket_id is not None:
            arguments["ticket_id"] = ticket_id
        answer = await self._call("create_activity", **arguments)
        return answer if isinstance(answer, Record) else Record()
