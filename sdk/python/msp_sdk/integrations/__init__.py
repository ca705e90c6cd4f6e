"""Clients of the platform's integrations, and the base class of an author's own.

The host owns every credential and token: these clients only name the operation and its arguments.
"""

from .base import BaseIntegration
from .halopsa import HaloPSA
from .msgraph import MicrosoftGraph

__all__ = ["BaseIntegration", "HaloPSA", "MicrosoftGraph"]
