//! Removing executions that have ended, each with everything that belongs to it.
//!
//! One commit takes the row, the user's mirror and what points to it, and leaves a row of `ActiveExecutions`, PK
//! `REMOVING`: from then on the execution is in no list and is found by nobody, so nothing is ever seen by halves. Then go
//! the rows of the partitions that are its own and its blobs, in batches, and that row last. Interrupted anywhere,
//! [`Executions::removals`] still names it, and removing it again goes on from there. Where the commit is no transaction,
//! the row that says what is left to do is written first and the execution's own goes last.

use super::lifecycle::ACTIVE_PARTITION;
use super::lookup::RESERVED_ROWS;
use super::packing::{PACKING_PARTITION, execution_of};
use super::{Ended, Execution, Executions, rows};
use crate::repositories::{clear_partition, forget_row, paging::just_after, readable};
use crate::{Commit, Entity, ExecutionPointer, IfMatch, Query, StoreError, Table, TableWrite, Write};
use futures::future::join_all;
use msp_domain::{ExecutionId, Scope, UserId};

/// Races lost one after the other: a task that packs or counts may be at the same execution.
const MOST_REFUSALS: usize = 5;
/// Where the removals that have begun are listed.
pub(in crate::repositories) const REMOVING_PARTITION: &str = "REMOVING";
/// The tables in which a partition is an execution.
const OF_ONE_EXECUTION: [Table; 2] = [Table::ExecutionLogs, Table::ExecutionSteps];
/// Executions removed at the same time: one wait for the disk serves all of them.
const AT_ONCE: usize = 16;

impl Executions {
    /// Removes an execution that has ended: its row, the mirror of its user, pointers, log, steps, files, and every blob under
    /// its id (input, result, packed log). Its audit rows stay, and so does an idempotency key that leads to it until it
    /// expires: a key whose execution is gone counts as unused. Removing what is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when it has not ended, and then nothing was removed; [`StoreError::Corrupt`] when
    /// its row does not say whether it has; otherwise [`StoreError::Full`] or [`StoreError::Unavailable`], and calling again
    /// goes on where it stopped.
    pub async fn remove(&self, scope: Scope, id: ExecutionId) -> Result<(), StoreError> {
        if self.begin_removal(scope, id).await? {
            self.finish_removal(id).await?;
        }
        Ok(())
    }

    /// The first half of [`Self::remove`]: nobody finds the execution any more. Answers whether the second half is needed.
    ///
    /// # Errors
    /// As for [`Self::remove`].
    pub async fn begin_removal(&self, scope: Scope, id: ExecutionId) -> Result<bool, StoreError> {
        let mut refusals = 0;
        while let Some((row_key, execution)) = self.find(scope, id).await? {
            // Nobody changes what has ended, so refusals that go on have a reason that stays.
            if !execution.status.is_final() || refusals == MOST_REFUSALS {
                return Err(StoreError::PreconditionFailed);
            }
            self.count_first(&execution).await?;
            let writes = self.removal(&execution, row_key).await?;
            match self.journal.tables.commit(Commit::of(writes)).await {
                Ok(()) => return Ok(true),
                // Removed by somebody else this moment, or one of its pointers was.
                Err(StoreError::NotFound | StoreError::PreconditionFailed) => refusals += 1,
                Err(error) => return Err(error),
            }
        }
        let begun = self.journal.tables.get(Table::ActiveExecutions, REMOVING_PARTITION, &id.key()).await?;
        Ok(begun.is_some())
    }

    /// What is removed has been counted.
    async fn count_first(&self, execution: &Execution) -> Result<(), StoreError> {
        let id = execution.id.key();
        let pointer = self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, &id).await?;
        match Ended::of(execution) {
            Some(ended) if pointer.is_some() => self.count(&[ended]).await,
            _ => Ok(()),
        }
    }

    /// What the first half writes: only what is there can be deleted.
    async fn removal(&self, execution: &Execution, row_key: String) -> Result<Vec<TableWrite>, StoreError> {
        let id = execution.id.key();
        let begun = Entity::new(REMOVING_PARTITION, id.as_str())
            .with_some("OrgId", execution.scope.org().map(|org| org.as_uuid()));
        let mut writes = vec![(Table::ActiveExecutions, Write::UpsertReplace(begun))];
        let mut lead_here = vec![
            (Table::UserExecutions, execution.executed_by.key(), row_key.as_str()),
            (Table::ActiveExecutions, ACTIVE_PARTITION.to_owned(), id.as_str()),
            (Table::ActiveExecutions, PACKING_PARTITION.to_owned(), id.as_str()),
        ];
        let record = execution.recorded_as.as_deref();
        lead_here.extend(record.map(|record| (Table::WorkflowExecutions, execution.scope.key(), record)));
        for (table, partition_key, row_key) in lead_here {
            if self.journal.tables.get(table, &partition_key, row_key).await?.is_some() {
                writes.push((table, Write::delete(partition_key, row_key, IfMatch::Any)));
            }
        }
        let if_match = IfMatch::Etag(execution.etag.clone());
        writes.push((Table::WorkflowExecutions, Write::delete(execution.scope.key(), row_key, if_match)));
        Ok(writes)
    }

    /// The second half of [`Self::remove`].
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn finish_removal(&self, id: ExecutionId) -> Result<(), StoreError> {
        for table in OF_ONE_EXECUTION {
            clear_partition(self.journal.tables.as_ref(), table, id.key()).await?;
        }
        self.files.remove_all(id).await?;
        for path in self.blobs.list(&format!("executions/{id}/")).await? {
            self.blobs.delete(&path).await?;
        }
        forget_row(self.journal.tables.as_ref(), Table::ActiveExecutions, REMOVING_PARTITION, &id.key()).await
    }

    /// The removals that have begun and are not finished: [`Self::remove`] finishes each. An entry that is not readable keeps
    /// no other.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn removals(&self) -> Result<Vec<ExecutionPointer>, StoreError> {
        let begun = Query::partition(REMOVING_PARTITION);
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, begun).await?;
        Ok(readable(Table::ActiveExecutions, &rows, read_removal))
    }

    /// Removes every execution of a scope, and its idempotency keys: for an organization that goes. One that is not readable
    /// goes with the rest. Some at a time, so it takes as little memory for a million as for ten; interrupted anywhere, it is
    /// simply called again.
    ///
    /// # Errors
    /// As for [`Self::remove`]; an execution that has not ended stops it.
    pub async fn remove_all(&self, scope: Scope) -> Result<(), StoreError> {
        let executions = Query { row_before: Some(RESERVED_ROWS.to_owned()), ..Query::partition(scope.key()) };
        let mut query = executions.limit(AT_ONCE);
        loop {
            let page = self.journal.tables.query(Table::WorkflowExecutions, query.clone()).await?;
            let removals = page.entities.iter().map(async |row| {
                let readable = async { self.remove(scope, rows::read(scope, row)?.id).await };
                match readable.await {
                    // Itself, or what points to it.
                    Err(StoreError::Corrupt(_)) => self.remove_unreadable(scope, row).await,
                    removed => removed,
                }
            });
            for removed in join_all(removals).await {
                removed?;
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => break,
            }
        }
        for begun in self.removals().await?.into_iter().filter(|begun| begun.scope == scope) {
            self.remove(scope, begun.execution_id).await?;
        }
        self.drop_marks(scope, None).await
    }
}

impl Executions {
    /// Removes an execution that is not readable: whatever its row says, its key says which it is. Whose list it is in the
    /// row may still say; if not, all of them are looked through, which takes its time and happens to nobody twice.
    async fn remove_unreadable(&self, scope: Scope, row: &Entity) -> Result<(), StoreError> {
        let tables = self.journal.tables.as_ref();
        for mirror in self.mirrors_of(row).await? {
            forget_row(tables, Table::UserExecutions, &mirror.partition_key, &mirror.row_key).await?;
        }
        let id = row.row_key.rsplit('_').next().and_then(|id| id.parse::<ExecutionId>().ok());
        if let Some(id) = id {
            // First, so that whoever is interrupted behind it finds what is left to do.
            let begun =
                Entity::new(REMOVING_PARTITION, id.key()).with_some("OrgId", scope.org().map(|org| org.as_uuid()));
            tables.write(Table::ActiveExecutions, Write::UpsertReplace(begun)).await?;
            for pointers in [ACTIVE_PARTITION, PACKING_PARTITION] {
                forget_row(tables, Table::ActiveExecutions, pointers, &id.key()).await?;
            }
        }
        forget_row(tables, Table::WorkflowExecutions, &row.partition_key, &row.row_key).await?;
        match id {
            Some(id) => self.finish_removal(id).await,
            None => Ok(()),
        }
    }

    async fn mirrors_of(&self, row: &Entity) -> Result<Vec<Entity>, StoreError> {
        let key = row.row_key.clone();
        let after = just_after(&key);
        let all = Query { row_from: Some(key), row_before: Some(after), ..Query::default() };
        let query = match row.text_opt("ExecutedBy") {
            Ok(Some(user)) if user.parse::<UserId>().is_ok() => Query { partition_key: Some(user.to_owned()), ..all },
            _ => all,
        };
        self.journal.tables.query_all(Table::UserExecutions, query).await
    }
}

/// What is left to remove.
pub(in crate::repositories) fn read_removal(row: &Entity) -> Result<ExecutionPointer, StoreError> {
    Ok(ExecutionPointer { scope: rows::scope_of(row)?, execution_id: execution_of(&row.row_key)? })
}
