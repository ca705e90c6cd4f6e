//! Executions as table rows, and back.

use super::record::{BatchPlace, Entry, Execution, NewExecution, StoredJson};
use crate::repositories::etag_of;
use crate::{Entity, Etag, Property, StoreError, limits};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, ExecutionStatus, Scope, UserId};
use uuid::Uuid;

/// Longest of the texts that are only shown (names, messages, reasons), in UTF-16 units; longer ones are cut, because
/// the end of a run must be written whatever it said.
const MAX_SHOWN: usize = 8_000;

/// A text that is only shown, cut to fit.
pub(super) fn shown(text: &str) -> String {
    limits::shorten(text, MAX_SHOWN)
}

/// What a new execution is on record, before it has an ETag.
pub(super) fn draft(new: &NewExecution, entry: &Entry, input: StoredJson) -> Execution {
    let (status, epoch, lease_owner, deadline_at) = match entry {
        Entry::Claimed { owner, deadline_at } => (ExecutionStatus::Running, 1, Some(owner.clone()), Some(*deadline_at)),
        Entry::Queued => (ExecutionStatus::Pending, 0, None, None),
    };
    Execution {
        id: new.id,
        scope: new.scope,
        workflow_name: new.workflow_name.clone(),
        form_id: new.form_id,
        form_name: new.form_name.as_deref().map(shown),
        executed_by: new.executed_by,
        executed_by_name: shown(&new.executed_by_name),
        trigger: new.trigger.name().to_owned(),
        status,
        epoch,
        starts: 0,
        lease_owner,
        input,
        result: None,
        error_type: None,
        error_message: None,
        bundle_hash: new.bundle_hash.clone(),
        retry_of: new.retry_of,
        batch: new.batch,
        started_at: new.started_at,
        scheduled_for: new.scheduled_for,
        timeout_seconds: new.timeout_seconds,
        minutes_saved: new.minutes_saved,
        deadline_at,
        completed_at: None,
        duration_ms: None,
        progress_percent: None,
        progress_message: None,
        logs_through: 0,
        recorded_as: None,
        etag: Etag(String::new()),
    }
}

/// The deciding row.
pub(super) fn row(execution: &Execution, row_key: &str) -> Entity {
    let row = Entity::new(execution.scope.key(), row_key)
        .with("ExecutionId", execution.id.as_uuid())
        .with("WorkflowName", execution.workflow_name.as_str())
        .with_some("FormId", execution.form_id)
        .with_some("FormName", execution.form_name.as_deref())
        .with("ExecutedBy", execution.executed_by.key())
        .with("ExecutedByName", execution.executed_by_name.as_str())
        .with("Trigger", execution.trigger.as_str())
        .with("Status", execution.status.name())
        .with("Epoch", i64::from(execution.epoch))
        .with_some("LeaseOwner", execution.lease_owner.as_deref())
        .with("BundleHash", execution.bundle_hash.as_str())
        .with_some("RetryOf", execution.retry_of.map(|id| id.as_uuid()))
        .with_some("BatchId", execution.batch.map(|place| place.id.as_uuid()))
        .with_some("RowNumber", execution.batch.map(|place| i64::from(place.row)))
        .with("StartedAt", execution.started_at)
        .with_some("ScheduledFor", execution.scheduled_for)
        .with("TimeoutSeconds", i64::try_from(execution.timeout_seconds).unwrap_or(i64::MAX))
        .with_some("MinutesSaved", execution.minutes_saved.map(i64::from))
        .with_some("DeadlineAt", execution.deadline_at)
        .with("LogsThrough", i64::try_from(execution.logs_through).unwrap_or(i64::MAX))
        .with_some("RecordedAs", execution.recorded_as.as_deref());
    with_json(row, "Input", Some(&execution.input))
}

/// The mirror of the user: enough to list it and to find the deciding row.
pub(in crate::repositories) fn mirror(execution: &Execution, row_key: &str) -> Entity {
    Entity::new(execution.executed_by.key(), row_key)
        .with("ExecutionId", execution.id.as_uuid())
        .with_some("OrgId", execution.scope.org().map(|org| org.as_uuid()))
        .with("WorkflowName", execution.workflow_name.as_str())
        .with("Status", execution.status.name())
        .with("StartedAt", execution.started_at)
}

/// The pointer recovery looks at.
pub(in crate::repositories) fn active(execution: &Execution) -> Entity {
    Entity::new(super::lifecycle::ACTIVE_PARTITION, execution.id.key())
        .with("ExecutionId", execution.id.as_uuid())
        .with_some("OrgId", execution.scope.org().map(|org| org.as_uuid()))
        .with_some("LeaseOwner", execution.lease_owner.as_deref())
}

/// Adds `{Input|Result}` in the row, or the reference to its blob.
pub(super) fn with_json(row: Entity, kind: &str, json: Option<&StoredJson>) -> Entity {
    let inline = if kind == "Input" { "InputData" } else { "Result" };
    match json {
        None => row,
        Some(StoredJson::Inline(text)) => row.with(inline, text.as_str()),
        Some(StoredJson::Blob { path, size_bytes }) => row
            .with(&format!("{kind}Blob"), path.as_str())
            .with(&format!("{kind}SizeBytes"), i64::try_from(*size_bytes).unwrap_or(i64::MAX)),
    }
}

fn json_of(row: &Entity, kind: &str) -> Result<Option<StoredJson>, StoreError> {
    if let Some(path) = row.text_opt(&format!("{kind}Blob"))? {
        let size = row.int_opt(&format!("{kind}SizeBytes"))?.unwrap_or(0);
        return Ok(Some(StoredJson::Blob { path: path.to_owned(), size_bytes: u64::try_from(size).unwrap_or(0) }));
    }
    let inline = if kind == "Input" { "InputData" } else { "Result" };
    Ok(row.text_opt(inline)?.map(|text| StoredJson::Inline(text.to_owned())))
}

/// The scope a mirror or pointer names: no `OrgId` means `GLOBAL`.
pub(in crate::repositories) fn scope_of(row: &Entity) -> Result<Scope, StoreError> {
    Ok(Scope::from(row.guid_opt("OrgId")?.map(msp_domain::OrgId::from)))
}

/// Reads the deciding row. What only we write may be missing: other tools write the seed's properties alone.
pub(in crate::repositories) fn read(scope: Scope, row: &Entity) -> Result<Execution, StoreError> {
    let corrupt = |fault: String| StoreError::Corrupt(format!("execution {}: {fault}", row.row_key));
    let text = |name: &str| row.text_opt(name).map(|text| text.map(str::to_owned));
    let id = row.guid_opt("ExecutionId")?.ok_or_else(|| corrupt("no `ExecutionId`".to_owned()))?;
    Ok(Execution {
        id: ExecutionId::from(id),
        scope,
        workflow_name: row.text("WorkflowName")?.to_owned(),
        form_id: row.guid_opt("FormId")?,
        form_name: text("FormName")?,
        // An id that is no GUID is nobody who could sign in here.
        executed_by: row
            .text_opt("ExecutedBy")?
            .and_then(|user| user.parse().ok())
            .unwrap_or(UserId::from(Uuid::nil())),
        executed_by_name: text("ExecutedByName")?.unwrap_or_default(),
        trigger: text("Trigger")?.unwrap_or_default(),
        status: row.text("Status")?.parse().map_err(corrupt)?,
        epoch: u32::try_from(row.int_opt("Epoch")?.unwrap_or(0)).map_err(|_| corrupt("bad `Epoch`".to_owned()))?,
        starts: u32::try_from(row.int_opt("Starts")?.unwrap_or(0)).unwrap_or(u32::MAX),
        lease_owner: text("LeaseOwner")?,
        input: json_of(row, "Input")?.unwrap_or_else(|| StoredJson::Inline("{}".to_owned())),
        result: json_of(row, "Result")?,
        error_type: text("ErrorType")?,
        error_message: text("ErrorMessage")?,
        bundle_hash: text("BundleHash")?.unwrap_or_default(),
        retry_of: row.guid_opt("RetryOf")?.map(ExecutionId::from),
        batch: match row.guid_opt("BatchId")? {
            Some(id) => Some(BatchPlace {
                id: id.into(),
                row: u32::try_from(row.int_opt("RowNumber")?.unwrap_or(0)).unwrap_or(0),
            }),
            None => None,
        },
        started_at: row.instant("StartedAt")?,
        scheduled_for: row.instant_opt("ScheduledFor")?,
        timeout_seconds: unsigned(row, "TimeoutSeconds")?,
        minutes_saved: row.int_opt("MinutesSaved")?.and_then(|minutes| u32::try_from(minutes).ok()),
        deadline_at: row.instant_opt("DeadlineAt")?,
        completed_at: row.instant_opt("CompletedAt")?,
        duration_ms: row.int_opt("DurationMs")?,
        progress_percent: match row.properties.get("ProgressPercent") {
            Some(Property::Double(percent)) => Some(*percent),
            _ => None,
        },
        progress_message: text("ProgressMessage")?,
        logs_through: unsigned(row, "LogsThrough")?,
        recorded_as: text("RecordedAs")?,
        etag: etag_of(row)?,
    })
}

fn unsigned(row: &Entity, name: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int_opt(name)?.unwrap_or(0)).unwrap_or(0))
}

/// When something that starts now must have ended.
pub(super) fn deadline(now: DateTime<Utc>, timeout_seconds: u64) -> DateTime<Utc> {
    let timeout = i64::try_from(timeout_seconds).ok().and_then(chrono::Duration::try_seconds);
    timeout.and_then(|timeout| now.checked_add_signed(timeout)).unwrap_or(now + chrono::Duration::days(365))
}
