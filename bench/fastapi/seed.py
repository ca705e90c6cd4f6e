"""Makes the data the service needs, and prints a token and the organizations as JSON."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import jwt

from store import KEY_FILE, Row, Store, connect, now

#: As many as the platform's organizations get.
CONFIG_VALUES = 10


def seed(data: Path, organizations: int) -> dict[str, object]:
    """One user who may run workflows in every organization."""
    data.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    (data / KEY_FILE).write_bytes(key)
    user = str(uuid.uuid4())
    rows: list[Row] = [("Users", "USER", user, {"Email": "bench@localhost", "DisplayName": "Bench", "IsActive": True})]
    ids = [str(uuid.uuid4()) for _ in range(organizations)]
    for number, organization in enumerate(ids):
        rows.append(("Organizations", "ORG", organization, {"Name": f"Organization {number:03}", "IsActive": True}))
        rows.append(("UserPermissions", user, organization, {"CanExecuteWorkflows": True, "CanViewHistory": True}))
        rows.extend(
            (
                "OrgConfig",
                organization,
                f"config:setting_{index}",
                {"Key": f"setting_{index}", "Value": f"value {index}"},
            )
            for index in range(CONFIG_VALUES)
        )
    Store(connect(data)).insert(rows)
    claims = {
        "iss": "bench",
        "aud": "bench",
        "oid": user,
        "iat": now(),
        "nbf": now(),
        "exp": now() + timedelta(hours=1),
    }
    return {"token": jwt.encode(claims, key, algorithm="HS256"), "organizations": ids}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--organizations", type=int, required=True)
    arguments = parser.parse_args()
    json.dump(seed(arguments.data, arguments.organizations), sys.stdout)
