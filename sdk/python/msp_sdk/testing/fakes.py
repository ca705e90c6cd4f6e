"""Microsoft Graph and HaloPSA in memory, with the refusals of the real services that matter to workflows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from ..errors import IntegrationError, integration_error
from ..integrations.halopsa import HaloPSA
from ..integrations.msgraph import MicrosoftGraph

#: The one filter the fake understands; a quote inside is doubled, as OData has it.
_EQUALS = re.compile(r"(\w+) eq '((?:[^']|'')*)'")


class FakeGraph(MicrosoftGraph):
    """A tenant in memory: `users` and `skus` can be read and changed by a test.

    It refuses what the real service refuses: a second user of one principal name, a license without usage location, and
    a license without free units.

    ```python
    graph = FakeGraph(skus=[sku("SPE_E3", units=1)])
    run = run_workflow(onboard_user, {...}, integrations={"msgraph": graph})
    assert graph.users[0]["userPrincipalName"] == "ada@contoso.example"
    ```
    """

    def __init__(
        self,
        users: list[dict[str, Any]] | None = None,
        skus: list[dict[str, Any]] | None = None,
        default_usage_location: str | None = "US",
    ) -> None:
        """A tenant with these users and licenses; `default_usage_location` plays the config of that name."""
        super().__init__(self._answer)
        self.users: list[dict[str, Any]] = [
            {"id": str(uuid.uuid4()), "assignedLicenses": [], **user} for user in users or []
        ]
        self.skus: list[dict[str, Any]] = [sku("SPE_E3")] if skus is None else skus
        self.default_usage_location = default_usage_location

    async def _answer(self, _: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        answer = getattr(self, f"_do_{operation}", None)
        if answer is None:
            raise integration_error("unknown_operation", f"Microsoft Graph has no operation `{operation}`")
        return answer(**arguments)

    def _do_create_user(self, **fields: Any) -> dict[str, Any]:
        name = fields.get("userPrincipalName")
        if not name:
            raise integration_error("invalid_arguments", "`userPrincipalName` is required", 400)
        if self._find(name) is not None:
            raise integration_error("already_exists", f"there is a user {name} already", 400)
        location = fields.get("usageLocation") or self.default_usage_location
        if not location:
            raise integration_error(
                "invalid_arguments", "give `usageLocation`, or set the config `default_usage_location`", 400
            )
        shown = " ".join(part for part in (fields.get("givenName"), fields.get("surname")) if part)
        user = {
            "id": str(uuid.uuid4()),
            "displayName": shown or name,
            "mailNickname": name.partition("@")[0],
            "accountEnabled": True,
            **fields,
            "usageLocation": location,
            "assignedLicenses": [],
        }
        self.users.append(user)
        return user

    def _do_get_user(self, user_id: str, **_: Any) -> dict[str, Any]:
        return self._existing(user_id)

    def _do_list_users(self, filter: str | None = None, limit: int | None = None, **_: Any) -> list[dict[str, Any]]:
        found = self.users
        if filter is not None:
            match = _EQUALS.fullmatch(filter.strip())
            if match is None:
                raise integration_error(
                    "invalid_arguments", f"the fake understands `field eq 'value'` only, not {filter}"
                )
            field, value = match.group(1), match.group(2).replace("''", "'")
            found = [user for user in found if str(user.get(field, "")).lower() == value.lower()]
        return found[:limit]

    def _do_get_subscribed_skus(self) -> list[dict[str, Any]]:
        return self.skus

    def _do_assign_license(self, user_id: str, sku_id: str) -> dict[str, Any]:
        user = self._existing(user_id)
        found = next((known for known in self.skus if known["skuId"] == sku_id), None)
        if found is None:
            raise integration_error("not_found", f"the tenant has no license {sku_id}", 400)
        if any(held["skuId"] == sku_id for held in user["assignedLicenses"]):
            return user
        if not user.get("usageLocation"):
            raise integration_error("rejected", "the user has no usage location, which a license needs", 400)
        if found["consumedUnits"] >= found["prepaidUnits"]["enabled"]:
            raise integration_error("no_license_left", f"every unit of {found['skuPartNumber']} is in use", 400)
        found["consumedUnits"] += 1
        user["assignedLicenses"].append({"skuId": sku_id, "disabledPlans": []})
        return user

    def _existing(self, user_id: str) -> dict[str, Any]:
        user = self._find(user_id)
        if user is None:
            raise integration_error("not_found", f"the tenant has no user {user_id}", 404)
        return user

    def _find(self, user_id: str) -> dict[str, Any] | None:
        wanted = user_id.lower()
        return next(
            (user for user in self.users if wanted in (user["id"], str(user.get("userPrincipalName", "")).lower())),
            None,
        )


class FakeHalo(HaloPSA):
    """HaloPSA in memory: `activities` is what was written.

    Like the real service it refuses an activity that is on neither a ticket nor a client.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.activities: list[dict[str, Any]] = []

    async def _answer(self, _: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        if operation != "create_activity":
            raise integration_error("unknown_operation", f"HaloPSA has no operation `{operation}`")
        if arguments.get("ticket_id") is None and arguments.get("client_id") is None:
            raise integration_error("invalid_arguments", "give `ticket_id` or `client_id`", 400)
        if not arguments.get("note"):
            raise integration_error("invalid_arguments", "`note` is empty", 400)
        activity = {"id": len(self.activities) + 1, **arguments}
        self.activities.append(activity)
        return activity


class Refusing:
    """An integration every call of which fails: pass it to see what a workflow does then."""

    def __init__(self, error: IntegrationError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        async def refuse(*_: Any, **__: Any) -> Any:
            raise self._error

        return refuse


def sku(part_number: str, units: int = 10, used: int = 0, sku_id: str | None = None) -> dict[str, Any]:
    """A license as Graph shows it: `units` bought, `used` of them assigned. The id follows from the part number."""
    return {
        "skuId": sku_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, part_number)),
        "skuPartNumber": part_number,
        "consumedUnits": used,
        "prepaidUnits": {"enabled": units, "suspended": 0, "warning": 0},
    }
