"""`shared.integrations`: the author's own package comes first, `base` is the platform's."""

from msp_sdk.integrations import BaseIntegration

__all__ = ["BaseIntegration"]
