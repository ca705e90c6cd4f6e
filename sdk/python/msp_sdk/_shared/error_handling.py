"""`from shared.error_handling import WorkflowError`: every exception of the SDK."""

from msp_sdk.errors import *  # noqa: F403
