"""The option generator that is measured, never from a cache."""

from __future__ import annotations

from msp_sdk import Context, option_generator


@option_generator(name="bench_options", description="Three options", cache_seconds=0)
async def bench_options(context: Context) -> list[dict[str, str]]:
    """One of them names the organization, so that the load generator sees for whom it ran."""
    return [
        {"label": "First", "value": "first"},
        {"label": "Second", "value": "second"},
        {"label": "Organization", "value": context.org.id},
    ]
