//! Cancelling what is left of a batch.

use super::{
    find::{BatchAccess, find_batch},
    view::BatchView,
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
use msp_domain::{BatchId, Permission};
use msp_engine::CancelBatchError;

/// Cancel the rows of a batch that have not begun.
///
/// Rows that run go on: cancel their executions one by one. One's own batches need `execute_workflows`, other people's
/// `view_history` as well. Cancelling again is harmless while rows still run.
///
/// Problems: `batch-ended` (409), `not-found` (404), `path-invalid` (400), `organization-inactive` (409),
/// `engine-starting` (503).
#[utoipa::path(
    post, path = "/api/batches/{id}/cancel", operation_id = "cancelBatch", tag = "batches",
    params(("id" = BatchId, Path, description = "The batch."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 202, body = BatchView, description = "No further row begins.")),
    extensions(("x-permission" = json!("execute_workflows, and view_history for other people's")))
)]
pub async fn cancel_batch(
    State(api): State<Api>,
    access: BatchAccess,
    ApiPath(id): ApiPath<BatchId>,
    _: NoQuery,
) -> Result<(StatusCode, Json<BatchView>), Problem> {
    let batch = find_batch(&api, &access, id).await?;
    open(&api, &access.asking, batch.scope.org(), &[Permission::ExecuteWorkflows]).await?;
    let batch = engine(&api)?.cancel_batch(batch.scope, id, &access.asking.actor).await?;
    let counts = batch.count(&api.repositories.executions.of_batch(&batch).await?);
    Ok((StatusCode::ACCEPTED, Json(BatchView::of(&batch, counts))))
}

impl From<CancelBatchError> for Problem {
    fn from(error: CancelBatchError) -> Self {
        match error {
            CancelBatchError::Ended => {
                Self::new(Kind::BatchEnded).detail("Every row has ended already; there is nothing to cancel.")
            }
            CancelBatchError::Store(error) => error.into(),
        }
    }
}
