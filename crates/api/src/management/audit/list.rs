//! The trail in pages, whole, or as it grows.

use super::{
    AuditAccess, export, follow,
    query::{AuditFormat, AuditQuery},
    view::AuditView,
};
use crate::{
    http::{
        Problem,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, list_fault, page_limit},
        params::ApiQuery,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A page of the audit trail.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuditList {
    /// The rows, newest first.
    items: Vec<AuditView>,
    /// Send it as `cursor` for the next page; `null` at the end.
    next_cursor: Option<String>,
    /// Everything that happened after this instant has been looked at; `null` when nothing older is left. A filter looks at
    /// 5,000 rows per answer, and `next_cursor` goes on from there.
    searched_to: Option<DateTime<Utc>>,
}

/// Read the audit trail: in pages, whole, or as it grows.
///
/// With an organization, its rows; without, those of all organizations and those that belong to none, by time. Rows of an
/// organization that was deleted stay.
///
/// `format=csv` and `format=jsonl` answer everything the filters admit, newest first. `follow=true` keeps the answer open
/// and sends rows as JSON Lines once they are sealed, which is one to two seconds after they were written. Every 15 seconds, and
/// after rows, comes a line `{"cursor": "...", "heartbeat_at": "..."}`: send that `cursor` to go on where a stream broke off; rows
/// of the seconds before may then come again, with the same `id`. A line `{"closed": "/problems/..."}` is the last one, when the
/// caller's rights or the server end.
///
/// Problems: `query-invalid` (400), `streams-saturated` (503).
#[utoipa::path(
    get, path = "/api/audit-logs", operation_id = "listAuditLogs", tag = "audit",
    params(AuditQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization whose rows are read.")),
    responses((status = 200, description = "A page of rows, all of them, or the stream.",
        content(
            (AuditList = "application/json"),
            (String = "application/x-ndjson", example = json!(
                "{\"id\":\"0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10\",\"action\":\"Config.Set\"}\n")),
            (String = "text/csv", example = json!("occurred_at,org_id,user_id,user_name\r\n"))))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_audit_logs(
    State(api): State<Api>,
    access: AuditAccess,
    ApiQuery(query): ApiQuery<AuditQuery>,
    parts: Parts,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let (filter, happened) = (query.filter()?, query.happened()?);
    if query.follow == Some(true) {
        query.check_follow()?;
        let place = api.streams.take(access.asking.caller.user)?;
        return follow::answer(api, parts, access, filter, query.cursor.as_deref(), place);
    }
    let cursor = query.cursor.as_deref();
    if let Some(format) = query.format.and_then(AuditFormat::of_file) {
        let place = api.streams.take(access.asking.caller.user)?;
        // A foreign cursor is refused before an answer begins.
        if cursor.is_some() {
            access.search(&api, &filter, happened, cursor, 1).await.map_err(list_fault)?;
        }
        return Ok(export::answer((api, parts), filter, happened, (format, query.cursor), place));
    }
    let page = access.search(&api, &filter, happened, cursor, limit).await.map_err(list_fault)?;
    let items = AuditView::all(&api.repositories, page.items).await?;
    Ok(Json(AuditList { items, next_cursor: page.next_cursor, searched_to: page.searched_to }).into_response())
}
