"""`from shared.integrations.base import BaseIntegration`, or `from .base import BaseIntegration` beside it."""

from msp_sdk.integrations.base import BaseIntegration

__all__ = ["BaseIntegration"]
