//! Running the failed rows of a batch again.

use super::{
    find::{BatchAccess, find_batch},
    submit::{Submission, invalid_rows, repeated},
    view::{BatchView, rows_of},
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::open,
        params::{ApiPath, NoQuery},
        rights::{ExecuteWorkflows, Opens},
    },
    state::Api,
    workflows::{idempotency::IdempotencyKey, submission},
};
use axum::{extract::State, response::Response};
use msp_domain::{BatchId, ExecutionStatus};
use msp_engine::{Engine, RowFault, RowInput};
use serde_json::json;

/// Run the failed rows of a batch again.
///
/// A new batch of the rows that failed, timed out or were interrupted, with their values, the form as it is now, and by the
/// caller. It names the earlier batch in `retry_of`, and each execution the one it repeats. Rows with passwords cannot be run
/// again, because history does not keep them: submit those in a new file. With an `Idempotency-Key`, the same request sent again
/// within 24 hours is answered by the batch it started the first time, whatever has become of the form.
///
/// Problems: `batch-running` (409), `nothing-failed` (409), `rows-invalid` (422), `batches-full` (409),
/// `form-inactive` (409), `options-failed` (424), `organization-inactive` (409), `paused` (409), `not-found` (404),
/// `path-invalid` (400), `idempotency-key-reused` (422), `engine-starting` (503), `engine-saturated` (503),
/// `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    post, path = "/api/batches/{id}/rerun-failed", operation_id = "rerunFailedRows", tag = "batches",
    params(("id" = BatchId, Path, description = "The batch."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "A name of the request, chosen by the caller, so that sending it again starts nothing.")),
    responses((status = 202, body = BatchView, description = "A new batch with the rows that failed.", headers(
        ("Location" = String, description = "Where to follow it.")))),
    extensions(("x-permission" = json!("execute_workflows, and view_history for other people's")))
)]
pub async fn rerun_failed_rows(
    State(api): State<Api>,
    access: BatchAccess,
    ApiPath(id): ApiPath<BatchId>,
    idempotency_key: IdempotencyKey,
    _: NoQuery,
) -> Result<Response, Problem> {
    let batch = find_batch(&api, &access, id).await?;
    let granted = open(&api, &access.asking, batch.scope.org(), ExecuteWorkflows::ANY_OF).await?;
    let idempotency = idempotency_key.names(|| json!({ "retry_of": id }));
    if let Some(answer) = repeated(&api, &access.asking, &granted, batch.form_id, idempotency.as_ref()).await? {
        return Ok(answer);
    }
    if batch.completed_at.is_none() {
        return Err(Problem::new(Kind::BatchRunning)
            .detail("Rows of this batch still wait or run. Cancel the rest, or wait for their end."));
    }
    let Some(form) = submission::find(&api, batch.scope, batch.form_id).await? else {
        return Err(Problem::new(Kind::NotFound).detail("The form of this batch is not there any more."));
    };
    let schema = form.schema()?;
    let is_asked_for = |name: &str| schema.fields.iter().any(|field| field.name == name);
    let executions = api.repositories.executions.of_batch(&batch).await?;
    let (mut again, mut faults) = (Vec::new(), Vec::new());
    for (row, execution) in rows_of(&api, &batch, executions).await? {
        let Some(execution) = execution.filter(|execution| has_failed(execution.status)) else { continue };
        match Engine::row_again(row.input, is_asked_for) {
            Ok(input) => again.push(RowInput { row: row.row_number, input, retry_of: Some(execution.id) }),
            Err(of_row) => faults.push(RowFault { row: row.row_number, faults: of_row }),
        }
    }
    if !faults.is_empty() {
        return Err(invalid_rows(&faults));
    }
    if again.is_empty() {
        return Err(Problem::new(Kind::NothingFailed).detail("No row of this batch failed."));
    }
    let submission = Submission { form, rows: again, idempotency, retry_of: Some(id) };
    submission.submit(&api, &access.asking, granted).await
}

fn has_failed(status: ExecutionStatus) -> bool {
    matches!(status, ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Interrupted)
}
