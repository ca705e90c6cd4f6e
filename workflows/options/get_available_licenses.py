"""Licenses of the organization that still have a free unit."""

from __future__ import annotations

from msp_sdk import Context, option_generator


@option_generator(
    name="get_available_licenses",
    description="Licenses with at least one free unit, and how many are left",
    cache_seconds=30,
)
async def get_available_licenses(context: Context) -> list[dict[str, str]]:
    """The fullest dropdown a technician can choose from without running into a refusal."""
    skus = await context.get_integration("msgraph").get_subscribed_skus()
    free = [(sku, sku.prepaidUnits.enabled - sku.consumedUnits) for sku in skus]
    return [
        {"label": f"{sku.skuPartNumber} ({left} free)", "value": sku.skuId}
        for sku, left in sorted(free, key=lambda each: str(each[0].skuPartNumber))
        if left > 0
    ]
