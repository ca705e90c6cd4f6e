//! Batches on the wire.

use crate::{http::Problem, state::Api};
use chrono::{DateTime, Utc};
use msp_domain::{BatchId, ExecutionId, ExecutionStatus, OrgId, UserId};
use msp_storage::{
    StoreError,
    repositories::{
        batches::{Batch, BatchCounts, BatchRow},
        executions::Execution,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// A form submitted with a file of rows.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10", "org_id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
    "form_id": "0197c1c8-1111-7c41-9e0b-3f6f6d7f2f10", "form_name": "New user", "workflow_name": "user_onboarding",
    "submitted_by": "7d3c9f1e-5a44-4c0e-9d6c-0d4f3c1b2a10", "submitted_by_name": "Ada", "row_count": 3,
    "counts": { "pending": 0, "running": 1, "success": 1, "failed": 1, "cancelled": 0 }, "retry_of": null,
    "created_at": "2026-03-01T09:30:00Z", "cancelled_at": null, "completed_at": null, "error_type": null,
    "error_message": null
}))]
pub struct BatchView {
    id: BatchId,
    /// The organization it runs for; `null` for what runs without one.
    org_id: Option<OrgId>,
    form_id: Uuid,
    /// The name of the form then.
    form_name: String,
    workflow_name: String,
    submitted_by: UserId,
    /// The name of who submitted it, then.
    submitted_by_name: String,
    row_count: u32,
    counts: CountsView,
    /// The batch whose failed rows it repeats.
    retry_of: Option<BatchId>,
    created_at: DateTime<Utc>,
    /// When somebody cancelled what had not begun.
    cancelled_at: Option<DateTime<Utc>>,
    /// When its last row ended.
    completed_at: Option<DateTime<Utc>>,
    /// Why it ended before its last row: `rows_lost`, when its rows could not be read any more.
    error_type: Option<&'static str>,
    /// What a person should read about that.
    error_message: Option<&'static str>,
}

/// What is said of a batch that ended without its rows.
const ROWS_LOST: &str = "The rows of this batch were lost from the store. What had begun went on to its end; what had not \
     never will, and counts as cancelled. Submit the missing rows in a new file.";

/// How many rows stand where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CountsView {
    /// Not begun.
    pending: u32,
    /// Under way.
    running: u32,
    /// The workflow returned.
    success: u32,
    /// Failed, timed out or interrupted: what `rerun-failed` runs again.
    failed: u32,
    /// Cancelled, most of them before they began.
    cancelled: u32,
}

impl BatchView {
    pub(super) fn of(batch: &Batch, counts: BatchCounts) -> Self {
        let BatchCounts { pending, running, success, failed, cancelled } = counts;
        Self {
            id: batch.id,
            org_id: batch.scope.org(),
            form_id: batch.form_id,
            form_name: batch.form_name.clone(),
            workflow_name: batch.workflow_name.clone(),
            submitted_by: batch.submitted_by,
            submitted_by_name: batch.submitted_by_name.clone(),
            row_count: batch.row_count,
            counts: CountsView { pending, running, success, failed, cancelled },
            retry_of: batch.retry_of,
            created_at: batch.created_at,
            cancelled_at: batch.cancelled_at,
            completed_at: batch.completed_at,
            error_type: batch.rows_lost.then_some("rows_lost"),
            error_message: batch.rows_lost.then_some(ROWS_LOST),
        }
    }
}

/// The rows of a batch; of one whose rows are lost, those that became executions.
pub(super) async fn rows_of(
    api: &Api,
    batch: &Batch,
    executions: Vec<Execution>,
) -> Result<Vec<(BatchRowView, Option<Execution>)>, Problem> {
    let of_batch = match api.repositories.batches.rows(batch).await {
        Err(StoreError::NotFound | StoreError::Corrupt(_)) => executions.iter().filter_map(BatchRow::of).collect(),
        of_batch => of_batch?,
    };
    Ok(rows(batch, of_batch, executions))
}

/// One row of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "row_number": 2, "execution_id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f11", "status": "Failed",
    "input": { "email": "grace@contoso.example" }, "error_type": "NoLicenseLeft",
    "error_message": "No free `SPE_E3` license in Contoso.", "completed_at": "2026-03-01T09:31:00Z"
}))]
pub struct BatchRowView {
    /// Its number in the file, from 1, the header not counted.
    pub(super) row_number: u32,
    /// What it became; `null` until its turn comes.
    pub(super) execution_id: Option<ExecutionId>,
    /// Where it stands; `null` if its execution has been removed since it ended.
    pub(super) status: Option<ExecutionStatus>,
    /// Its values, password values masked.
    #[schema(value_type = Object)]
    pub(super) input: Map<String, Value>,
    /// A short machine-readable reason of a failure.
    pub(super) error_type: Option<String>,
    /// What a person should read about the failure.
    pub(super) error_message: Option<String>,
    pub(super) completed_at: Option<DateTime<Utc>>,
}

/// Every row with what became of it. A row without an execution waits for its turn, or was cancelled; once a batch has ended,
/// its execution may have been removed.
fn rows(batch: &Batch, rows: Vec<BatchRow>, executions: Vec<Execution>) -> Vec<(BatchRowView, Option<Execution>)> {
    let mut known: HashMap<ExecutionId, Execution> =
        executions.into_iter().map(|execution| (execution.id, execution)).collect();
    let unborn = match (batch.cancelled_at, batch.completed_at) {
        (Some(_), _) => Some(ExecutionStatus::Cancelled),
        (None, None) => Some(ExecutionStatus::Pending),
        (None, Some(_)) => None,
    };
    let view = |row: BatchRow| {
        let execution = known.remove(&row.execution_id);
        let view = BatchRowView {
            row_number: row.row,
            execution_id: execution.as_ref().map(|execution| execution.id),
            status: execution.as_ref().map(|execution| execution.status).or(unborn),
            input: row.input,
            error_type: execution.as_ref().and_then(|execution| execution.error_type.clone()),
            error_message: execution.as_ref().and_then(|execution| execution.error_message.clone()),
            completed_at: execution.as_ref().and_then(|execution| execution.completed_at),
        };
        (view, execution)
    };
    rows.into_iter().map(view).collect()
}
