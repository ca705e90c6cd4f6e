"""`from shared.context import Context`; `OrganizationContext` is another name for it."""

from msp_sdk.context import Caller, Config, Context, Org, Secrets

OrganizationContext = Context

__all__ = ["Caller", "Config", "Context", "Org", "OrganizationContext", "Secrets"]
