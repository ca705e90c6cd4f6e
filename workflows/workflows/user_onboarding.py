"""Onboarding: a new user with a license, noted in HaloPSA."""

from __future__ import annotations

from typing import Any

from msp_sdk import Context, NoLicenseLeft, Record, WorkflowError, param, workflow


@workflow(
    name="user_onboarding",
    description="Creates a Microsoft 365 user, assigns a license and notes it in HaloPSA",
    category="user_management",
)
@param("first_name", type="string", label="First name", max_length=64)
@param("last_name", type="string", label="Last name", max_length=64)
@param("email", type="email", label="E-mail address", help="Becomes the sign-in name; its domain must be verified")
@param("license", type="string", label="License", options_from="get_available_licenses")
async def onboard_user(context: Context, first_name: str, last_name: str, email: str, license: str) -> dict[str, Any]:
    """Create the user, then license it. Safe to run twice: an existing user is only licensed.

    Raises:
        WorkflowError: no free unit of the license. The technician sees this message.
    """
    graph = context.get_integration("msgraph")

    context.progress(10, "Looking for the user")
    user = await graph.get_user(email)
    created = user is None
    if user is None:
        user = await context.step(
            "Create the user",
            graph.create_user,
            givenName=first_name,
            surname=last_name,
            displayName=f"{first_name} {last_name}",
            userPrincipalName=email,
        )
        context.log.info("created %s", email)
    else:
        context.log.warning("%s exists already; only the license is assigned", email)

    context.progress(60, "Assigning the license")
    try:
        await context.step("Assign the license", graph.assign_license, user.id, license)
    except NoLicenseLeft as error:
        raise WorkflowError(
            f"No free unit of this license in {context.org.name}. Buy one, then run this again."
        ) from error

    noted = await _note_in_halo(context, user, created)
    context.progress(100, "Done")
    return {"user_id": user.id, "upn": email, "created": created, "noted_in_halo": noted, "success": True}


async def _note_in_halo(context: Context, user: Record, created: bool) -> bool:
    """Leave a note on the client, for organizations that say which client of HaloPSA they are."""
    client_id = context.config.get("halo_client_id")
    if not client_id:
        context.log.info("no `halo_client_id` in the config, so nothing is noted in HaloPSA")
        return False
    context.progress(80, "Writing the note")
    what = "was onboarded" if created else "was licensed"
    halo = context.get_integration("halopsa")
    note = f"{user.displayName} {what} by {context.caller.name}"
    await context.step("Note it in HaloPSA", halo.create_activity, client_id=client_id, note=note)
    return True
