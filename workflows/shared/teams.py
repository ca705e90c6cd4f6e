"""Departments and their teams, as an organization's config names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_USUAL = {
    "Sales": ["Inside Sales", "Field Sales"],
    "Finance": ["Accounting", "Payroll"],
    "Operations": ["Logistics", "Facilities"],
}


def departments(config: Mapping[str, Any]) -> list[str]:
    """The config entry `departments`, separated by commas, else a usual set."""
    return _listed(config.get("departments")) or list(_USUAL)


def teams_of(config: Mapping[str, Any], department: str) -> list[str]:
    """The config entry `teams_sales` for the department Sales, and so on; else the usual teams."""
    key = f"teams_{department.lower().replace(' ', '_')}"
    return _listed(config.get(key)) or _USUAL.get(department, [])


def _listed(value: object) -> list[str]:
    return [item.strip() for item in str(value or "").split(",") if item.strip()]
