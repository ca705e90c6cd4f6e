//! Counting what ended. Its pointer stays when an execution ends; counting it adds to its counters and deletes the pointer,
//! in one batch. So a pointer of an ended execution says that it is not counted yet, and nothing else has to be written
//! while somebody waits for a result.

use super::Executions;
use super::counters::{Counter, Ended, row_key};
use super::lifecycle::ACTIVE_PARTITION;
use crate::repositories::{etag_of, retry, write_over};
use crate::{Commit, IfMatch, StoreError, Table, TableWrite, Write, limits};
use msp_domain::Scope;
use std::collections::{BTreeMap, HashSet};

/// Rows an execution may add to a batch: its pointer and two counters.
const MOST_WRITES: usize = 3;
/// Attempts to count some while others count too.
const MAX_ATTEMPTS: usize = 50;

impl Executions {
    /// Counts executions that have ended, each exactly once, however often this is called for it and whatever became of
    /// the answer: what has no pointer any more has been counted.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn count(&self, ended: &[Ended]) -> Result<(), StoreError> {
        let mut waiting: Vec<&Ended> = ended.iter().collect();
        // Those that share their counters, in one batch.
        waiting.sort_by_cached_key(|ended| (ended.rows(), ended.pointer.execution_id));
        waiting.dedup_by_key(|ended| ended.pointer.execution_id);
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(fitting(rest));
            self.count_batch(batch.to_vec()).await?;
            rest = others;
        }
        Ok(())
    }

    async fn count_batch(&self, mut batch: Vec<&Ended>) -> Result<(), StoreError> {
        for _ in 1..MAX_ATTEMPTS {
            if batch.is_empty() {
                return Ok(());
            }
            match self.try_to_count(&batch).await {
                // Some were counted already, or their executions were removed.
                Err(StoreError::NotFound) => batch = self.with_pointer(batch).await?,
                // Somebody else counts.
                Err(StoreError::PreconditionFailed | StoreError::AlreadyExists) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::PreconditionFailed)
    }

    async fn try_to_count(&self, batch: &[&Ended]) -> Result<(), StoreError> {
        let mut counters: BTreeMap<String, Option<(Option<crate::Etag>, Counter)>> =
            batch.iter().flat_map(|ended| ended.rows()).map(|row_key| (row_key, None)).collect();
        for (row_key, counter) in &mut counters {
            let stored = self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, row_key).await?;
            *counter =
                stored.map(|row| Ok::<_, StoreError>((Some(etag_of(&row)?), Counter::read(&row)?))).transpose()?;
        }
        for ended in batch {
            for row_key in ended.rows() {
                let counter = counters.entry(row_key).or_default();
                counter.get_or_insert_with(|| (None, Counter::of(ended))).1.count(ended);
            }
        }
        let counted = counters.into_iter().filter_map(|(row_key, counter)| {
            let (etag, counter) = counter?;
            Some(write_over(etag, counter.entity(&row_key)))
        });
        let ids = batch.iter().map(|ended| ended.pointer.execution_id.key());
        let pointers = ids.map(|id| Write::delete(ACTIVE_PARTITION, id, IfMatch::Any));
        let writes: Vec<TableWrite> = counted.chain(pointers).map(|write| (Table::ActiveExecutions, write)).collect();
        self.journal.tables.commit(Commit::of(writes)).await
    }

    async fn with_pointer<'a>(&self, batch: Vec<&'a Ended>) -> Result<Vec<&'a Ended>, StoreError> {
        let mut kept = Vec::new();
        for ended in batch {
            let id = ended.pointer.execution_id.key();
            if self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, &id).await?.is_some() {
                kept.push(ended);
            }
        }
        Ok(kept)
    }

    /// Puts a counter right, and with it the one over all.
    pub(in crate::repositories) async fn recount(&self, scope: Scope, right: &Counter) -> Result<(), StoreError> {
        let rows = [Some(scope), None].map(|scope| row_key(scope, right.day, &right.workflow_name));
        retry(async || {
            let mut stored = Vec::new();
            for row_key in &rows {
                let row = self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, row_key).await?;
                let counter = row.as_ref().map(Counter::read).transpose()?.unwrap_or_else(|| right.emptied());
                stored.push((row.as_ref().map(etag_of).transpose()?, counter));
            }
            let (everywhere, own) = (stored.pop(), stored.pop());
            let (Some((own_etag, before)), Some((etag, mut whole))) = (own, everywhere) else { return Ok(()) };
            right.replace_in(&before, &mut whole);
            let writes = vec![
                (Table::ActiveExecutions, write_over(own_etag, right.entity(&rows[0]))),
                (Table::ActiveExecutions, write_over(etag, whole.entity(&rows[1]))),
            ];
            self.journal.tables.commit(Commit::of(writes)).await
        })
        .await
    }

    /// What has ended and is not counted yet: after a crash, or when too much ended at once to be kept in mind.
    ///
    /// # Errors
    /// As for [`Self::active`]. A row that is not readable is left out.
    pub async fn uncounted(&self) -> Result<Vec<Ended>, StoreError> {
        let mut uncounted = Vec::new();
        for active in self.active().await? {
            match self.get(active.pointer.scope, active.pointer.execution_id).await {
                Ok(execution) => uncounted.extend(execution.as_ref().and_then(Ended::of)),
                Err(StoreError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(uncounted)
    }
}

/// How many of the first fit into one batch.
fn fitting(waiting: &[&Ended]) -> usize {
    let mut counters = HashSet::new();
    let mut writes = 0;
    for (number, ended) in waiting.iter().enumerate() {
        if writes + MOST_WRITES > limits::MAX_BATCH_WRITES {
            return number;
        }
        writes += 1 + ended.rows().into_iter().filter(|row_key| counters.insert(row_key.clone())).count();
    }
    waiting.len()
}
