"""A vendor that exists only here, so that the demo works offline. A real client would open a session instead."""

from __future__ import annotations

import datetime
import secrets as randomness
from dataclasses import dataclass

from msp_sdk import BaseIntegration

#: Shorter keys were never given out by this vendor.
_SHORTEST_KEY = 8


class VendorRefused(Exception):
    """The vendor did not accept the key it was shown."""


@dataclass(frozen=True)
class RotatedKey:
    """What the vendor says about a new key. The key itself stays with the client."""

    key_id: str
    region: str
    expires: datetime.date


class DemoVendorClient(BaseIntegration):
    """One customer's account at the vendor, for one run."""

    def __init__(self, customer: str, region: str) -> None:
        self.region = region
        self._customer = customer
        self._keys: dict[str, str] = {}

    async def rotate(self, environment: str, current_key: str, valid_days: int) -> RotatedKey:
        """Replace the key of an environment.

        Raises:
            VendorRefused: the current key cannot be one of this vendor's.
        """
        if len(current_key) < _SHORTEST_KEY:
            raise VendorRefused("the vendor does not know this key")
        key_id = f"{environment}-{randomness.token_hex(4)}"
        self._keys[key_id] = randomness.token_urlsafe(32)
        expires = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=valid_days)
        return RotatedKey(key_id=key_id, region=self.region, expires=expires)

    async def close(self) -> None:
        """Forget every key; a real client would close its session."""
        self._keys.clear()
