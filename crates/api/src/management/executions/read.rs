//! Reading one execution.

use super::{
    find::{HistoryAccess, find_execution},
    view::ExecutionView,
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use msp_domain::ExecutionId;

/// Read an execution: where it stands, what it was given, what it returned.
///
/// One's own runs need `execute_workflows`, other people's `view_history`. Without an organization in the request, the
/// caller's own runs and those of every organization it may view are searched.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions/{id}", operation_id = "getExecution", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = ExecutionView, description = "The execution.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_execution(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    _: NoQuery,
) -> Result<Json<ExecutionView>, Problem> {
    let execution = find_execution(&api, &history, id).await?;
    Ok(Json(ExecutionView::load(&api, &execution).await?))
}

/// Read the value an execution returned, whatever its size.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions/{id}/result", operation_id = "getExecutionResult", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = serde_json::Value, description = "Exactly the value.",
        example = json!({ "user_id": "5b1d", "upn": "grace@contoso.example" }))),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_execution_result(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    _: NoQuery,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let execution = find_execution(&api, &history, id).await?;
    let result = execution
        .result
        .ok_or_else(|| Problem::new(Kind::NotFound).detail("This execution has not returned a value."))?;
    let text = api.repositories.executions.load_json(&result).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}
