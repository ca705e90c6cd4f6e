//! Exports on a schedule. Table `ExportSchedules`, PK organization, or `GLOBAL` for all of them together; RK the schedule, and
//! `~{schedule}` for how far it is. Table `ExportFiles`, PK schedule, RK `{reverse time}_{file}`: the files; PK file, RK
//! `{part}`: the blobs of one.
//!
//! A file is on record before its first byte, and is shown as whole only once every byte is durable; the same commit says how
//! far the schedule is. What a deleted schedule left behind is found by the row that says how far it was.

mod carry;
mod files;
mod removal;

pub use carry::Carry;
pub(in crate::repositories) use carry::{FOLDER, of_carry};
pub use files::{Counted, ExportFile, FileState, Whole};
pub(in crate::repositories) use files::{check_file, is_part, names_file};

use super::audit::AuditDraft;
use super::files::Files;
use super::{Actor, Journal, Repositories, Stores, check_version, etag_of, if_readable, retry, write_over};
use crate::{BlobStore, Commit, Entity, Etag, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use msp_domain::{Every, ExportFormat, ExportSubject, Recurrence, Scope, export};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Most schedules of one organization, or of all together: each writes everything there is once more.
pub const MAX_SCHEDULES: usize = 20;
/// How long retention waits for a file that is due and not written.
const RETENTION_WAITS: TimeDelta = TimeDelta::days(2);
/// Before the rows that say how far schedules are.
const STATE: &str = "~";
/// Written with each new schedule, so that two of them never take the same place.
const TURN: &str = "~turn";

/// What may be chosen of a schedule, and changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleTerms {
    /// How files are written.
    pub format: ExportFormat,
    /// When.
    pub recurrence: Recurrence,
    /// Whether they are written at all.
    pub is_enabled: bool,
    /// Days for which they are kept; `None`: until somebody deletes them.
    pub keep_days: Option<u32>,
}

/// Why files of a schedule are not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFailure {
    /// For people.
    pub message: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A schedule on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSchedule {
    /// Its id.
    pub id: Uuid,
    /// What of: one organization, or all of them.
    pub scope: Scope,
    /// What is exported.
    pub subject: ExportSubject,
    /// When and how.
    pub terms: ScheduleTerms,
    /// Everything up to this instant is in files, or came before the schedule.
    pub through: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
    /// Why the latest attempt to write a file failed, and since when it fails for that reason.
    pub failure: Option<ExportFailure>,
    /// Its version.
    pub etag: Etag,
    carry_blob: Option<String>,
    /// The version of the row that says how far it is: whoever begins or ends a file means this one.
    state: Option<Etag>,
}

/// The schedules and their files.
#[derive(Clone)]
pub struct Exports {
    journal: Journal,
    blobs: Arc<dyn BlobStore>,
    files: Files,
}

impl Exports {
    pub(super) fn new(journal: Journal, stores: &Stores) -> Self {
        let files = Files::new(journal.clone(), stores);
        Self { journal, blobs: Arc::clone(&stores.blobs), files }
    }

    /// Adds a schedule whose first file begins at this instant; `carry` says what began before and has not ended.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when there are as many as there may be.
    pub async fn create(
        &self,
        (scope, subject): (Scope, ExportSubject),
        terms: ScheduleTerms,
        (begins_at, carry): (DateTime<Utc>, &Carry),
        actor: &Actor,
    ) -> Result<ExportSchedule, StoreError> {
        self.turn(scope).await?;
        self.journal.order.passed(begins_at);
        let id = Uuid::new_v4();
        let carry_blob = self.put_carry(id, Uuid::nil(), carry).await?;
        let schedule = ExportSchedule {
            id,
            scope,
            subject,
            terms,
            through: begins_at,
            created_at: begins_at,
            created_by: actor.key(),
            updated_at: begins_at,
            updated_by: actor.key(),
            failure: None,
            etag: Etag(String::new()),
            carry_blob: Some(carry_blob),
            state: None,
        };
        let attempt = async || {
            let turn = Entity::new(scope.key(), TURN).with("UpdatedAt", self.journal.clock.now());
            let details = json!({ "after": described(&schedule) });
            let writes = vec![
                (Table::ExportSchedules, write_over(self.turn(scope).await?, turn)),
                (Table::ExportSchedules, Write::Insert(row(&schedule))),
                (Table::ExportSchedules, Write::UpsertReplace(state(&schedule))),
                self.journal.audit.row(AuditDraft::new(scope, actor, "ExportSchedule.Create", id.to_string(), details)),
            ];
            let guards = self.journal.open(scope).await?;
            self.journal.tables.commit(Commit { writes, guards }).await
        };
        if let Err(error) = retry(attempt).await {
            if let StoreError::Limit(_) | StoreError::NotFound = error {
                self.drop_carry(id, Uuid::nil()).await?;
            }
            return Err(error);
        }
        self.get(scope, id).await?.ok_or(StoreError::NotFound)
    }

    /// Refuses where there are as many schedules as there may be.
    ///
    /// # Errors
    /// [`StoreError::Limit`].
    pub async fn check_room(&self, scope: Scope) -> Result<(), StoreError> {
        self.turn(scope).await.map(drop)
    }

    /// The version of the turn to add a schedule, if there is room for one.
    async fn turn(&self, scope: Scope) -> Result<Option<Etag>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ExportSchedules, Query::partition(scope.key())).await?;
        // One that is not readable may still be there.
        if rows.iter().filter(|row| !row.row_key.starts_with(STATE)).count() >= MAX_SCHEDULES {
            return Err(StoreError::Limit(format!("at most {MAX_SCHEDULES} schedules; delete one first")));
        }
        rows.iter().find(|row| row.row_key == TURN).map(etag_of).transpose()
    }

    /// A schedule.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope, id: Uuid) -> Result<Option<ExportSchedule>, StoreError> {
        let tables = &self.journal.tables;
        let Some(row) = tables.get(Table::ExportSchedules, &scope.key(), &id.to_string()).await? else {
            return Ok(None);
        };
        let state = tables.get(Table::ExportSchedules, &scope.key(), &state_key(id)).await?;
        read(scope, &row, state.as_ref()).map(Some)
    }

    /// The schedules of a scope, oldest first.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn of(&self, scope: Scope) -> Result<Vec<ExportSchedule>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ExportSchedules, Query::partition(scope.key())).await?;
        let mut schedules = paired(rows);
        schedules.sort_by_key(|schedule| (schedule.created_at, schedule.id));
        Ok(schedules)
    }

    /// Every schedule there is: at most [`MAX_SCHEDULES`] of each organization. From then on nothing that is made stands
    /// before the end of one of their files; a process that makes something reads them first.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn all(&self) -> Result<Vec<ExportSchedule>, StoreError> {
        let schedules = self.journal.tables.query_all(Table::ExportSchedules, Query::default()).await.map(paired)?;
        schedules.iter().for_each(|schedule| self.journal.order.passed(schedule.through));
        Ok(schedules)
    }

    /// Changes when and how. What is exported stays as it is: the next file begins where the last one ended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn replace(
        &self,
        (scope, id): (Scope, Uuid),
        terms: &ScheduleTerms,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<ExportSchedule, StoreError> {
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let after = ExportSchedule {
                terms: terms.clone(),
                updated_at: self.journal.clock.now(),
                updated_by: actor.key(),
                ..before.clone()
            };
            let details = json!({ "before": described(&before), "after": described(&after) });
            let writes = vec![
                (Table::ExportSchedules, Write::Replace(row(&after), IfMatch::Etag(before.etag))),
                self.journal.audit.row(AuditDraft::new(scope, actor, "ExportSchedule.Update", id.to_string(), details)),
            ];
            self.journal.tables.commit(Commit::of(writes)).await?;
            self.get(scope, id).await
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    /// Puts on record why the latest attempt for a schedule failed; `None`: it did not. Nothing is written while that stays
    /// the same.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn note(&self, (scope, id): (Scope, Uuid), failure: Option<&str>) -> Result<(), StoreError> {
        retry(async || {
            let Some(schedule) = self.get(scope, id).await? else { return Ok(()) };
            if schedule.failure.as_ref().map(|known| known.message.as_str()) == failure {
                return Ok(());
            }
            let since = self.journal.clock.now();
            let failure = failure.map(|message| ExportFailure { message: message.to_owned(), since });
            let write = write_over(schedule.state.clone(), state(&ExportSchedule { failure, ..schedule }));
            self.journal.tables.write(Table::ExportSchedules, write).await.map(drop)
        })
        .await
    }

    /// Says how far a schedule is, once its last file is whole: where a commit is no transaction, that may be missing.
    pub(super) async fn caught_up(
        &self,
        schedule: ExportSchedule,
        last: &ExportFile,
    ) -> Result<ExportSchedule, StoreError> {
        if last.state != FileState::Whole || last.to <= schedule.through {
            return Ok(schedule);
        }
        let schedule = ExportSchedule { through: last.to, carry_blob: last.carry.clone(), failure: None, ..schedule };
        let write = write_over(schedule.state.clone(), state(&schedule));
        let state = self.journal.tables.write(Table::ExportSchedules, write).await?;
        Ok(ExportSchedule { state, ..schedule })
    }
}

impl Repositories {
    /// The clocks a scope goes by.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the organization is not readable.
    pub async fn time_zone_of(&self, scope: Scope) -> Result<Tz, StoreError> {
        let organization = match scope {
            Scope::Org(org) => self.organizations.get(org).await?,
            Scope::Global => None,
        };
        Ok(organization.and_then(|organization| organization.time_zone).unwrap_or(Tz::UTC))
    }

    /// Executions of a scope that ended at this instant or later wait for a file, and retention for them: until the file is
    /// written, or has been due for two days.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a schedule is not readable.
    pub async fn waits_for_export(&self, scope: Scope) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut scopes = vec![scope];
        if scope != Scope::Global {
            scopes.push(Scope::Global);
        }
        let mut since: Option<DateTime<Utc>> = None;
        for scope in scopes {
            let schedules = self.exports.of(scope).await?;
            let zone = if schedules.is_empty() { Tz::UTC } else { self.time_zone_of(scope).await? };
            for schedule in schedules {
                let due = schedule.terms.recurrence.next(schedule.through, zone);
                let waits = due.is_some_and(|due| self.clock.now() < due + RETENTION_WAITS);
                if waits && schedule.terms.is_enabled && schedule.subject == ExportSubject::Executions {
                    since = Some(since.map_or(schedule.through, |since| since.min(schedule.through)));
                }
            }
        }
        Ok(since)
    }
}

fn state_key(id: Uuid) -> String {
    format!("{STATE}{id}")
}

fn row(schedule: &ExportSchedule) -> Entity {
    let ScheduleTerms { format, recurrence, is_enabled, keep_days } = &schedule.terms;
    Entity::new(schedule.scope.key(), schedule.id.to_string())
        .with("Subject", schedule.subject.name())
        .with("Format", format.name())
        .with("Every", recurrence.every.name())
        .with("At", recurrence.at.format("%H:%M").to_string())
        .with("IsEnabled", *is_enabled)
        .with_some("KeepDays", keep_days.map(i64::from))
        .with("CreatedAt", schedule.created_at)
        .with("CreatedBy", schedule.created_by.as_str())
        .with("UpdatedAt", schedule.updated_at)
        .with("UpdatedBy", schedule.updated_by.as_str())
}

fn state(schedule: &ExportSchedule) -> Entity {
    Entity::new(schedule.scope.key(), state_key(schedule.id))
        .with("Through", schedule.through)
        .with_some("CarryBlob", schedule.carry_blob.as_deref())
        .with_some("LastError", schedule.failure.as_ref().map(|failure| failure.message.as_str()))
        .with_some("FailsSince", schedule.failure.as_ref().map(|failure| failure.since))
}

/// Why a row is not readable, if it is not.
pub(in crate::repositories) fn check_schedule(row: &Entity) -> Result<(), StoreError> {
    if row.row_key == TURN {
        Ok(())
    } else if row.row_key.starts_with(STATE) {
        row.instant("Through").map(drop)
    } else {
        read(scope_of(row)?, row, None).map(drop)
    }
}

/// The schedules among these rows, each with how far it is.
fn paired(rows: Vec<Entity>) -> Vec<ExportSchedule> {
    let key = |row: &Entity| (row.partition_key.clone(), row.row_key.clone());
    let rows: BTreeMap<(String, String), Entity> = rows.into_iter().map(|row| (key(&row), row)).collect();
    let schedules = rows.values().filter(|row| !row.row_key.starts_with(STATE));
    schedules
        .filter_map(|row| {
            let state = rows.get(&(row.partition_key.clone(), format!("{STATE}{}", row.row_key)));
            if_readable(Table::ExportSchedules, row, scope_of(row).and_then(|scope| read(scope, row, state)))
        })
        .collect()
}

fn scope_of(row: &Entity) -> Result<Scope, StoreError> {
    Scope::from_key(&row.partition_key)
        .map_err(|error| StoreError::Corrupt(format!("the partition of export {}: {error}", row.row_key)))
}

fn read(scope: Scope, row: &Entity, state: Option<&Entity>) -> Result<ExportSchedule, StoreError> {
    let corrupt = |name: &str| StoreError::Corrupt(format!("the export schedule {} has a bad `{name}`", row.row_key));
    let created_at = row.instant("CreatedAt")?;
    let text = |name: &str| row.text_opt(name).map(|text| text.unwrap_or_default().to_owned());
    let message = state.map_or(Ok(None), |state| state.text_opt("LastError"))?;
    let since = state.map_or(Ok(None), |state| state.instant_opt("FailsSince"))?;
    let failure = message.zip(since).map(|(message, since)| ExportFailure { message: message.to_owned(), since });
    Ok(ExportSchedule {
        id: row.row_key.parse().map_err(|_| corrupt("RowKey"))?,
        scope,
        subject: ExportSubject::named(row.text("Subject")?).ok_or_else(|| corrupt("Subject"))?,
        terms: ScheduleTerms {
            format: ExportFormat::named(row.text("Format")?).ok_or_else(|| corrupt("Format"))?,
            recurrence: Recurrence {
                every: Every::named(row.text("Every")?).ok_or_else(|| corrupt("Every"))?,
                at: export::time_of_day(row.text("At")?).map_err(|_| corrupt("At"))?,
            },
            is_enabled: row.flag("IsEnabled")?,
            keep_days: row.int_opt("KeepDays")?.map(u32::try_from).transpose().map_err(|_| corrupt("KeepDays"))?,
        },
        through: state.map_or(Ok(None), |state| state.instant_opt("Through"))?.unwrap_or(created_at),
        created_at,
        created_by: text("CreatedBy")?,
        updated_at: row.instant_opt("UpdatedAt")?.unwrap_or(created_at),
        updated_by: text("UpdatedBy")?,
        failure,
        etag: etag_of(row)?,
        carry_blob: state.map_or(Ok(None), |state| state.text_opt("CarryBlob"))?.map(str::to_owned),
        state: state.map(etag_of).transpose()?,
    })
}

fn described(schedule: &ExportSchedule) -> Value {
    let ScheduleTerms { format, recurrence, is_enabled, keep_days } = &schedule.terms;
    json!({
        "subject": schedule.subject, "format": format, "every": recurrence.every,
        "at": recurrence.at.format("%H:%M").to_string(), "enabled": is_enabled, "keep_days": keep_days,
    })
}
