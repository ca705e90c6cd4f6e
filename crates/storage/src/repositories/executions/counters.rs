//! What ended, counted by day: rows `~day_{scope}_{day}_{workflow}` beside the pointers, one for the scope itself and one
//! for all of them together (scope `ALL`).
//!
//! They stand in the pointers' own partition for one reason: what counts an execution and what says that it was counted,
//! the deletion of its pointer, are then one batch in every home, Azure's included, and it is counted exactly once.
//! A day is the day in UTC on which executions ended, whenever they began.

use super::lifecycle::ACTIVE_PARTITION;
use super::{Execution, Executions};
use crate::repositories::notifications::kept_error_type;
use crate::repositories::{clear_rows, readable};
use crate::{Entity, ExecutionPointer, Query, StoreError, Table};
use chrono::{DateTime, NaiveDate, Timelike as _, Utc};
use msp_domain::{ExecutionStatus, Scope};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What the keys of counters begin with: they sort behind every pointer.
pub(in crate::repositories) const PREFIX: &str = "~day_";
/// The scope in the keys of what is counted over all.
const EVERYWHERE: &str = "ALL";
/// Longest part of a key that is a workflow's name, in bytes; a longer one is its hash.
const MAX_NAME: usize = 300;
const HOURS: usize = 24;

/// An execution that has ended, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub pointer: ExecutionPointer,
    pub(in crate::repositories) workflow_name: String,
    pub(in crate::repositories) status: ExecutionStatus,
    pub(in crate::repositories) completed_at: DateTime<Utc>,
    /// What went wrong, if something did: failures are told by it.
    pub(in crate::repositories) error_type: Option<String>,
    duration_ms: i64,
    minutes_saved: u32,
}

impl Ended {
    /// `None` if it has not ended.
    pub fn of(execution: &Execution) -> Option<Self> {
        let completed_at = execution.completed_at.filter(|_| execution.status.is_final())?;
        Some(Self {
            pointer: ExecutionPointer { scope: execution.scope, execution_id: execution.id },
            workflow_name: execution.workflow_name.clone(),
            status: execution.status,
            completed_at,
            error_type: execution.error_type.as_deref().map(kept_error_type),
            duration_ms: execution.duration_ms.unwrap_or(0),
            minutes_saved: execution.minutes_saved.unwrap_or(0),
        })
    }

    /// The rows it is counted in.
    pub(super) fn rows(&self) -> [String; 2] {
        let day = self.completed_at.date_naive();
        [Some(self.pointer.scope), None].map(|scope| row_key(scope, day, &self.workflow_name))
    }
}

/// How many, how long, and what they saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Ended as `Success`.
    pub succeeded: u64,
    /// Ended as `Failed`, `TimedOut` or `Interrupted`.
    pub failed: u64,
    /// Ended as `Cancelled`.
    pub cancelled: u64,
    /// From acceptance to the end, all of them together.
    pub duration_ms: u64,
    /// What the successes saved, in minutes.
    pub minutes_saved: u64,
}

impl Figures {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.duration_ms += other.duration_ms;
        self.minutes_saved += other.minutes_saved;
    }

    /// How many in all.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }
}

/// What was counted of one workflow on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The workflow.
    pub workflow_name: String,
    /// The figures of the day.
    pub figures: Figures,
    /// How many of the failures fell into each hour, in UTC.
    pub failed_by_hour: [u64; HOURS],
}

impl Counter {
    fn new(day: NaiveDate, workflow_name: &str) -> Self {
        let workflow_name = workflow_name.to_owned();
        Self { day, workflow_name, figures: Figures::default(), failed_by_hour: [0; HOURS] }
    }

    /// Nothing yet, where this will be counted.
    pub(in crate::repositories) fn of(ended: &Ended) -> Self {
        Self::new(ended.completed_at.date_naive(), &ended.workflow_name)
    }

    /// The same without anything counted.
    pub(in crate::repositories) fn emptied(&self) -> Self {
        Self::new(self.day, &self.workflow_name)
    }

    /// Puts this in the place of what was counted before, in a counter over all that has it as a part.
    pub(super) fn replace_in(&self, before: &Self, whole: &mut Self) {
        let put = |whole: &mut u64, before: u64, now: u64| *whole = (*whole + now).saturating_sub(before);
        put(&mut whole.figures.succeeded, before.figures.succeeded, self.figures.succeeded);
        put(&mut whole.figures.failed, before.figures.failed, self.figures.failed);
        put(&mut whole.figures.cancelled, before.figures.cancelled, self.figures.cancelled);
        put(&mut whole.figures.duration_ms, before.figures.duration_ms, self.figures.duration_ms);
        put(&mut whole.figures.minutes_saved, before.figures.minutes_saved, self.figures.minutes_saved);
        for (hour, failed) in whole.failed_by_hour.iter_mut().enumerate() {
            put(failed, before.failed_by_hour[hour], self.failed_by_hour[hour]);
        }
    }

    pub(in crate::repositories) fn count(&mut self, ended: &Ended) {
        let figures = &mut self.figures;
        match ended.status {
            ExecutionStatus::Success => {
                figures.succeeded += 1;
                figures.minutes_saved += u64::from(ended.minutes_saved);
            }
            ExecutionStatus::Cancelled => figures.cancelled += 1,
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Interrupted => {
                figures.failed += 1;
                self.failed_by_hour[ended.completed_at.hour() as usize] += 1;
            }
            ExecutionStatus::Pending | ExecutionStatus::Running => return,
        }
        figures.duration_ms += u64::try_from(ended.duration_ms).unwrap_or(0);
    }

    pub(super) fn entity(&self, row_key: &str) -> Entity {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let row = Entity::new(ACTIVE_PARTITION, row_key)
            .with("Day", self.day.to_string())
            .with("WorkflowName", self.workflow_name.as_str())
            .with("Succeeded", count(self.figures.succeeded))
            .with("Failed", count(self.figures.failed))
            .with("Cancelled", count(self.figures.cancelled))
            .with("DurationMs", count(self.figures.duration_ms))
            .with("MinutesSaved", count(self.figures.minutes_saved));
        let hours = self.failed_by_hour.iter().enumerate().filter(|(_, failed)| **failed > 0);
        hours.fold(row, |row, (hour, failed)| row.with(&hour_name(hour), count(*failed)))
    }

    pub(in crate::repositories) fn read(row: &Entity) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("the counter {} is not readable", row.row_key));
        let count = |name: &str| Ok(u64::try_from(row.int_opt(name)?.unwrap_or(0)).unwrap_or(0));
        let mut failed_by_hour = [0; HOURS];
        for (hour, failed) in failed_by_hour.iter_mut().enumerate() {
            *failed = count(&hour_name(hour))?;
        }
        Ok(Self {
            day: row.text("Day")?.parse().map_err(|_| corrupt())?,
            workflow_name: row.text("WorkflowName")?.to_owned(),
            figures: Figures {
                succeeded: count("Succeeded")?,
                failed: count("Failed")?,
                cancelled: count("Cancelled")?,
                duration_ms: count("DurationMs")?,
                minutes_saved: count("MinutesSaved")?,
            },
            failed_by_hour,
        })
    }
}

fn hour_name(hour: usize) -> String {
    format!("FailedAt{hour:02}")
}

/// The day of a row that counts over all.
pub(in crate::repositories) fn day_over_all(row_key: &str) -> Option<NaiveDate> {
    let day = row_key.strip_prefix(&scope_key(None))?.get(..8)?;
    NaiveDate::parse_from_str(day, "%Y%m%d").ok()
}

/// The row of a workflow on a day, in a scope or over all.
pub(in crate::repositories) fn row_key(scope: Option<Scope>, day: NaiveDate, workflow_name: &str) -> String {
    format!("{}_{}", day_key(scope, day), name_key(workflow_name))
}

/// What the rows of a day begin with.
fn day_key(scope: Option<Scope>, day: NaiveDate) -> String {
    format!("{}{}", scope_key(scope), day.format("%Y%m%d"))
}

fn scope_key(scope: Option<Scope>) -> String {
    format!("{PREFIX}{}_", scope.map_or_else(|| EVERYWHERE.to_owned(), |scope| scope.key()))
}

/// A name may have letters of every script, a key may not: those become `~` and their bytes.
fn name_key(name: &str) -> String {
    let mut key = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            key.push(char::from(byte));
        } else {
            write!(key, "~{byte:02x}").expect("a text takes everything");
        }
    }
    if key.len() <= MAX_NAME {
        return key;
    }
    Sha256::digest(name.as_bytes()).iter().fold("~~".to_owned(), |mut key, byte| {
        write!(key, "{byte:02x}").expect("a text takes everything");
        key
    })
}

impl Executions {
    /// Everything that was ever counted in a scope.
    pub(in crate::repositories) async fn all_counted(&self, scope: Scope) -> Result<Vec<Counter>, StoreError> {
        let query = Query::partition(ACTIVE_PARTITION).rows_with_prefix(&scope_key(Some(scope)));
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, query).await?;
        Ok(readable(Table::ActiveExecutions, &rows, Counter::read))
    }

    /// Forgets what was counted in a scope that is deleted; what was counted over all stays.
    pub(in crate::repositories) async fn forget_counted(&self, scope: Scope) -> Result<(), StoreError> {
        let query = Query::partition(ACTIVE_PARTITION).rows_with_prefix(&scope_key(Some(scope)));
        clear_rows(self.journal.tables.as_ref(), Table::ActiveExecutions, query).await
    }

    /// What ended in a scope, or over all (`None`), from one day to another, both included: by day, then by workflow. A
    /// counter that is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn counted(
        &self,
        scope: Option<Scope>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<Counter>, StoreError> {
        let query = Query {
            row_from: Some(day_key(scope, from)),
            row_before: Some(day_key(scope, to.succ_opt().unwrap_or(to))),
            ..Query::partition(ACTIVE_PARTITION)
        };
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, query).await?;
        Ok(readable(Table::ActiveExecutions, &rows, Counter::read))
    }
}
