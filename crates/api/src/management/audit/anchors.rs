//! What to keep elsewhere, so that a trail which was cut can be told.

use crate::{
    http::{Problem, access::ReviewAccess, params::NoQuery},
    state::Api,
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

/// Get the signed end of every chain of the audit trail, as JSON Lines.
///
/// Keep the answer where whoever can write the server's data cannot: `msp audit verify --anchors FILE` then tells whether
/// today's trail still contains it. Rows of the last seconds are not in it yet.
#[utoipa::path(
    get, path = "/api/audit-logs/anchors", operation_id = "getAuditAnchors", tag = "audit",
    responses((status = 200, body = String, content_type = "application/x-ndjson", description = "One line for each chain.",
        example = json!("{\"org_id\":null,\"seq\":12,\"hash\":\"qL8R4QIcQ_ZsRqOAbeRfcZhilN_MksRtDaErMA-sN4o\",\"rows\":96,\"sealed_at\":\"2026-07-01T08:30:01Z\",\"exported_at\":\"2026-07-01T08:31:00Z\",\"mac\":\"K4g5dBnW7PZ3Jx0bWm1cRk8x2y5uUqkq3i7d2m0sR1E\"}\n"))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_audit_anchors(State(api): State<Api>, _: ReviewAccess, _: NoQuery) -> Result<Response, Problem> {
    let anchors = api.repositories.seals.anchors().await?;
    let lines: String =
        anchors.iter().map(|anchor| serde_json::to_string(anchor).expect("anchors always serialise") + "\n").collect();
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-anchors.jsonl\""),
    ];
    Ok((headers, lines).into_response())
}
