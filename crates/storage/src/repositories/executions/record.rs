//! What an execution is on record.

use super::NewMark;
use crate::repositories::files::TakenUpload;
use crate::{Etag, ExecutionPointer};
use chrono::{DateTime, Utc};
use msp_domain::{BatchId, ExecutionId, ExecutionStatus, Scope, Trigger, UserId};
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
    /// When it is to start, if not as soon as it can.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Seconds it may run once claimed.
    pub timeout_seconds: u64,
    /// Minutes of work that a success saves, by the word of its author.
    pub minutes_saved: Option<u32>,
    /// The execution it repeats.
    pub retry_of: Option<ExecutionId>,
    /// The batch it is a row of.
    pub batch: Option<BatchPlace>,
    /// The caller's idempotency key.
    pub mark: Option<NewMark>,
    /// The uploads that become its files.
    pub files: Vec<TakenUpload>,
}

/// Which row of which batch an execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPlace {
    /// The batch.
    pub id: BatchId,
    /// The number of the row, from 1.
    pub row: u32,
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
    /// `Pending`, epoch 0: to be sent to the queue next.
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
    /// How often an engine was about to start it after an earlier one had left it behind.
    pub starts: u32,
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
    /// The execution it repeats.
    pub retry_of: Option<ExecutionId>,
    /// The batch it is a row of.
    pub batch: Option<BatchPlace>,
    /// When it was accepted.
    pub started_at: DateTime<Utc>,
    /// When it is or was to start, if not as soon as it could.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Seconds it may run once claimed.
    pub timeout_seconds: u64,
    /// Minutes of work that a success saves, by the word of its author.
    pub minutes_saved: Option<u32>,
    /// When it must have ended.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took to its end, from acceptance or from the time it was scheduled for.
    pub duration_ms: Option<i64>,
    /// 0 to 100.
    pub progress_percent: Option<f64>,
    /// The latest word.
    pub progress_message: Option<String>,
    /// Every log line up to this `seq` is durable.
    pub logs_through: u64,
    /// Of one that took place elsewhere, the row that says when it was put on record.
    pub(super) recorded_as: Option<String>,
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

/// An execution that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveExecution {
    /// Which.
    pub pointer: ExecutionPointer,
    /// The engine that runs it; `None` while it is pending.
    pub owner: Option<String>,
}
