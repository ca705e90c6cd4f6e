//! What belongs to a file: everything that came to its end, or happened, before the end of its period, and is in no earlier
//! file.
//!
//! Executions are on record by when they started, so those that had not ended when the file before was written are
//! remembered by name. What is written late carries an earlier time: a file looks again at the last minutes before its
//! period, and knows what it has seen there.

use super::scopes;
use crate::{
    management::{audit::view::AuditView, executions::table},
    state::Api,
};
use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::{ExecutionId, ExportFormat, ExportSubject, Scope, Trigger};
use msp_storage::{
    StoreError,
    repositories::{
        Unreadable,
        audit::{AuditFilter, AuditRow},
        batches::Batch,
        executions::{Execution, Recorded, Started},
        exports::{Carry, Counted, ExportFile, ExportSchedule},
        files::{FileWriter, WriteError},
    },
};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

/// Rows read at once: the file may be long, what is held of it is not. A row may hold two texts of 30,000 characters.
const AT_ONCE: usize = 100;
/// How far before its period a file looks for what was written late, or while the clock was ahead.
pub(super) const LOOK_BACK: TimeDelta = TimeDelta::minutes(10);

/// Writes everything that belongs to a file, and answers how many rows that is and what it leaves for the next one. A row
/// that cannot be read keeps none of the others out.
pub(super) async fn gather(
    api: &Api,
    schedule: &ExportSchedule,
    file: &ExportFile,
    carry: Carry,
    writer: &mut FileWriter,
) -> Result<(Counted, Carry), StoreError> {
    let mut gathering = Gathering {
        api,
        period: Started { from: Some(file.from - LOOK_BACK), before: Some(file.to) },
        begins_at: schedule.created_at,
        to: file.to,
        format: file.format,
        writer,
        counted: Counted::default(),
        next: Carry {
            open: Vec::new(),
            seen: carry.seen.iter().copied().filter(|id| is_recent(*id, file.to)).collect(),
        },
        seen: carry.seen,
    };
    match file.subject {
        ExportSubject::Executions => gathering.executions(schedule.scope, carry.open).await?,
        ExportSubject::AuditLogs => gathering.audit(schedule.scope).await?,
    }
    Ok((gathering.counted, gathering.next))
}

/// Whether the file that begins at this instant looks back as far as the time of this id.
fn is_recent(id: Uuid, to: DateTime<Utc>) -> bool {
    !started_before(ExecutionId::from(id), to - LOOK_BACK)
}

/// When a schedule begins, and what it carries: executions that are under way then.
pub(crate) async fn beginning(api: &Api, scope: Scope) -> Result<(DateTime<Utc>, Carry), StoreError> {
    let mut carry = Carry::default();
    let active = api.repositories.executions.active().await?;
    // After they were read: what ends from now on was among them, or started so lately that the first file looks there.
    let at = api.clock.now();
    for active in active {
        let pointer = active.pointer;
        let is_within = scope == Scope::Global || pointer.scope == scope;
        if !is_within || !started_before(pointer.execution_id, at) {
            continue;
        }
        let has_ended = match found(api, pointer.scope, pointer.execution_id).await? {
            Some(Ok(execution)) => execution.completed_at.is_some_and(|ended_at| ended_at < at),
            // Nobody knows; the first file looks again.
            Some(Err(_)) => false,
            None => true,
        };
        if !has_ended {
            carry.open.push((pointer.scope.key(), pointer.execution_id));
        }
    }
    let known: HashSet<ExecutionId> = carry.open.iter().map(|(_, id)| *id).collect();
    for batch in open_batches(api, scope).await? {
        if !started_before(ExecutionId::from(batch.id.as_uuid()), at) {
            continue;
        }
        for id in rows_of(api, &batch).await? {
            if !known.contains(&id) && found(api, batch.scope, id).await?.is_none() {
                carry.open.push((batch.scope.key(), id));
            }
        }
    }
    Ok((at, carry))
}

/// An execution, if it is on record, readable or not.
async fn found(api: &Api, scope: Scope, id: ExecutionId) -> Result<Option<Result<Execution, Unreadable>>, StoreError> {
    match api.repositories.executions.get(scope, id).await {
        Err(StoreError::Corrupt(_)) => Ok(Some(Err(Unreadable { id: Some(id.as_uuid()) }))),
        found => Ok(found?.map(Ok)),
    }
}

/// The rows of a batch; of one whose rows are lost none will ever begin.
pub(super) async fn rows_of(api: &Api, batch: &Batch) -> Result<Vec<ExecutionId>, StoreError> {
    match api.repositories.batches.rows(batch).await {
        Err(StoreError::Corrupt(_) | StoreError::NotFound) => Ok(Vec::new()),
        rows => Ok(rows?.into_iter().map(|row| row.execution_id).collect()),
    }
}

pub(super) fn started_before(id: ExecutionId, at: DateTime<Utc>) -> bool {
    id.millis().and_then(|millis| i64::try_from(millis).ok()).is_none_or(|millis| millis < at.timestamp_millis())
}

/// Batches with rows that are no executions yet.
pub(super) async fn open_batches(api: &Api, scope: Scope) -> Result<Vec<Batch>, StoreError> {
    let mut open = api.repositories.batches.open().await?;
    open.retain(|batch| scope == Scope::Global || batch.scope == scope);
    Ok(open)
}

/// What belongs to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// What ended since it began.
    Beginning,
    /// It is known to.
    Ever,
}

struct Gathering<'a> {
    api: &'a Api,
    period: Started,
    /// When the schedule began: what had ended by then is in none of its files.
    begins_at: DateTime<Utc>,
    to: DateTime<Utc>,
    format: ExportFormat,
    writer: &'a mut FileWriter,
    counted: Counted,
    seen: BTreeSet<Uuid>,
    next: Carry,
}

impl Gathering<'_> {
    async fn executions(&mut self, scope: Scope, open: Vec<(String, ExecutionId)>) -> Result<(), StoreError> {
        self.write(table::head(self.format).into_bytes()).await?;
        // Before any row is looked at: a batch that has ended by then has all its rows on record.
        let batches = open_batches(self.api, scope).await?;
        let mut coming = HashSet::new();
        for batch in &batches {
            coming.extend(rows_of(self.api, batch).await?);
        }
        let mut dealt_with: HashSet<ExecutionId> = open.iter().map(|(_, id)| *id).collect();
        self.left_open(open, &coming).await?;
        for scope in scopes(self.api, scope).await? {
            let mut cursor = None;
            loop {
                let executions = &self.api.repositories.executions;
                let page = executions.list_lenient(scope, self.period, cursor.as_deref(), AT_ONCE).await?;
                let mut fresh = Vec::new();
                for found in page.items {
                    let id = match &found {
                        // Those of elsewhere stand under times of their own.
                        Ok(execution) if execution.trigger == Trigger::External.name() => continue,
                        Ok(execution) => Some(execution.id.as_uuid()),
                        Err(unreadable) => unreadable.id,
                    };
                    if id.is_some_and(|id| dealt_with.contains(&id.into()) || self.seen.contains(&id)) {
                        continue;
                    }
                    dealt_with.extend(id.map(ExecutionId::from).filter(|id| coming.contains(id)));
                    fresh.extend(self.readable(scope, found));
                }
                self.sort_out(fresh, Since::Beginning).await?;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            self.recorded(scope, &dealt_with).await?;
        }
        self.not_begun(&batches, &dealt_with).await
    }

    /// Those that had not ended when the file before was written.
    async fn left_open(
        &mut self,
        open: Vec<(String, ExecutionId)>,
        coming: &HashSet<ExecutionId>,
    ) -> Result<(), StoreError> {
        for some in open.chunks(AT_ONCE) {
            let mut found = Vec::new();
            for (partition, id) in some {
                let scope = Scope::from_key(partition)
                    .map_err(|error| StoreError::Corrupt(format!("an execution left open: {error}")))?;
                match self::found(self.api, scope, *id).await? {
                    Some(one) => found.extend(self.readable(scope, one)),
                    None if coming.contains(id) => self.next.open.push((partition.clone(), *id)),
                    // A row that was cancelled before it began, or what was removed.
                    None => {}
                }
            }
            // They had not ended when the schedule began, whatever the clock said when they did.
            self.sort_out(found, Since::Ever).await?;
        }
        Ok(())
    }

    /// Rows of batches that began within the period and are no executions yet.
    async fn not_begun(&mut self, batches: &[Batch], dealt_with: &HashSet<ExecutionId>) -> Result<(), StoreError> {
        for batch in batches {
            let (id, from) = (ExecutionId::from(batch.id.as_uuid()), self.period.from);
            let is_within = started_before(id, self.to) && from.is_none_or(|from| !started_before(id, from));
            if !is_within || self.seen.contains(&batch.id.as_uuid()) {
                continue;
            }
            self.see(batch.id.as_uuid());
            let not_begun = rows_of(self.api, batch).await?.into_iter().filter(|id| !dealt_with.contains(id));
            self.next.open.extend(not_begun.map(|id| (batch.scope.key(), id)));
        }
        Ok(())
    }

    /// Runs that took place elsewhere, by when they were put on record.
    async fn recorded(&mut self, scope: Scope, dealt_with: &HashSet<ExecutionId>) -> Result<(), StoreError> {
        let mut cursor = None;
        loop {
            let executions = &self.api.repositories.executions;
            let page = executions.recorded(scope, self.period, cursor.as_deref(), AT_ONCE).await?;
            let mut found = Vec::new();
            for recorded in page.items {
                let record = recorded.as_ref().map_or_else(|unreadable| unreadable.id, |recorded| Some(recorded.id));
                if record.is_some_and(|record| self.seen.contains(&record)) {
                    continue;
                }
                record.into_iter().for_each(|record| self.see(record));
                if record.is_some_and(|record| started_before(record.into(), self.begins_at)) {
                    continue;
                }
                let Ok(Recorded { execution_id, .. }) = recorded else {
                    self.counted.unreadable += 1;
                    continue;
                };
                if dealt_with.contains(&execution_id) {
                    continue;
                }
                if let Some(one) = self::found(self.api, scope, execution_id).await? {
                    found.extend(self.readable(scope, one));
                }
            }
            self.sort_out(found, Since::Beginning).await?;
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// An execution that can be read. Another is left out, and the next file looks for it again: it may be mended by then.
    fn readable(&mut self, scope: Scope, found: Result<Execution, Unreadable>) -> Option<Execution> {
        let unreadable = match found {
            Ok(execution) => return Some(execution),
            Err(unreadable) => unreadable,
        };
        let Some(id) = unreadable.id.map(ExecutionId::from) else {
            self.counted.unreadable += 1;
            return None;
        };
        // One of elsewhere is found by its row and by its record.
        if !self.next.open.iter().any(|(_, open)| *open == id) {
            self.see(id.as_uuid());
            self.counted.unreadable += 1;
            self.next.open.push((scope.key(), id));
        }
        None
    }

    /// Writes what has ended in time, and leaves the others for the next file.
    async fn sort_out(&mut self, executions: Vec<Execution>, since: Since) -> Result<(), StoreError> {
        executions.iter().for_each(|execution| self.see(execution.id.as_uuid()));
        // A row that another tool wrote may not say when it ended; its start does then.
        let ended_at = |execution: &Execution| execution.completed_at.unwrap_or(execution.started_at);
        // When those of elsewhere ended says nothing about when they were put on record.
        let is_external = |execution: &Execution| execution.trigger == Trigger::External.name();
        let (mut ended, open): (Vec<_>, Vec<_>) = executions.into_iter().partition(|execution| {
            execution.status.is_final() && (is_external(execution) || ended_at(execution) < self.to)
        });
        // What stands behind the beginning ended behind it, even if the clock was set back meanwhile.
        let is_behind = |execution: &Execution| !started_before(execution.id, self.begins_at);
        ended.retain(|execution| {
            let is_of_schedule = since == Since::Ever || is_behind(execution) || ended_at(execution) >= self.begins_at;
            is_external(execution) || is_of_schedule
        });
        self.next.open.extend(open.into_iter().map(|execution| (execution.scope.key(), execution.id)));
        self.counted.rows += ended.len() as u64;
        let mut text = Vec::new();
        table::write(self.format, &ended, &mut text);
        self.write(text).await
    }

    async fn audit(&mut self, scope: Scope) -> Result<(), StoreError> {
        self.write(AuditView::head(self.format).into_bytes()).await?;
        for scope in scopes(self.api, scope).await? {
            let mut cursor = None;
            loop {
                let audit = &self.api.repositories.audit;
                let filter = AuditFilter::default();
                let page = audit.search_lenient(scope, &filter, self.period, cursor.as_deref(), AT_ONCE).await?;
                let mut fresh: Vec<AuditRow> = Vec::new();
                for found in page.items {
                    let id = found.as_ref().map_or_else(|unreadable| unreadable.id, |row| Some(row.id));
                    if id.is_some_and(|id| self.seen.contains(&id)) {
                        continue;
                    }
                    id.into_iter().for_each(|id| self.see(id));
                    match found {
                        Ok(row) if row.occurred_at < self.begins_at => {}
                        Ok(row) => fresh.push(row),
                        Err(_) => self.counted.unreadable += 1,
                    }
                }
                self.counted.rows += fresh.len() as u64;
                let views = AuditView::all(&self.api.repositories, fresh).await?;
                self.write(AuditView::lines(self.format, &views).into_bytes()).await?;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Has the next file know that this was dealt with, if it will look there.
    fn see(&mut self, id: Uuid) {
        if is_recent(id, self.to) {
            self.next.seen.insert(id);
        }
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.writer.write(&bytes).await.map_err(|error| match error {
            WriteError::Store(error) => error,
            WriteError::TooLarge(_) => StoreError::Limit(error.to_string()),
        })
    }
}
