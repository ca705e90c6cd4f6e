"""`from shared.registry import registry`: what the workspace has declared so far."""

from msp_sdk.registry import Registry, registry

__all__ = ["Registry", "registry"]
