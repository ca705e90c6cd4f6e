"""Users, departments and teams of an organization, for `move_user_department`."""

from __future__ import annotations

from msp_sdk import Context, option_generator

from shared.teams import departments, teams_of


@option_generator(name="get_users", description="Users of the organization, by name")
async def get_users(context: Context) -> list[dict[str, str]]:
    """Their names as labels, their principal names as values."""
    users = await context.get_integration("msgraph").list_users()
    items = [{"label": user.displayName, "value": user.userPrincipalName} for user in users]
    return sorted(items, key=lambda item: item["label"].casefold())


@option_generator(name="get_departments", description="Departments of the organization", cache_seconds=300)
async def get_departments(context: Context) -> list[str]:
    """From the config `departments` (separated by commas), else a usual set."""
    return departments(context.config)


@option_generator(name="get_department_teams", description="Teams of the chosen department", cache_seconds=300)
async def get_department_teams(context: Context, department: str | None) -> list[str]:
    """`department` is the value of the form's field of that name; without one there is nothing to offer yet."""
    return teams_of(context.config, department) if department else []
