//! An execution on the wire.

use crate::{http::Problem, state::Api};
use chrono::{DateTime, Utc};
use msp_domain::{BatchId, ExecutionId, ExecutionStatus, OrgId, Step, UserId};
use msp_storage::{
    StoreError,
    repositories::executions::{Execution, StoredJson},
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Largest result or input, in bytes, that stands in the execution itself (design section 5).
const MAX_INLINE_BYTES: u64 = 256 * 1024;

/// An execution in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "workflow_name": "user_onboarding", "form_id": "26d7d0ed-be63-4369-b2cd-35663fb78183", "form_name": "New user",
    "executed_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "executed_by_name": "Ada Lovelace", "trigger": "form",
    "status": "Success", "error_type": null, "error_message": null, "progress": null,
    "started_at": "2026-07-01T08:30:00Z", "completed_at": "2026-07-01T08:30:02.5Z", "duration_ms": 2500
}))]
pub struct ExecutionSummary {
    /// Its id.
    pub id: ExecutionId,
    /// The organization it runs for; `null` for what runs without one.
    pub org_id: Option<OrgId>,
    /// What runs.
    pub workflow_name: String,
    /// The form it was submitted with.
    pub form_id: Option<Uuid>,
    /// The name of that form then.
    pub form_name: Option<String>,
    /// Who asked.
    pub executed_by: UserId,
    /// The name of who asked, then.
    pub executed_by_name: String,
    /// What started it.
    pub trigger: String,
    /// The batch it is a row of.
    pub batch_id: Option<BatchId>,
    /// Which row, from 1.
    pub row_number: Option<u32>,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// A short machine-readable reason of a failure.
    pub error_type: Option<String>,
    /// What a person should read about the failure.
    pub error_message: Option<String>,
    /// The latest progress; `null` until the workflow reports some.
    pub progress: Option<Progress>,
    /// When it was accepted.
    pub started_at: DateTime<Utc>,
    /// When it is or was to start, if not as soon as it could.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took to its end, from acceptance or from the time it was scheduled for.
    pub duration_ms: Option<i64>,
}

/// How far a workflow says it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// 0 to 100.
    pub percent: Option<f64>,
    /// The latest word.
    pub message: Option<String>,
}

/// A part of an execution that its author gave a name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// Position within the execution, from 1, in the order in which steps began.
    pub seq: u32,
    /// The author's name for it.
    pub name: String,
    /// `Running`, or how it ended.
    pub status: ExecutionStatus,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// What it raised.
    pub error_message: Option<String>,
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        Self {
            seq: step.seq,
            name: step.name,
            status: step.status,
            started_at: step.started_at,
            ended_at: step.ended_at,
            duration_ms: step.ended_at.map(|ended_at| (ended_at - step.started_at).num_milliseconds()),
            error_message: step.error_message,
        }
    }
}

/// An execution, whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "input": { "email": "grace@contoso.example" }, "result": { "user_id": "5b1d", "upn": "grace@contoso.example" },
    "result_url": null, "steps": [], "logs_through": 3, "epoch": 1, "retry_of": null,
    "bundle_hash": "095b34e560135a62ade3c73b53942ba71daa150d11e983723e4d8c0a2c8bca82", "timeout_seconds": 1800,
    "deadline_at": "2026-07-01T09:00:00Z"
}))]
pub struct ExecutionView {
    #[serde(flatten)]
    summary: ExecutionSummary,
    /// The parameters, password values masked; `null` if longer than 256 KiB, or lost from the store.
    #[schema(value_type = Option<Object>)]
    input: Option<Box<RawValue>>,
    /// The value it returned, up to 256 KiB; `null` if there is none, it is longer, or it was lost from the store.
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<Box<RawValue>>,
    /// Where the value is if it is longer than 256 KiB.
    result_url: Option<String>,
    /// Its steps, in the order in which they began.
    steps: Vec<StepView>,
    /// Every log line up to this `seq` is durable.
    logs_through: u64,
    /// How often it was claimed by an engine.
    epoch: u32,
    /// The execution it repeats.
    retry_of: Option<ExecutionId>,
    /// Content hash of the bundle it runs from.
    bundle_hash: String,
    /// Seconds it may run once claimed.
    timeout_seconds: u64,
    /// When it must have ended.
    deadline_at: Option<DateTime<Utc>>,
}

impl From<&Execution> for ExecutionSummary {
    fn from(execution: &Execution) -> Self {
        let progress = match (execution.progress_percent, &execution.progress_message) {
            (None, None) => None,
            (percent, message) => Some(Progress { percent, message: message.clone() }),
        };
        Self {
            id: execution.id,
            org_id: execution.scope.org(),
            workflow_name: execution.workflow_name.clone(),
            form_id: execution.form_id,
            form_name: execution.form_name.clone(),
            executed_by: execution.executed_by,
            executed_by_name: execution.executed_by_name.clone(),
            trigger: execution.trigger.clone(),
            batch_id: execution.batch.map(|place| place.id),
            row_number: execution.batch.map(|place| place.row),
            status: execution.status,
            error_type: execution.error_type.clone(),
            error_message: execution.error_message.clone(),
            progress,
            started_at: execution.started_at,
            scheduled_for: execution.scheduled_for,
            completed_at: execution.completed_at,
            duration_ms: execution.duration_ms,
        }
    }
}

impl ExecutionView {
    /// The execution with its input and result, as far as they are short enough.
    pub(super) async fn load(api: &Api, execution: &Execution) -> Result<Self, Problem> {
        let is_long = execution.result.as_ref().is_some_and(|result| size_bytes(result) > MAX_INLINE_BYTES);
        let result = match &execution.result {
            Some(result) if !is_long => load(api, execution.id, result).await?,
            _ => None,
        };
        let input = if size_bytes(&execution.input) <= MAX_INLINE_BYTES {
            load(api, execution.id, &execution.input).await?
        } else {
            None
        };
        Ok(Self {
            summary: execution.into(),
            input,
            result,
            result_url: is_long.then(|| format!("/api/executions/{}/result", execution.id)),
            steps: api.repositories.executions.steps(execution).await?.into_iter().map(StepView::from).collect(),
            logs_through: execution.logs_through,
            epoch: execution.epoch,
            retry_of: execution.retry_of,
            bundle_hash: execution.bundle_hash.clone(),
            timeout_seconds: execution.timeout_seconds,
            deadline_at: execution.deadline_at,
        })
    }
}

fn size_bytes(json: &StoredJson) -> u64 {
    match json {
        StoredJson::Inline(text) => text.len() as u64,
        StoredJson::Blob { size_bytes, .. } => *size_bytes,
    }
}

/// Stored JSON passes through as it is: parsing it again would cost time and could change numbers. What is lost or damaged
/// hides nothing else of its execution.
async fn load(api: &Api, id: ExecutionId, json: &StoredJson) -> Result<Option<Box<RawValue>>, StoreError> {
    let text = match api.repositories.executions.load_json(json).await {
        Err(error @ (StoreError::NotFound | StoreError::Corrupt(_))) => {
            tracing::error!(execution.id = %id, error = %error, "The input or the result of an execution is not readable");
            return Ok(None);
        }
        text => text?,
    };
    let value = RawValue::from_string(text);
    if let Err(error) = &value {
        tracing::error!(execution.id = %id, error = %error, "The input or the result of an execution is no JSON");
    }
    Ok(value.ok())
}
