//! From acceptance to the end: every step is one commit, conditional on the version it rests on.

use super::record::{ActiveExecution, Ending, Entry, Execution, NewExecution, StoredJson};
use super::{Executions, counters, marks, packing, recorded, rows};
use crate::repositories::audit::AuditDraft;
use crate::repositories::{files, readable, retry};
use crate::{Commit, Entity, Etag, ExecutionPointer, Guard, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, ExecutionStatus, Scope, Trigger};

pub(in crate::repositories) const ACTIVE_PARTITION: &str = "ACTIVE";

impl Executions {
    /// Puts a new execution on record in one commit: the row, its mirror, its active pointer,
    /// its idempotency mark, the uploads it takes, and the audit row. `guards` prove that what allowed it still holds:
    /// [`StoreError::PreconditionFailed`] when it does not, or an upload is not there any more, and then nothing was
    /// written.
    ///
    /// Safe to repeat after [`StoreError::Unavailable`]: the keys follow from the id, and an execution that is on
    /// record already is answered as it stands. Where the commit is no transaction, pointer, mirror and audit row
    /// come first: each is harmless without the execution, which exists only once its own row does.
    ///
    /// # Errors
    /// As said; [`StoreError::AlreadyExists`] when the id belongs to another execution, or the idempotency key has a mark; [`StoreError::Limit`] when
    /// the id carries no time or a name is too long.
    pub async fn insert(
        &self,
        new: &NewExecution,
        entry: &Entry,
        guards: Vec<Guard>,
        audit: AuditDraft,
    ) -> Result<Execution, StoreError> {
        let row_key = new.id.row_key().ok_or_else(|| {
            StoreError::Limit("the id of a new execution must be a UUIDv7, which carries its start".to_owned())
        })?;
        let input = self.store_json(new.id, "input", &new.input_json).await?;
        let mut execution = rows::draft(new, entry, input);
        let mut writes = vec![
            (Table::ActiveExecutions, Write::UpsertReplace(rows::active(&execution))),
            (Table::UserExecutions, Write::UpsertReplace(rows::mirror(&execution, &row_key))),
            self.journal.audit.row(audit),
        ];
        if let Some(mark) = &new.mark {
            writes.push((Table::WorkflowExecutions, marks::write(new.scope, new.id, mark)));
        }
        writes.extend(new.files.iter().flat_map(|file| files::taken(new.id, file)));
        if new.trigger == Trigger::External {
            let record = recorded::row(new.scope, new.id, self.journal.order.place(self.journal.clock.now()));
            execution.recorded_as = Some(record.row_key.clone());
            writes.push((Table::WorkflowExecutions, Write::Insert(record)));
        }
        let decides = writes.len();
        writes.push((Table::WorkflowExecutions, Write::Insert(rows::row(&execution, &row_key))));
        match self.journal.tables.commit_etags(Commit { writes, guards }).await {
            Ok(etags) => match etags.into_iter().nth(decides).flatten() {
                Some(etag) => execution.etag = etag,
                None => execution = self.get(new.scope, new.id).await?.ok_or(StoreError::NotFound)?,
            },
            Err(StoreError::AlreadyExists) => {
                let stored = self.get(new.scope, new.id).await?.ok_or(StoreError::AlreadyExists)?;
                let ours = stored.workflow_name == new.workflow_name && stored.executed_by == new.executed_by;
                return if ours { Ok(stored) } else { Err(StoreError::AlreadyExists) };
            }
            // The uploads are gone: taken by this very call before its answer was lost, or by somebody else.
            Err(StoreError::NotFound | StoreError::PreconditionFailed) if !new.files.is_empty() => {
                return self.get(new.scope, new.id).await?.ok_or(StoreError::PreconditionFailed);
            }
            // The blob of a large input stays: a repeated call with the same id uses it.
            Err(error) => return Err(error),
        }
        Ok(execution)
    }

    /// Takes a pending execution: `Running`, next epoch, this owner, and the bundle it will run on. `None` when it is not pending any more or was
    /// never recorded; the caller then deletes the message. `guards` prove that what allows it still holds.
    ///
    /// After [`StoreError::Unavailable`] the same call is repeated with `again`, which also answers the execution that is
    /// this owner's already: the claim took effect and only its answer was lost. No other claim of this owner for this
    /// execution may be under way then.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when a guard does not hold, and then nothing was written; [`StoreError::Full`]
    /// or [`StoreError::Unavailable`].
    pub async fn claim(
        &self,
        pointer: ExecutionPointer,
        owner: &str,
        bundle_hash: &str,
        now: DateTime<Utc>,
        guards: Vec<Guard>,
        again: bool,
    ) -> Result<Option<Execution>, StoreError> {
        let mut tried = None;
        loop {
            let Some((row_key, mut execution)) = self.find(pointer.scope, pointer.execution_id).await? else {
                return Ok(None);
            };
            if execution.status != ExecutionStatus::Pending {
                let is_ours =
                    execution.status == ExecutionStatus::Running && execution.lease_owner.as_deref() == Some(owner);
                return Ok((again && is_ours).then_some(execution));
            }
            // Nobody touched it since the attempt that was refused: it was a guard.
            if tried.replace(execution.etag.clone()).as_ref() == Some(&execution.etag) {
                return Err(StoreError::PreconditionFailed);
            }
            execution.status = ExecutionStatus::Running;
            execution.epoch += 1;
            execution.lease_owner = Some(owner.to_owned());
            bundle_hash.clone_into(&mut execution.bundle_hash);
            execution.deadline_at = Some(rows::deadline(now, execution.timeout_seconds));
            let change = Entity::new(execution.scope.key(), row_key.clone())
                .with("Status", execution.status.name())
                .with("Epoch", i64::from(execution.epoch))
                .with("LeaseOwner", owner)
                .with("BundleHash", bundle_hash)
                .with_some("DeadlineAt", execution.deadline_at);
            let writes = vec![
                (Table::WorkflowExecutions, Write::Merge(change, IfMatch::Etag(execution.etag.clone()))),
                (Table::ActiveExecutions, Write::UpsertReplace(rows::active(&execution))),
                (Table::UserExecutions, Write::UpsertReplace(rows::mirror(&execution, &row_key))),
            ];
            match self.journal.tables.commit_etags(Commit { writes, guards: guards.clone() }).await {
                Ok(etags) => return self.with_etag(execution, etags).await.map(Some),
                // Somebody claimed or ended it, or a guard does not hold; the next look says which. Each round some claim or end succeeded,
                // so this ends.
                Err(StoreError::PreconditionFailed | StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Counts a start of a pending execution that an earlier engine left behind and may have died of: before the start, so
    /// that the next engine knows. Answers how many such starts there have been with this one; 0 when it is not pending.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn count_start(&self, pointer: ExecutionPointer) -> Result<u32, StoreError> {
        retry(async || {
            let Some((row_key, execution)) = self.find(pointer.scope, pointer.execution_id).await? else {
                return Ok(0);
            };
            if execution.status != ExecutionStatus::Pending {
                return Ok(0);
            }
            let starts = execution.starts.saturating_add(1);
            let change = Entity::new(execution.scope.key(), row_key).with("Starts", i64::from(starts));
            let counted = Write::Merge(change, IfMatch::Etag(execution.etag));
            match self.journal.tables.write(Table::WorkflowExecutions, counted).await {
                // Removed this moment: the next look finds nothing.
                Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
                outcome => outcome.map(|_| starts),
            }
        })
        .await
    }

    /// Ends an execution, conditional on its version: row and mirror in one commit. A large result
    /// goes to its blob first. [`StoreError::PreconditionFailed`] when somebody else changed it: the caller's run
    /// is stale and its outcome is dropped.
    ///
    /// Safe to repeat: when exactly this ending is on record already, the answer is success.
    ///
    /// # Errors
    /// As said; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn finish(&self, execution: &Execution, ending: &Ending) -> Result<Execution, StoreError> {
        self.end(execution, ending, None).await
    }

    /// Ends a pending execution as cancelled, together with its audit row.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when it was claimed or ended meanwhile; as for [`Self::finish`] otherwise.
    pub async fn cancel_pending(
        &self,
        execution: &Execution,
        ending: &Ending,
        audit: AuditDraft,
    ) -> Result<Execution, StoreError> {
        if execution.status != ExecutionStatus::Pending {
            return Err(StoreError::PreconditionFailed);
        }
        self.end(execution, ending, Some(audit)).await
    }

    /// Ends an execution of which no code ran or will run, together with its audit row.
    ///
    /// # Errors
    /// As for [`Self::finish`].
    pub async fn refuse(
        &self,
        execution: &Execution,
        ending: &Ending,
        audit: AuditDraft,
    ) -> Result<Execution, StoreError> {
        self.end(execution, ending, Some(audit)).await
    }

    async fn end(
        &self,
        execution: &Execution,
        ending: &Ending,
        audit: Option<AuditDraft>,
    ) -> Result<Execution, StoreError> {
        let row_key = self.row_key(execution.scope, execution.id).await?.ok_or(StoreError::NotFound)?;
        let result = match &ending.result_json {
            Some(json) => Some(self.store_json(execution.id, "result", json).await?),
            None => None,
        };
        // The clock may have been set back meanwhile: nothing ends before it begins.
        let completed_at = ending.completed_at.max(execution.started_at);
        let due_at = execution.scheduled_for.unwrap_or(execution.started_at);
        let duration_ms = (completed_at - due_at).num_milliseconds().max(0);
        let mut ended = Execution {
            status: ending.status,
            result,
            error_type: ending.error_type.as_deref().map(rows::shown),
            error_message: ending.error_message.as_deref().map(rows::shown),
            completed_at: Some(completed_at),
            duration_ms: Some(duration_ms),
            logs_through: ending.logs_through.max(execution.logs_through),
            ..execution.clone()
        };
        loop {
            match self.store_ending(&ended, &row_key, audit.clone()).await {
                Ok(etags) => return self.with_etag(ended, etags).await,
                Err(StoreError::PreconditionFailed) => {}
                Err(error) => return Err(error),
            }
            let stored = self.get(execution.scope, execution.id).await?.ok_or(StoreError::PreconditionFailed)?;
            let is_this_ending = stored.epoch == ended.epoch
                && stored.status == ended.status
                && stored.completed_at == ended.completed_at
                && stored.result == ended.result
                && stored.error_message == ended.error_message;
            if is_this_ending {
                return Ok(stored);
            }
            // Still the same owner's run, moved on by a write of progress whose answer was lost: only the owner writes
            // progress. Each round such a write took place, so this ends.
            let is_ours = stored.status == execution.status
                && stored.epoch == execution.epoch
                && stored.lease_owner == execution.lease_owner;
            if is_ours && stored.etag != ended.etag {
                ended.etag = stored.etag;
                ended.progress_percent = stored.progress_percent;
                ended.progress_message = stored.progress_message;
                ended.logs_through = ended.logs_through.max(stored.logs_through);
                continue;
            }
            if stored.result != ended.result {
                self.drop_blob(ended.result.as_ref()).await;
            }
            return Err(StoreError::PreconditionFailed);
        }
    }

    async fn store_ending(
        &self,
        ended: &Execution,
        row_key: &str,
        audit: Option<AuditDraft>,
    ) -> Result<Vec<Option<Etag>>, StoreError> {
        let change = Entity::new(ended.scope.key(), row_key)
            .with("Status", ended.status.name())
            .with_some("ErrorType", ended.error_type.as_deref())
            .with_some("ErrorMessage", ended.error_message.as_deref())
            .with_some("CompletedAt", ended.completed_at)
            .with_some("DurationMs", ended.duration_ms)
            .with("LogsThrough", i64::try_from(ended.logs_through).unwrap_or(i64::MAX));
        let change = rows::with_json(change, "Result", ended.result.as_ref());
        // Before what it is about: where this is no transaction, nothing takes effect unrecorded.
        let mut writes: Vec<TableWrite> = audit.map(|audit| self.journal.audit.row(audit)).into_iter().collect();
        let decides = writes.len();
        writes.push((Table::WorkflowExecutions, Write::Merge(change, IfMatch::Etag(ended.etag.clone()))));
        writes.push((Table::UserExecutions, Write::UpsertReplace(rows::mirror(ended, row_key))));
        writes.extend(packing::to_pack(ended));
        // Its pointer stays until it is counted (`counting.rs`): whoever waits for the end does not wait for that.
        let etags = self.journal.tables.commit_etags(Commit::of(writes)).await?;
        Ok(etags.into_iter().skip(decides).collect())
    }

    /// Writes the latest progress and `logs_through`, conditional on the version; updates `execution` in place. What
    /// is `None` stays as it is.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when somebody else changed it; `execution` is then untouched.
    pub async fn update_progress(
        &self,
        execution: &mut Execution,
        percent: Option<f64>,
        message: Option<&str>,
        logs_through: u64,
    ) -> Result<(), StoreError> {
        let row_key = self.row_key(execution.scope, execution.id).await?.ok_or(StoreError::NotFound)?;
        let percent = percent.filter(|percent| !percent.is_nan()).map(|percent| percent.clamp(0.0, 100.0));
        let message = message.map(rows::shown);
        let logs_through = logs_through.max(execution.logs_through);
        let change = Entity::new(execution.scope.key(), row_key)
            .with_some("ProgressPercent", percent)
            .with_some("ProgressMessage", message.as_deref())
            .with("LogsThrough", i64::try_from(logs_through).unwrap_or(i64::MAX));
        let write = Write::Merge(change, IfMatch::Etag(execution.etag.clone()));
        let etag = self.journal.tables.write(Table::WorkflowExecutions, write).await?;
        execution.etag = etag.ok_or_else(|| StoreError::Corrupt("a merge answered no ETag".to_owned()))?;
        execution.progress_percent = percent.or(execution.progress_percent);
        execution.progress_message = message.or(execution.progress_message.take());
        execution.logs_through = logs_through;
        Ok(())
    }

    /// Everything that has not ended, or has and is not counted yet: which, its row decides. A pointer that is not readable
    /// is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn active(&self) -> Result<Vec<ActiveExecution>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, pointers()).await?;
        Ok(readable(Table::ActiveExecutions, &rows, read_active))
    }

    /// What has not ended, of one scope or of all. One that is not readable is left out: no engine begins it or ends it.
    ///
    /// # Errors
    /// As for [`Self::active`].
    pub async fn unended(&self, scope: Option<Scope>) -> Result<Vec<ActiveExecution>, StoreError> {
        let mut unended = self.active().await?;
        unended.retain(|active| scope.is_none_or(|scope| active.pointer.scope == scope));
        let mut kept = Vec::new();
        for active in unended {
            match self.get(active.pointer.scope, active.pointer.execution_id).await {
                Ok(Some(execution)) if !execution.status.is_final() => kept.push(active),
                Ok(_) | Err(StoreError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    async fn with_etag(&self, mut execution: Execution, etags: Vec<Option<Etag>>) -> Result<Execution, StoreError> {
        match etags.into_iter().next().flatten() {
            Some(etag) => {
                execution.etag = etag;
                Ok(execution)
            }
            None => self.get(execution.scope, execution.id).await?.ok_or(StoreError::NotFound),
        }
    }

    /// Drops a blob no row refers to. A failure leaves an orphan behind, which harms nobody.
    async fn drop_blob(&self, json: Option<&StoredJson>) {
        if let Some(StoredJson::Blob { path, .. }) = json {
            let _ = self.blobs.delete(path).await;
        }
    }
}

/// Counters stand behind the pointers.
fn pointers() -> Query {
    Query { row_before: Some(counters::PREFIX.to_owned()), ..Query::partition(ACTIVE_PARTITION) }
}

fn read_active(row: &Entity) -> Result<ActiveExecution, StoreError> {
    let id = row
        .guid_opt("ExecutionId")?
        .ok_or_else(|| StoreError::Corrupt(format!("the active pointer {} names no execution", row.row_key)))?;
    Ok(ActiveExecution {
        pointer: ExecutionPointer { scope: rows::scope_of(row)?, execution_id: ExecutionId::from(id) },
        owner: row.text_opt("LeaseOwner")?.map(str::to_owned),
    })
}
