"""Our own integrations: the platform asks here for every name that is not its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msp_sdk import Org, Secrets

from .demo_vendor import DemoVendorClient


async def get_integration_client(
    integration_name: str, org: Org, config: Mapping[str, Any], secrets: Secrets
) -> DemoVendorClient | None:
    """The client of an integration for one run, or `None` for a name we do not know.

    A client that signs in would fetch its credential here: `await secrets.get("demo_vendor_password")`.
    """
    if integration_name == "demo_vendor":
        return DemoVendorClient(customer=org.id, region=config.get("demo_vendor_region", "eu-west"))
    return None
