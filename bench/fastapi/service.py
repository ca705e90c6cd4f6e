"""What somebody would write by hand instead: runs a workflow for one organization, on record before and after.

The same work with the same durability as the platform: check token, user, organization and right; read the
config; write `Running` with the user's mirror and an audit row in one commit; run the workflow; write its end in a
second commit; answer. The workflow runs inside the service's own process, so nothing is isolated from anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import Body, FastAPI, Header, HTTPException, Request

from store import KEY_FILE, Store, connect, new_row_key, now

_DATA = Path(os.environ["BENCH_DATA"])
_KEY = (_DATA / KEY_FILE).read_bytes()
_store = Store(connect(_DATA))

app = FastAPI()


async def bench_echo(organization: str, text: str) -> dict[str, str]:
    """Answer what was given, as the platform's measured workflow does."""
    return {"text": text, "organization": organization}


def _caller(authorization: str) -> dict[str, Any]:
    """The active user a bearer token belongs to."""
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), _KEY, ["HS256"], audience="bench", issuer="bench")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    user = _store.get("Users", "USER", claims["oid"])
    if user is None or not user["IsActive"]:
        raise HTTPException(401)
    return {"id": claims["oid"], **user}


def _organization(user: str, organization: str) -> dict[str, Any]:
    """The organization, if it is active and this user may run workflows in it."""
    permissions = _store.get("UserPermissions", user, organization)
    if permissions is None or not permissions["CanExecuteWorkflows"]:
        raise HTTPException(403)
    found = _store.get("Organizations", "ORG", organization)
    if found is None or not found["IsActive"]:
        raise HTTPException(409)
    return found


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Whether it takes requests."""
    return {"status": "ready"}


@app.post("/workflows/bench_echo")
async def run(
    request: Request,
    text: Annotated[str, Body(embed=True)],
    authorization: Annotated[str, Header()],
    x_organization_id: Annotated[str, Header()],
) -> dict[str, Any]:
    """Run the workflow."""
    caller = _caller(authorization)
    organization = _organization(caller["id"], x_organization_id)
    config = {
        entry["Key"]: entry["Value"]
        for scope in ("GLOBAL", x_organization_id)
        for entry in _store.partition("OrgConfig", scope)
    }
    context = {"org": {"id": x_organization_id, "name": organization["Name"]}, "config": config}

    started_at = now()
    execution_id, row_key = new_row_key()
    mirror = {
        "ExecutionId": execution_id,
        "OrgId": x_organization_id,
        "WorkflowName": "bench_echo",
        "Status": "Running",
        "StartedAt": started_at.isoformat(),
    }
    execution = {
        **mirror,
        "ExecutedBy": caller["id"],
        "ExecutedByName": caller["DisplayName"],
        "Trigger": "api",
        "InputData": {"text": text},
    }
    log_id, log_key = new_row_key()
    audit = {
        "LogId": log_id,
        "UserId": caller["id"],
        "Action": "Workflow.Execute",
        "EntityType": "Workflow",
        "EntityId": "bench_echo",
        "Details": {"execution_id": execution_id},
        "IpAddress": request.client.host if request.client else None,
        "OccurredAt": started_at.isoformat(),
    }
    _store.insert(
        [
            ("AuditLogs", x_organization_id, log_key, audit),
            ("UserExecutions", caller["id"], row_key, mirror),
            ("WorkflowExecutions", x_organization_id, row_key, execution),
        ]
    )

    result = await bench_echo(context["org"]["id"], text)

    completed_at = now()
    mirror["Status"] = execution["Status"] = "Success"
    execution["Result"] = result
    execution["CompletedAt"] = completed_at.isoformat()
    execution["DurationMs"] = (completed_at - started_at).total_seconds() * 1000
    _store.replace(
        [
            ("WorkflowExecutions", x_organization_id, row_key, execution),
            ("UserExecutions", caller["id"], row_key, mirror),
        ]
    )
    return result
