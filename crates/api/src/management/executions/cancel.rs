//! Cancelling an execution.

use super::{
    find::{HistoryAccess, find_execution},
    view::ExecutionSummary,
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::open,
        params::{ApiPath, NoQuery},
    },
    state::Api,
    workflows::engine,
};
use axum::{Json, extract::State, http::StatusCode};
use msp_domain::{ExecutionId, ExecutionStatus, Permission};
use msp_engine::CancelError;

/// Cancel an execution.
///
/// A pending one ends `Cancelled` at once, a running one is asked to give way and is ended within seconds if it does not;
/// a value it still returns counts. The answer is the execution as it stands: follow it to see how it ends. Cancelling a
/// running execution again is harmless. One's own runs need `execute_workflows`, other people's `view_history` as well.
///
/// Problems: `execution-ended` (409), `not-found` (404), `path-invalid` (400), `organization-inactive` (409),
/// `engine-starting` (503), `engine-unavailable` (503).
#[utoipa::path(
    post, path = "/api/executions/{id}/cancel", operation_id = "cancelExecution", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 202, body = ExecutionSummary, description = "It has ended, or its end is on the way.")),
    extensions(("x-permission" = json!("execute_workflows, and view_history for other people's")))
)]
pub async fn cancel_execution(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    _: NoQuery,
) -> Result<(StatusCode, Json<ExecutionSummary>), Problem> {
    let asking = &history.asking;
    // Whoever sees the execution holds `view_history` or started it; the right to execute is the other half.
    let execution = find_execution(&api, &history, id).await?;
    // An administrator also ends what still runs for an organization that was made inactive.
    if !asking.caller.is_administrator() {
        open(&api, asking, execution.scope.org(), &[Permission::ExecuteWorkflows]).await?;
    }
    if execution.status.is_final() {
        return Err(ended(execution.status));
    }
    let cancelled = engine(&api)?.cancel(execution.scope, id, &asking.actor).await?;
    Ok((StatusCode::ACCEPTED, Json((&cancelled).into())))
}

fn ended(status: ExecutionStatus) -> Problem {
    Problem::new(Kind::ExecutionEnded)
        .detail(format!("The execution has ended already ({status}); there is nothing to cancel."))
        .with("execution_status", status.name())
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Ended(status) => ended(status),
            CancelError::NotHere => Self::new(Kind::EngineUnavailable)
                .detail("The execution has stopped, but its ending could not be put on record yet."),
            CancelError::Store(error) => error.into(),
        }
    }
}
