//! Counters: executions decide, as long as they are there. What retention has removed stays counted as it was.

use super::{Finding, Pass};
use crate::repositories::executions::counters::{day_over_all, row_key};
use crate::repositories::executions::{ActiveExecution, Counter, Ended, lookup::RESERVED_ROWS, rows};
use crate::{Entity, StoreError, Table};
use chrono::NaiveDate;
use msp_domain::{ExecutionId, Scope};
use std::collections::{BTreeMap, HashSet};

/// What is counted anew, one scope after the other: as many counters as it has days and workflows.
#[derive(Default)]
pub(super) struct Recount {
    /// What has a pointer has not ended or is not counted yet.
    uncounted: HashSet<ExecutionId>,
    scope: Option<Scope>,
    counters: BTreeMap<(NaiveDate, String), Counter>,
    /// The rows that are counted anew.
    renewed: HashSet<String>,
}

impl Recount {
    pub(super) fn of(active: Vec<ActiveExecution>) -> Self {
        let uncounted = active.into_iter().map(|active| active.pointer.execution_id).collect();
        Self { uncounted, ..Self::default() }
    }
}

impl Pass<'_> {
    /// Counts an execution; at the first of another scope, compares what was counted until then.
    pub(super) async fn recount(&mut self, recount: &mut Recount, row: &Entity) -> Result<(), StoreError> {
        let Ok(scope) = Scope::from_key(&row.partition_key) else { return Ok(()) };
        if recount.scope != Some(scope) {
            self.compare(recount).await?;
            recount.scope = Some(scope);
        }
        if row.row_key.starts_with(RESERVED_ROWS) {
            return Ok(());
        }
        // One that is not readable has been said to be, and was counted when it was.
        let Some(ended) = rows::read(scope, row).ok().as_ref().and_then(Ended::of) else { return Ok(()) };
        if !recount.uncounted.contains(&ended.pointer.execution_id) {
            let counter = Counter::of(&ended);
            let key = (counter.day, counter.workflow_name.clone());
            recount.counters.entry(key).or_insert(counter).count(&ended);
        }
        Ok(())
    }

    /// Compares the counters of a scope with its executions, for the days of which all are there.
    pub(super) async fn compare(&mut self, recount: &mut Recount) -> Result<(), StoreError> {
        let Some(scope) = recount.scope.take() else { return Ok(()) };
        let mut counted = std::mem::take(&mut recount.counters);
        let executions = &self.repositories.executions;
        let swept = self.repositories.retention.swept_through(scope).await?;
        let first_day =
            swept.map_or(NaiveDate::MIN, |instant| instant.date_naive().succ_opt().unwrap_or(NaiveDate::MAX));
        for stored in executions.all_counted(scope).await? {
            let key = (stored.day, stored.workflow_name.clone());
            let right = counted.remove(&key).unwrap_or_else(|| stored.emptied());
            if right != stored {
                counted.insert(key, right);
            }
        }
        for (_, right) in counted.into_iter().filter(|((day, _), _)| *day >= first_day) {
            self.tally.repairable += 1;
            (self.see)(&Finding::CountedWrongly { scope: scope.key(), day: right.day });
            recount.renewed.insert(row_key(Some(scope), right.day, &right.workflow_name));
            if self.mend {
                executions.recount(scope, &right).await?;
            }
        }
        Ok(())
    }

    /// A counter that is not readable, and could not be counted anew from its executions. One over all is the sum of the
    /// others; what organizations that are gone had in it is lost.
    pub(super) async fn counter(&mut self, recount: &Recount, row: &Entity) -> Result<(), StoreError> {
        let Err(error) = Counter::read(row) else { return Ok(()) };
        if recount.renewed.contains(&row.row_key) {
            return Ok(());
        }
        let Some(day) = day_over_all(&row.row_key) else {
            self.unreadable(Table::ActiveExecutions, row, error);
            return Ok(());
        };
        self.tally.repairable += 1;
        (self.see)(&Finding::CountedWrongly { scope: "every organization".to_owned(), day });
        if self.mend {
            self.repositories.executions.sum_up(&row.row_key, day).await?;
        }
        Ok(())
    }
}
