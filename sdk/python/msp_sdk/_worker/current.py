"""Which execution the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .execution import Execution

#: Follows tasks by itself, threads and executors by `propagate`.
current: ContextVar[Execution | None] = ContextVar("msp_execution", default=None)
