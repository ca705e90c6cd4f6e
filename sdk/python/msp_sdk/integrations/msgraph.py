"""Microsoft Graph, for the tenant of the run's organization."""

from __future__ import annotations

from typing import Any

from ..errors import NotFound
from ..record import Record
from ._client import PlatformClient


class MicrosoftGraph(PlatformClient):
    """`context.get_integration("msgraph")`.

    Every method may raise an `IntegrationError`: `NotConfigured`, `ConsentRequired`, `PermissionDenied` ...
    """

    integration = "msgraph"

    async def create_user(self, **fields: Any) -> Record:
        """Create a user from Graph's own field names (`userPrincipalName`, `givenName`, `surname` ...).

        The host fills what is left out: display name, mail nickname, `accountEnabled`, a random password that must be
        changed at first sign-in and is never shown, and `usageLocation` from the config `default_usage_location`.

        Raises:
            AlreadyExists: the tenant has a user of this principal name.
            InvalidArguments: a field is missing or wrong.
        """
        return _record(await self._call("create_user", **fields))

    async def get_user(self, user_id: str, select: list[str] | None = None) -> Record | None:
        """The user of this id or principal name, or `None` when the tenant has none. `select` names properties."""
        try:
            answer = await self._call("get_user", **_given(user_id=user_id, select=select))
        except NotFound:
            return None
        return None if answer is None else _record(answer)

    async def list_users(
        self, filter: str | None = None, select: list[str] | None = None, limit: int | None = None
    ) -> list[Record]:
        """The tenant's users, every page of them.

        Args:
            filter: in Graph's own words, such as `department eq 'Sales'`.
            select: the properties to read.
            limit: at most so many.
        """
        return _records(await self._call("list_users", **_given(filter=filter, select=select, limit=limit)))

    async def assign_license(self, user_id: str, sku_id: str) -> Record:
        """Assign one unit of a license to a user, and answer the user.

        Raises:
            NoLicenseLeft: every unit is in use.
            Rejected: the user has no usage location.
        """
        return _record(await self._call("assign_license", user_id=user_id, sku_id=sku_id))

    async def get_subscribed_skus(self) -> list[Record]:
        """The tenant's licenses: `skuId`, `skuPartNumber`, `consumedUnits`, `prepaidUnits.enabled`."""
        return _records(await self._call("get_subscribed_skus"))


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _record(answer: Any) -> Record:
    return answer if isinstance(answer, Record) else Record()


def _records(answer: Any) -> list[Record]:
    # Graph wraps its collections; the host may hand them over either way.
    items = answer.get("value", []) if isinstance(answer, Record) else answer
    return [item for item in items or [] if isinstance(item, Record)]
