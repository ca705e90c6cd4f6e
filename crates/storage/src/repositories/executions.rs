//! Executions and their logs. `WorkflowExecutions` (PK organization or `GLOBAL`, RK `{reverse time}_{id}`) decides;
//! `UserExecutions` mirrors it per user; `ActiveExecutions` holds a pointer to each that has not ended;
//! `ExecutionLogs` holds the lines.

use super::{Listing, audit::AuditDraft};
use crate::{Etag, ExecutionPointer, Guard, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, ExecutionStatus, LogLine, Scope, Trigger, UserId};
use uuid::Uuid;

/// JSON longer than this (in UTF-16 code units) goes to a blob: a string property ends at 32 Ki (design section 3).
pub const INLINE_JSON_LIMIT: usize = 30_000;

/// A JSON text on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredJson {
    /// In the row itself.
    Inline(String),
    /// In a blob.
    Blob {
        /// Where.
        path: String,
        /// How long it is, in bytes.
        size_bytes: u64,
    },
}

/// Who asked for an execution and what for: what is known before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// Its id; its start is `id`'s time.
    pub id: ExecutionId,
    /// Where it runs.
    pub scope: Scope,
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
    pub trigger: Trigger,
    /// The validated input as JSON, password values masked.
    pub input_json: String,
    /// Content hash of the bundle.
    pub bundle_hash: String,
    /// When it was accepted.
    pub started_at: DateTime<Utc>,
    /// Seconds it may run once claimed.
    pub timeout_seconds: u64,
}

/// How an execution enters the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `Running`, epoch 1, owned by the engine that inserts it: no queue hop.
    Claimed {
        /// The engine (one boot of one host).
        owner: String,
        /// When it must have ended.
        deadline_at: DateTime<Utc>,
    },
    /// `Pending`, epoch 0, with its queue message in the same commit.
    Queued,
}

/// An execution on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// What was asked.
    pub id: ExecutionId,
    /// Where it runs.
    pub scope: Scope,
    /// What runs.
    pub workflow_name: String,
    /// The form it was submitted with.
    pub form_id: Option<Uuid>,
    /// Its name then.
    pub form_name: Option<String>,
    /// Who asked.
    pub executed_by: UserId,
    /// Its name then.
    pub executed_by_name: String,
    /// What started it.
    pub trigger: String,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// How often it was claimed.
    pub epoch: u32,
    /// The engine that runs it.
    pub lease_owner: Option<String>,
    /// The input, password values masked.
    pub input: StoredJson,
    /// The value it returned.
    pub result: Option<StoredJson>,
    /// A short machine-readable reason of a failure.
    pub error_type: Option<String>,
    /// What a person should read.
    pub error_message: Option<String>,
    /// Content hash of the bundle.
    pub bundle_hash: String,
    /// When it was accepted.
    pub started_at: DateTime<Utc>,
    /// Seconds it may run once claimed.
    pub timeout_seconds: u64,
    /// When it must have ended.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took, from acceptance to its end.
    pub duration_ms: Option<i64>,
    /// 0 to 100.
    pub progress_percent: Option<f64>,
    /// The latest word.
    pub progress_message: Option<String>,
    /// Every log line up to this `seq` is durable.
    pub logs_through: u64,
    /// Its version.
    pub etag: Etag,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// A final status.
    pub status: ExecutionStatus,
    /// The value it returned, as masked JSON.
    pub result_json: Option<String>,
    /// A short machine-readable reason of a failure.
    pub error_type: Option<String>,
    /// What a person should read.
    pub error_message: Option<String>,
    /// When.
    pub completed_at: DateTime<Utc>,
    /// The `seq` of its last log line.
    pub logs_through: u64,
}

/// Which executions to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecutionFilter {
    /// Only of this status.
    pub status: Option<ExecutionStatus>,
    /// Only of this workflow.
    pub workflow_name: Option<String>,
    /// Only of this user.
    pub executed_by: Option<UserId>,
}

/// An execution that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveExecution {
    /// Which.
    pub pointer: ExecutionPointer,
    /// The engine that runs it; `None` while it is pending.
    pub owner: Option<String>,
}

/// The executions.
#[derive(Clone)]
pub struct Executions {}

impl Executions {
    /// Puts a new execution on record in one commit: the row, its mirror, its active pointer, its queue message if
    /// it is `Queued`, and the audit row. `guards` prove that what allowed it still holds:
    /// [`StoreError::PreconditionFailed`] when it does not, and then nothing was written.
    pub async fn insert(
        &self,
        new: &NewExecution,
        entry: &Entry,
        guards: Vec<Guard>,
        audit: AuditDraft,
    ) -> Result<Execution, StoreError> {
        let _ = (new, entry, guards, audit);
        todo!("storage")
    }

    /// Takes a pending execution: `Running`, next epoch, this owner. `None` when it is not pending any more or was
    /// never recorded; the caller then deletes the message.
    pub async fn claim(
        &self,
        pointer: ExecutionPointer,
        owner: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Execution>, StoreError> {
        let _ = (pointer, owner, now);
        todo!("storage")
    }

    /// Ends an execution, conditional on its version: row, mirror and active pointer in one commit. A large result
    /// goes to its blob first. [`StoreError::PreconditionFailed`] when somebody else changed it: the caller's run
    /// is stale and its outcome is dropped.
    pub async fn finish(&self, execution: &Execution, ending: &Ending) -> Result<Execution, StoreError> {
        let _ = (execution, ending);
        todo!("storage")
    }

    /// Writes the latest progress and `logs_through`, conditional on the version; updates `execution` in place.
    pub async fn update_progress(
        &self,
        execution: &mut Execution,
        percent: Option<f64>,
        message: Option<&str>,
        logs_through: u64,
    ) -> Result<(), StoreError> {
        let _ = (execution, percent, message, logs_through);
        todo!("storage")
    }

    /// Appends log lines of the execution's current epoch. Repeating a call is harmless.
    pub async fn append_logs(&self, execution: &Execution, lines: &[LogLine]) -> Result<(), StoreError> {
        let _ = (execution, lines);
        todo!("storage")
    }

    /// Log lines with `seq > after`, in order, at most `limit` (up to 1000).
    pub async fn logs(&self, id: ExecutionId, after: u64, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let _ = (id, after, limit);
        todo!("storage")
    }

    /// The execution with this id in exactly this scope.
    pub async fn get(&self, scope: Scope, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        let _ = (scope, id);
        todo!("storage")
    }

    /// Where one of the user's own executions runs; `None` if the user never ran it.
    pub async fn scope_of_own(&self, user: UserId, id: ExecutionId) -> Result<Option<Scope>, StoreError> {
        let _ = (user, id);
        todo!("storage")
    }

    /// Newest first within one scope. With a filter, scans at most 5,000 rows per call (design section 10).
    pub async fn list(
        &self,
        scope: Scope,
        filter: &ExecutionFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<Execution>, StoreError> {
        let _ = (scope, filter, cursor, limit);
        todo!("storage")
    }

    /// Everything that has not ended.
    pub async fn active(&self) -> Result<Vec<ActiveExecution>, StoreError> {
        todo!("storage")
    }

    /// The text of a stored JSON value.
    pub async fn load_json(&self, json: &StoredJson) -> Result<String, StoreError> {
        let _ = json;
        todo!("storage")
    }
}
