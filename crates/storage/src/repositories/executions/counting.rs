//! Counting what ended. Its pointer stays when an execution ends; counting it adds to its counters, adds a failure to what
//! is to be told, and deletes the pointer, in one batch. So a pointer of an ended execution says that it is not counted yet,
//! and nothing else has to be written while somebody waits for a result.

use super::Executions;
use super::counters::{Counter, Ended, PREFIX, row_key};
use super::lifecycle::ACTIVE_PARTITION;
use crate::repositories::notifications::{MAX_RULES, Wanted};
use crate::repositories::{etag_of, retry, write_over};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, TableWrite, Write, limits};
use chrono::NaiveDate;
use msp_domain::Scope;
use std::collections::{BTreeMap, HashSet};

/// Rows an execution may add to a batch, besides those that tell of it: its pointer and two counters.
const MOST_WRITES: usize = 3;
/// Attempts to count some while others count too.
const MAX_ATTEMPTS: usize = 50;

impl Executions {
    /// Counts executions that have ended, each exactly once, however often this is called for it and whatever became of
    /// the answer: what has no pointer any more has been counted. Those of a counter that is not readable keep their pointer
    /// until it is (`msp repair` counts it anew) and keep no others.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn count(&self, ended: &[Ended]) -> Result<(), StoreError> {
        let mut waiting: Vec<&Ended> = ended.iter().collect();
        // Those that share their counters, in one batch.
        waiting.sort_by_cached_key(|ended| (ended.rows(), ended.pointer.execution_id));
        waiting.dedup_by_key(|ended| ended.pointer.execution_id);
        let wanted = self.notices.wanted(ended).await?;
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(fitting(rest, &wanted));
            self.count_batch(batch.to_vec(), &wanted).await?;
            rest = others;
        }
        Ok(())
    }

    async fn count_batch(&self, mut batch: Vec<&Ended>, wanted: &Wanted) -> Result<(), StoreError> {
        for _ in 1..MAX_ATTEMPTS {
            if batch.is_empty() {
                return Ok(());
            }
            match self.try_to_count(&batch, wanted).await {
                // One of the counters is damaged; the log says which.
                Err(StoreError::Corrupt(_)) => batch = self.with_readable_counters(batch).await?,
                // Some were counted already, or their executions were removed.
                Err(StoreError::NotFound) => batch = self.with_pointer(batch).await?,
                // Somebody else counts.
                Err(StoreError::PreconditionFailed | StoreError::AlreadyExists) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::PreconditionFailed)
    }

    async fn try_to_count(&self, batch: &[&Ended], wanted: &Wanted) -> Result<(), StoreError> {
        let mut counters: BTreeMap<String, Option<(Option<Etag>, Counter)>> =
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
        let telling = self.notices.adding(wanted, batch).await?;
        let tells = !telling.is_empty();
        let counting = counted.chain(pointers).map(|write| (Table::ActiveExecutions, write));
        let writes: Vec<TableWrite> = counting.chain(telling).collect();
        self.journal.tables.commit(Commit::of(writes)).await?;
        if tells {
            self.notices.added();
        }
        Ok(())
    }

    async fn with_readable_counters<'a>(&self, batch: Vec<&'a Ended>) -> Result<Vec<&'a Ended>, StoreError> {
        let mut damaged = HashSet::new();
        for row_key in batch.iter().flat_map(|ended| ended.rows()).collect::<HashSet<_>>() {
            let stored = self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, &row_key).await;
            match stored.and_then(|row| row.as_ref().map(Counter::read).transpose()) {
                Ok(_) => {}
                Err(StoreError::Corrupt(error)) => {
                    tracing::error!(
                        row_key,
                        error,
                        "A counter is not readable: what it should count waits for `msp repair`"
                    );
                    damaged.insert(row_key);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(batch.into_iter().filter(|ended| !ended.rows().iter().any(|row_key| damaged.contains(row_key))).collect())
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
            let [own, over_all] = [self.stored(&rows[0]).await?, self.stored(&rows[1]).await?];
            let mut writes = vec![own.write(right.entity(&rows[0]))];
            // What a counter said that is not readable was in the one over all as well; and of one over all that is not
            // readable the sum is taken later.
            if let (Some(before), Some(mut whole)) = (own.counter(right), over_all.counter(right)) {
                right.replace_in(&before, &mut whole);
                writes.push(over_all.write(whole.entity(&rows[1])));
            }
            self.journal.tables.commit(Commit::of(writes)).await
        })
        .await
    }

    /// Puts a counter over all right that is not readable: it is the sum of those of every scope.
    pub(in crate::repositories) async fn sum_up(&self, over_all: &str, day: NaiveDate) -> Result<(), StoreError> {
        let query = Query::partition(ACTIVE_PARTITION).rows_with_prefix(PREFIX);
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, query).await?;
        let mut sum: Option<Counter> = None;
        for counter in rows.iter().filter_map(|row| Counter::read(row).ok()).filter(|counter| counter.day == day) {
            if row_key(None, day, &counter.workflow_name) == over_all {
                let sum = sum.get_or_insert_with(|| counter.emptied());
                counter.replace_in(&counter.emptied(), sum);
            }
        }
        let damaged = self.stored(over_all).await?;
        let write = match sum {
            Some(sum) => damaged.write(sum.entity(over_all)),
            None => (Table::ActiveExecutions, Write::delete(ACTIVE_PARTITION, over_all, IfMatch::Any)),
        };
        self.journal.tables.commit(Commit::of(vec![write])).await
    }

    async fn stored(&self, row_key: &str) -> Result<Stored, StoreError> {
        let row = self.journal.tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, row_key).await;
        match row.and_then(|row| row.map(|row| Ok((etag_of(&row)?, Counter::read(&row)?))).transpose()) {
            Ok(None) => Ok(Stored::Missing),
            Ok(Some((etag, counter))) => Ok(Stored::There(etag, Box::new(counter))),
            Err(StoreError::Corrupt(_)) => Ok(Stored::Damaged),
            Err(error) => Err(error),
        }
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

/// A counter as it is found by whoever puts it right.
enum Stored {
    Missing,
    There(Etag, Box<Counter>),
    Damaged,
}

impl Stored {
    fn counter(&self, like: &Counter) -> Option<Counter> {
        match self {
            Self::Missing => Some(like.emptied()),
            Self::There(_, counter) => Some((**counter).clone()),
            Self::Damaged => None,
        }
    }

    fn write(&self, entity: Entity) -> TableWrite {
        let write = match self {
            Self::Missing => Write::Insert(entity),
            Self::There(etag, _) => Write::Replace(entity, IfMatch::Etag(etag.clone())),
            Self::Damaged => Write::UpsertReplace(entity),
        };
        (Table::ActiveExecutions, write)
    }
}

/// How many of the first fit into one batch: one always does, because there are at most so many rules.
fn fitting(waiting: &[&Ended], wanted: &Wanted) -> usize {
    const { assert!(MOST_WRITES + 2 * MAX_RULES <= limits::MAX_BATCH_WRITES) };
    let mut shared = HashSet::new();
    let mut writes = 0;
    for (number, ended) in waiting.iter().enumerate() {
        let telling = wanted.rows(ended);
        if writes + MOST_WRITES + telling.len() > limits::MAX_BATCH_WRITES {
            return number;
        }
        writes += 1 + ended.rows().into_iter().chain(telling).filter(|row_key| shared.insert(row_key.clone())).count();
    }
    waiting.len()
}
