//! Batches: one form submitted with many rows. Table `Batches`, PK organization or `GLOBAL`, RK `{reverse time}_{id}`.
//!
//! The rows are in a blob, whole, before the batch is on record: from then on every row runs, or is cancelled, whatever
//! dies. Each becomes an execution when its turn comes. All their ids carry the time of the batch, so that they stand side
//! by side in the history and one range of keys finds them.

mod list;
mod removal;
mod rows;

pub(super) use rows::{open_mark, read, read_open};

pub use list::BatchFilter;

use super::audit::AuditDraft;
use super::executions::{Execution, NewMark, StoredJson, marks};
use super::{Actor, Journal, Stores, readable};
use crate::{BlobStore, Commit, Entity, Etag, Guard, IfMatch, Query, StoreError, Table, TableWrite, Write};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use msp_domain::{BatchId, ExecutionId, ExecutionStatus, Scope, UserId};
use rows::{counted, row, rows_blob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Where the batches that have not ended are listed, in `ActiveExecutions`.
pub(super) const OPEN_PARTITION: &str = "BATCHES";
/// Where the rows of each are.
pub(super) const FOLDER: &str = "batches/";

/// One row of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Its number in the file, from 1, the header not counted.
    pub row: u32,
    /// The execution it becomes.
    pub execution_id: ExecutionId,
    /// The validated input, password values masked.
    pub input: Map<String, Value>,
    /// The execution it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<ExecutionId>,
}

impl BatchRow {
    /// The row an execution was, as far as it says; `None` for one that is none.
    pub fn of(execution: &Execution) -> Option<Self> {
        let input = match &execution.input {
            StoredJson::Inline(json) => serde_json::from_str(json).unwrap_or_default(),
            StoredJson::Blob { .. } => Map::new(),
        };
        let Execution { id, retry_of, batch, .. } = execution;
        batch.map(|place| Self { row: place.row, execution_id: *id, input, retry_of: *retry_of })
    }
}

/// How many rows stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Not begun.
    pub pending: u32,
    /// Under way.
    pub running: u32,
    /// The workflow returned.
    pub success: u32,
    /// It failed, ran out of time or was interrupted.
    pub failed: u32,
    /// Cancelled, most of them before they began.
    pub cancelled: u32,
}

impl BatchCounts {
    /// Counts one row.
    pub fn add(&mut self, status: ExecutionStatus) {
        let count = match status {
            ExecutionStatus::Pending => &mut self.pending,
            ExecutionStatus::Running => &mut self.running,
            ExecutionStatus::Success => &mut self.success,
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Interrupted => &mut self.failed,
            ExecutionStatus::Cancelled => &mut self.cancelled,
        };
        *count += 1;
    }

    /// The same with every row that is not among them: it waits for its turn, or will never begin.
    fn with_rest(mut self, row_count: u32, is_cancelled: bool) -> Self {
        let rest = row_count.saturating_sub(self.pending + self.running + self.success + self.failed + self.cancelled);
        *if is_cancelled { &mut self.cancelled } else { &mut self.pending } += rest;
        self
    }
}

/// A batch to be put on record.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its id; its rows' executions carry the same time.
    pub id: BatchId,
    /// Where it runs.
    pub scope: Scope,
    /// The form it was submitted with.
    pub form_id: Uuid,
    /// The name of that form then.
    pub form_name: String,
    /// What each row runs.
    pub workflow_name: String,
    /// Who asked.
    pub submitted_by: UserId,
    /// The name of who asked, then.
    pub submitted_by_name: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Content hash of the bundle the rows were checked with.
    pub bundle_hash: String,
    /// Seconds each row may run once claimed.
    pub timeout_seconds: u64,
    /// Minutes of work that each successful row saves.
    pub minutes_saved: Option<u32>,
    /// Whether rows have passwords, which wait among the secrets.
    pub has_passwords: bool,
    /// The batch whose failed rows it repeats.
    pub retry_of: Option<BatchId>,
    /// The caller's idempotency key.
    pub mark: Option<NewMark>,
}

/// A batch on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Where it runs.
    pub scope: Scope,
    /// The form it was submitted with.
    pub form_id: Uuid,
    /// The name of that form then.
    pub form_name: String,
    /// What each row runs.
    pub workflow_name: String,
    /// Who asked.
    pub submitted_by: UserId,
    /// The name of who asked, then.
    pub submitted_by_name: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// How many rows it has.
    pub row_count: u32,
    /// Content hash of the bundle the rows were checked with.
    pub bundle_hash: String,
    /// Seconds each row may run once claimed.
    pub timeout_seconds: u64,
    /// Minutes of work that each successful row saves.
    pub minutes_saved: Option<u32>,
    /// Whether rows have passwords.
    pub has_passwords: bool,
    /// The batch whose failed rows it repeats.
    pub retry_of: Option<BatchId>,
    /// When somebody cancelled what had not begun.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Who did.
    pub cancelled_by: Option<UserId>,
    /// When its last row ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Whether it ended because its rows were gone: what had not begun by then never will.
    pub rows_lost: bool,
    /// How its rows ended, once all have.
    pub counts: Option<BatchCounts>,
    /// How many of its rows stood where when the engine last said so.
    pub noted: BatchCounts,
    pub(super) rows_blob: String,
    /// Its version.
    pub etag: Etag,
}

/// The batches.
#[derive(Clone)]
pub struct Batches {
    journal: Journal,
    blobs: Arc<dyn BlobStore>,
}

impl Batches {
    pub(super) fn new(journal: Journal, stores: &Stores) -> Self {
        Self { journal, blobs: Arc::clone(&stores.blobs) }
    }

    /// Puts a batch on record: its rows first, then in one commit the batch, what makes a starting engine find it, its
    /// idempotency mark and the audit row. `guards` prove that what allowed it still holds.
    ///
    /// Safe to repeat after [`StoreError::Unavailable`]: a batch that is on record already is answered as it stands.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when a guard does not hold, [`StoreError::AlreadyExists`] when the idempotency key
    /// has a mark; then nothing was written but a blob that nothing names.
    pub async fn insert(
        &self,
        new: &NewBatch,
        rows: &[BatchRow],
        guards: Vec<Guard>,
        audit: AuditDraft,
    ) -> Result<Batch, StoreError> {
        let content = serde_json::to_vec(rows).map_err(|error| StoreError::Limit(error.to_string()))?;
        let path = rows_blob(&new.id.key());
        self.blobs.put(&path, Bytes::from(content)).await?;
        let row = row(new, u32::try_from(rows.len()).unwrap_or(u32::MAX), &path);
        let open = open_mark(new.scope, new.id);
        let mut writes = vec![(Table::ActiveExecutions, Write::UpsertReplace(open)), self.journal.audit.row(audit)];
        if let Some(mark) = &new.mark {
            writes.push((Table::WorkflowExecutions, marks::write(new.scope, new.id.as_uuid().into(), mark)));
        }
        writes.push((Table::Batches, Write::Insert(row)));
        match self.journal.tables.commit(Commit { writes, guards }).await {
            Ok(()) => self.get(new.scope, new.id).await?.ok_or(StoreError::NotFound),
            Err(StoreError::AlreadyExists) => self.get(new.scope, new.id).await?.ok_or(StoreError::AlreadyExists),
            Err(error) => Err(error),
        }
    }

    /// A batch.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let Some(row_key) = id.row_key() else { return Ok(None) };
        let row = self.journal.tables.get(Table::Batches, &scope.key(), &row_key).await?;
        row.map(|row| read(scope, &row)).transpose()
    }

    /// Every batch with a row that has not ended, oldest first. One that is not readable stays as it is and keeps no other.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn open(&self) -> Result<Vec<Batch>, StoreError> {
        let mut open = Vec::new();
        for (scope, id) in self.open_ids().await? {
            match self.get(scope, id).await {
                Ok(batch) => open.extend(batch),
                Err(StoreError::Corrupt(error)) => {
                    tracing::error!(batch.id = %id, error, "A batch that has not ended is not readable and stays as it is");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(open)
    }

    /// Which those are, oldest first, the ones that are not readable included.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn open_ids(&self) -> Result<Vec<(Scope, BatchId)>, StoreError> {
        let marks = self.journal.tables.query_all(Table::ActiveExecutions, Query::partition(OPEN_PARTITION)).await?;
        let mut open = readable(Table::ActiveExecutions, &marks, read_open);
        open.sort_by_key(|(_, id)| *id);
        Ok(open)
    }

    /// The rows of a batch, in their order.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the blob is gone; [`StoreError::Corrupt`] when it is not readable.
    pub async fn rows(&self, batch: &Batch) -> Result<Vec<BatchRow>, StoreError> {
        let content = self.blobs.get(&batch.rows_blob).await?.ok_or(StoreError::NotFound)?;
        serde_json::from_slice(&content).map_err(|error| StoreError::Corrupt(format!("{}: {error}", batch.rows_blob)))
    }

    /// Says that what has not begun shall not begin any more, with the audit row.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when it was cancelled or ended meanwhile.
    pub async fn cancel(&self, batch: &Batch, by: Option<UserId>, audit: AuditDraft) -> Result<Batch, StoreError> {
        let cancelled_at = self.journal.clock.now();
        let change = Entity::new(batch.scope.key(), batch.id.row_key().unwrap_or_default())
            .with("CancelledAt", cancelled_at)
            .with_some("CancelledBy", by.map(|user| user.key()));
        let writes = vec![
            (Table::Batches, Write::Merge(change, IfMatch::Etag(batch.etag.clone()))),
            self.journal.audit.row(audit),
        ];
        self.journal.tables.commit(Commit::of(writes)).await?;
        self.get(batch.scope, batch.id).await?.ok_or(StoreError::NotFound)
    }

    /// Notes how many rows stand where, so that lists need not look at each of them.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; the next note says the same and more.
    pub async fn note(&self, batch: &Batch, counts: BatchCounts) -> Result<(), StoreError> {
        let change = counted(batch, counts).with("Running", i64::from(counts.running));
        match self.journal.tables.write(Table::Batches, Write::Merge(change, IfMatch::Any)).await {
            // Removed meanwhile.
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says that every row has ended. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when it was changed meanwhile: read it again.
    pub async fn complete(&self, batch: &Batch, counts: BatchCounts) -> Result<Batch, StoreError> {
        self.end(batch, counted(batch, counts), None).await
    }

    /// Says of a batch whose rows are gone that what has not begun never will, with an audit row: nobody knows what it was.
    /// Safe to repeat.
    ///
    /// # Errors
    /// As for [`Self::complete`].
    pub async fn give_up(&self, batch: &Batch, counts: BatchCounts) -> Result<Batch, StoreError> {
        let details =
            json!({ "workflow": batch.workflow_name, "rows": batch.row_count, "cancelled": counts.cancelled });
        let audit = AuditDraft::new(batch.scope, &Actor::PLATFORM, "Batch.GiveUp", batch.id.key(), details);
        self.end(batch, counted(batch, counts).with("RowsLost", true), Some(audit)).await
    }

    async fn end(&self, batch: &Batch, change: Entity, audit: Option<AuditDraft>) -> Result<Batch, StoreError> {
        let change = change.with("CompletedAt", self.journal.clock.now());
        let mut writes: Vec<TableWrite> = audit.map(|audit| self.journal.audit.row(audit)).into_iter().collect();
        writes.push((Table::Batches, Write::Merge(change, IfMatch::Etag(batch.etag.clone()))));
        writes.push((Table::ActiveExecutions, Write::delete(OPEN_PARTITION, batch.id.key(), IfMatch::Any)));
        match self.journal.tables.commit(Commit::of(writes.clone())).await {
            // Deleting what is not there fails the commit.
            Err(StoreError::NotFound) => {
                writes.pop();
                self.journal.tables.commit(Commit::of(writes)).await?;
            }
            outcome => outcome?,
        }
        self.get(batch.scope, batch.id).await?.ok_or(StoreError::NotFound)
    }
}

impl Batch {
    /// How many of its rows stand where, given the executions they have become.
    pub fn count(&self, executions: &[Execution]) -> BatchCounts {
        self.counts.unwrap_or_else(|| self.counted(executions, self.cancelled_at.is_some()))
    }

    /// The same if what has not begun never will.
    pub fn count_without_rest(&self, executions: &[Execution]) -> BatchCounts {
        self.counted(executions, true)
    }

    fn counted(&self, executions: &[Execution], is_cancelled: bool) -> BatchCounts {
        let mut counts = BatchCounts::default();
        executions.iter().for_each(|execution| counts.add(execution.status));
        counts.with_rest(self.row_count, is_cancelled)
    }
}
