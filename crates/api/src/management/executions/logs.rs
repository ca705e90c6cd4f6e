//! The log of an execution, page by page.

use super::find::{HistoryAccess, find_execution};
use crate::{
    http::{
        Problem,
        paging::page_limit,
        params::{ApiPath, ApiQuery},
    },
    state::Api,
};
use axum::{Json, extract::State};
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

/// Read the log of an execution.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions/{id}/logs", operation_id = "getExecutionLogs", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."), LogQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = LogPage, description = "A page of lines.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_execution_logs(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    ApiQuery(query): ApiQuery<LogQuery>,
) -> Result<Json<LogPage>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LINES, MAX_LINES)?;
    let execution = find_execution(&api, &history, id).await?;
    let items = api.repositories.executions.logs(id, query.after.unwrap_or(0), limit).await?;
    let next_cursor = items.last().filter(|_| items.len() == limit).map(|line| line.seq.to_string());
    Ok(Json(LogPage { items, next_cursor, status: execution.status, logs_through: execution.logs_through }))
}
