//! What the last file of a schedule left for the next one, found anew where it is gone: a backup may have been taken while a
//! file was written.
//!
//! What had not ended then follows from the records: it has not ended now, or ended since. What was dealt with shortly before
//! the end of the last file follows from the files themselves. If those cannot be read either, everything from those minutes
//! counts as written, and the audit trail says so: nothing is repeated or left out unsaid.

use super::{
    gather::{LOOK_BACK, open_batches, rows_of, started_before},
    scopes,
};
use crate::state::Api;
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, ExportSubject, Scope, Trigger};
use msp_storage::{
    StoreError,
    repositories::{
        audit::AuditFilter,
        executions::{Execution, Recorded, Started},
        exports::{Carry, ExportSchedule},
    },
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Rows read at once, as for a file.
const AT_ONCE: usize = 100;
/// Files looked at for what was written lately: more than are written in ten minutes.
const FILES: usize = 100;

/// What may be in the last files: by the id that stands in them, how it is remembered if it does, and what becomes of it if
/// not.
type Doubtful = HashMap<Uuid, (Option<Uuid>, Option<(String, ExecutionId)>)>;

/// Finds anew what a schedule carries, puts it on record, and answers both.
pub(super) async fn recover(api: &Api, schedule: &ExportSchedule) -> Result<(ExportSchedule, Carry), StoreError> {
    let (mut carry, mut doubtful) = (Carry::default(), Doubtful::new());
    match schedule.subject {
        ExportSubject::Executions => executions(api, schedule, &mut carry, &mut doubtful).await?,
        ExportSubject::AuditLogs => audit(api, schedule, &mut doubtful).await?,
    }
    let written = match written(api, schedule, &doubtful).await {
        Err(StoreError::Corrupt(error)) => {
            tracing::error!(export.id = %schedule.id, error, "What an export wrote lately cannot be read, and counts as written");
            None
        }
        written => Some(written?),
    };
    for (id, (seen_as, open)) in doubtful {
        if written.as_ref().is_none_or(|written| written.contains(&id)) {
            carry.seen.extend(seen_as);
        } else {
            carry.open.extend(open);
        }
    }
    let schedule = api.repositories.exports.recover(schedule, &carry, written.is_some()).await?;
    Ok((schedule, carry))
}

/// Executions before the end of the last file: those that had not ended then, and those that may not be in it.
async fn executions(
    api: &Api,
    schedule: &ExportSchedule,
    carry: &mut Carry,
    doubtful: &mut Doubtful,
) -> Result<(), StoreError> {
    let (through, since) = (schedule.through, schedule.through - LOOK_BACK);
    let mut known = HashSet::new();
    for scope in scopes(api, schedule.scope).await? {
        let mut cursor = None;
        loop {
            let before = Started { from: None, before: Some(through) };
            let executions = &api.repositories.executions;
            let page = executions.list_lenient(scope, before, cursor.as_deref(), AT_ONCE).await?;
            for found in page.items {
                let place = |id: ExecutionId| (scope.key(), id);
                match found {
                    // When those were put on record is looked up below.
                    Ok(execution) if execution.trigger == Trigger::External.name() => {}
                    Ok(execution) => {
                        let id = execution.id;
                        known.insert(id);
                        match ended_at(&execution) {
                            Some(at) if at < schedule.created_at => {}
                            Some(at) if at < since && started_before(id, since) => {}
                            Some(at) if at < through => {
                                let is_recent = !started_before(id, since);
                                let seen_as = is_recent.then_some(id.as_uuid());
                                doubtful.insert(id.as_uuid(), (seen_as, Some(place(id))));
                            }
                            Some(_) | None => carry.open.push(place(id)),
                        }
                    }
                    // Nobody knows; each file looks again.
                    Err(unreadable) => carry.open.extend(unreadable.id.map(|id| place(id.into()))),
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        recorded(api, scope, Started { from: Some(since), before: Some(through) }, doubtful).await?;
    }
    for batch in open_batches(api, schedule.scope).await? {
        if started_before(ExecutionId::from(batch.id.as_uuid()), through) {
            let not_begun = rows_of(api, &batch).await?.into_iter().filter(|id| !known.contains(id));
            carry.open.extend(not_begun.map(|id| (batch.scope.key(), id)));
        }
    }
    Ok(())
}

/// A row that another tool wrote may not say when it ended; its start does then.
fn ended_at(execution: &Execution) -> Option<DateTime<Utc>> {
    execution.status.is_final().then(|| execution.completed_at.unwrap_or(execution.started_at))
}

/// Runs of elsewhere that were put on record within a period. One that is in no file is found there again.
async fn recorded(api: &Api, scope: Scope, period: Started, doubtful: &mut Doubtful) -> Result<(), StoreError> {
    let mut cursor = None;
    loop {
        let page = api.repositories.executions.recorded(scope, period, cursor.as_deref(), AT_ONCE).await?;
        for Recorded { id, execution_id } in page.items.into_iter().flatten() {
            doubtful.insert(execution_id.as_uuid(), (Some(id), None));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Rows of the audit trail shortly before the end of the last file. One that is in no file is found there again.
async fn audit(api: &Api, schedule: &ExportSchedule, doubtful: &mut Doubtful) -> Result<(), StoreError> {
    let period = Started { from: Some(schedule.through - LOOK_BACK), before: Some(schedule.through) };
    for scope in scopes(api, schedule.scope).await? {
        let mut cursor = None;
        loop {
            let filter = AuditFilter::default();
            let page =
                api.repositories.audit.search_lenient(scope, &filter, period, cursor.as_deref(), AT_ONCE).await?;
            let ids = page.items.into_iter().flatten().map(|row| row.id);
            doubtful.extend(ids.map(|id| (id, (Some(id), None))));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Which of these are in the files of the last minutes.
async fn written(api: &Api, schedule: &ExportSchedule, of: &Doubtful) -> Result<HashSet<Uuid>, StoreError> {
    let exports = &api.repositories.exports;
    let mut written = HashSet::new();
    let mut take = |text: &[u8]| {
        let words = text.split(|byte| !is_of_id(*byte)).filter_map(|word| Uuid::try_parse_ascii(word).ok());
        written.extend(words.filter(|id| of.contains_key(id)));
    };
    for file in exports.files(schedule.id, None, FILES).await?.items {
        if file.to <= schedule.through - LOOK_BACK {
            break;
        }
        let mut rest = Vec::new();
        for part in 0..file.whole.as_ref().map_or(0, |whole| whole.parts) {
            rest.extend_from_slice(&exports.part(&file, part).await?);
            // The last word may go on in the next part.
            let end = rest.iter().rposition(|byte| !is_of_id(*byte)).map_or(0, |at| at + 1);
            take(&rest[..end]);
            rest.drain(..end);
        }
        take(&rest);
    }
    Ok(written)
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}
