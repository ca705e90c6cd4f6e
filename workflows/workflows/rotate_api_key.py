"""Rotate a key at a vendor: a config value, a secret and an integration of our own."""

from __future__ import annotations

from typing import Any, Literal

from msp_sdk import Context, param, workflow


@workflow(
    name="rotate_api_key",
    description="Replaces the organization's key at the demo vendor",
    category="security",
    isolation="exclusive",
)
@param("environment", label="Environment", help="Only keys of this environment are replaced")
@param("valid_days", label="Valid for (days)", min=1, max=365)
async def rotate_api_key(
    context: Context, environment: Literal["test", "production"] = "test", valid_days: int = 90
) -> dict[str, Any]:
    """Prove the old key, receive a new one. Neither leaves the run: the result names ids only."""
    vendor = context.get_integration("demo_vendor")
    current = await context.secrets.get("demo_api_key")
    replaced = await vendor.rotate(environment, current, valid_days)
    context.log.info("the key in %s was replaced by %s", environment, replaced.key_id)
    return {
        "key_id": replaced.key_id,
        "environment": environment,
        "region": replaced.region,
        "expires": replaced.expires,
    }
