"""Ask for a user's move to another team: the second dropdown depends on the first."""

from __future__ import annotations

from typing import Any

from msp_sdk import Context, WorkflowError, param, workflow

from shared.teams import teams_of


@workflow(
    name="move_user_department",
    description="Checks a move to another department and team, and hands it to the service desk",
    category="user_management",
)
@param("user", type="string", label="User", options_from="get_users")
@param("department", type="string", label="New department", options_from="get_departments")
@param("team", type="string", label="New team", options_from="get_department_teams")
@param("note", type="string", required=False, label="Note for the service desk", max_length=500)
async def move_user_department(
    context: Context, user: str, department: str, team: str, note: str | None
) -> dict[str, Any]:
    """Check user and team, then leave the request in HaloPSA when the organization is linked to it.

    Raises:
        WorkflowError: the user does not exist, or the team is not one of the department's.
    """
    found = await context.get_integration("msgraph").get_user(user)
    if found is None:
        raise WorkflowError(f"{context.org.name} has no user {user}.")
    # A form offers only fitting teams, but a request from elsewhere may name any.
    teams = teams_of(context.config, department)
    if team not in teams:
        raise WorkflowError(f"{department} has no team {team}; it has {', '.join(teams) or 'none'}.")

    client_id = context.config.get("halo_client_id")
    if client_id:
        text = f"{context.caller.name} asks to move {found.displayName} to {department}, {team}. {note or ''}".strip()
        await context.get_integration("halopsa").create_activity(client_id=client_id, note=text)
    return {
        "user": found.displayName,
        "from": found.get("department"),
        "to": {"department": department, "team": team},
        "handed_over": bool(client_id),
    }
