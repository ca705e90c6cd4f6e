"""HaloPSA, for the organization of the run."""

from __future__ import annotations

from ..record import Record
from ._client import PlatformClient


class HaloPSA(PlatformClient):
    """`context.get_integration("halopsa")`. Every method may raise an `IntegrationError`."""

    integration = "halopsa"

    async def create_activity(
        self,
        client_id: int | str | None = None,
        note: str | None = None,
        ticket_id: int | str | None = None,
        *,
        note_html: str | None = None,
        outcome_id: int | None = None,
        hidden_from_user: bool | None = None,
    ) -> Record:
        """Leave a note: an action on the ticket when `ticket_id` is given, else a note on the client.

        Args:
            client_id: the client in HaloPSA; the one of the integration's settings when left out.
            note: the text. Give it, or `note_html`.
            ticket_id: the ticket, when there is one.
            note_html: the text as HTML.
            outcome_id: the kind of action, on a ticket.
            hidden_from_user: whether the ticket's end user does not see it; true unless given.

        Raises:
            InvalidArguments: there is no text, or neither a ticket nor a client.
        """
        arguments = {
            "client_id": client_id,
            "note": note,
            "ticket_id": ticket_id,
            "note_html": note_html,
            "outcome_id": outcome_id,
            "hidden_from_user": hidden_from_user,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        answer = await self._call("create_activity", **given)
        return answer if isinstance(answer, Record) else Record()
