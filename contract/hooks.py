"""What the description cannot say about requests that are well formed."""

from __future__ import annotations

import schemathesis
from schemathesis import Case, HookContext


@schemathesis.hook
def before_call(context: HookContext, case: Case, **kwargs: object) -> None:
    """Make a valid request valid in what no schema can say.

    Path, header and query may each name the organization, and must agree. A cursor is opaque: only one that the same list
    answered is valid. A range of time must not end before it begins, nor be longer than is shown. Schemathesis writes no
    quotes into headers, and an `If-Match` has them.
    """
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    query = case.query
    if query:
        # A stream has no end.
        query.pop("follow", None)
        query.pop("org_id", None)
        query.pop("cursor", None)
        if "from" in query:
            query.pop("to", None)
        if case.operation.path == "/api/statistics":
            query.pop("from", None)
    version = case.headers.get("If-Match") if case.headers else None
    if version is not None and not version.startswith('"'):
        case.headers["If-Match"] = f'"{version}"'
