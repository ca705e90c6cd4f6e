//! The log of an execution: page by page, as it is written, or whole.

use super::{
    download,
    find::{HistoryAccess, find_execution},
    stream,
};
use crate::{
    http::{
        Problem,
        paging::page_limit,
        params::{ApiPath, ApiQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use msp_domain::{ExecutionId, ExecutionStatus, LogLine};
use serde::{Deserialize, Serialize};

/// Lines of a page unless the query says otherwise.
const DEFAULT_LINES: usize = 200;
/// Most lines of a page.
const MAX_LINES: usize = 1000;

/// Which lines.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Only lines whose `seq` is greater.
    #[param(default = 0)]
    after: Option<u64>,
    /// Lines of the page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// A page of log lines.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "items": [{
        "seq": 1, "at": "2026-07-01T08:30:00Z", "level": "info", "source": "print", "message": "Creating a user", "step": null
    }],
    "next_cursor": null, "status": "Success", "logs_through": 1
}))]
pub struct LogPage {
    /// The lines, in order.
    items: Vec<LogLine>,
    /// Send it as `after` for the lines that are there already; `null` when this page ends with the last of them.
    next_cursor: Option<String>,
    /// Where the execution stood before the lines were read: once it is final and `next_cursor` is `null`, there is no
    /// more to come.
    status: ExecutionStatus,
    /// Every line up to this `seq` is durable.
    logs_through: u64,
}

/// Read the log of an execution, follow it, or download it.
///
/// With `Accept: text/event-stream` the answer is a stream of events: `status` and `progress` as they change, `step` when
/// one begins or ends, `log` for each line, and `end` once the execution has ended, after its last line; `closed` if the caller's rights end earlier.
/// `data` is JSON, `id` the `seq` of the last line: send it as `Last-Event-ID` (or `after`) to resume without gap or
/// duplicate; status, progress and steps are then sent again as they stand. Silence never lasts longer than 15 seconds.
///
/// With `Accept: text/plain` the answer is every line that is there by now: time, level, source and message.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400), `header-invalid` (400), `organization-inactive` (409),
/// `streams-saturated` (503).
#[utoipa::path(
    get, path = "/api/executions/{id}/logs", operation_id = "getExecutionLogs", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."), LogQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "For streams: the `id` of the last event received."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, description = "A page of lines, the stream, or the whole log.",
        content(
            (LogPage = "application/json"),
            (String = "text/event-stream", example = json!("id: 1\nevent: log\ndata: {\"seq\":1,\"message\":\"Creating\"}\n\n")),
            (String = "text/plain", example = json!("2026-07-01T08:30:00.000Z info print: Creating\n"))))),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_execution_logs(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    ApiQuery(query): ApiQuery<LogQuery>,
    parts: Parts,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LINES, MAX_LINES)?;
    let execution = find_execution(&api, &history, id).await?;
    if stream::is_wanted(&parts.headers) {
        let after = stream::resumed_after(&parts.headers, query.after)?;
        let place = api.streams.take(history.asking.caller.user)?;
        return Ok(stream::answer(api, parts, id, after, place));
    }
    if download::is_wanted(&parts.headers) {
        let place = api.streams.take(history.asking.caller.user)?;
        return Ok(download::answer(api, id, query.after.unwrap_or(0), place));
    }
    let items = api.repositories.executions.logs(id, query.after.unwrap_or(0), limit).await?;
    let next_cursor = items.last().filter(|_| items.len() == limit).map(|line| line.seq.to_string());
    let page = LogPage { items, next_cursor, status: execution.status, logs_through: execution.logs_through };
    Ok(Json(page).into_response())
}
