"""`from shared.decorators import workflow, param, option_generator`."""

from msp_sdk.decorators import option_generator, param, workflow

__all__ = ["option_generator", "param", "workflow"]
