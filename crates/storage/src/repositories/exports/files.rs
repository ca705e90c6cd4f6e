//! The files of a schedule: on record first, then written, then whole.

use super::{Carry, ExportSchedule, Exports, state};
use crate::repositories::audit::AuditDraft;
use crate::repositories::files::{FileWriter, part_path};
use crate::repositories::paging::{Scan, page};
use crate::repositories::{Actor, Listing, etag_of, if_readable, retry, write_over};
use crate::{Commit, Entity, Etag, Guard, IfMatch, Query, StoreError, Table, Write, limits};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, ExportFormat, ExportSubject, Scope};
use serde_json::json;
use uuid::Uuid;

/// The property of a row that names one blob of a file; a backup and a repair go by how it ends.
const PART: &str = "PartBlob";
/// Rows a list looks at per call: those that are being removed are not shown.
const SCAN: usize = 1_000;

/// Whether a file is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It is being written, or was when something interrupted that: the next start goes on.
    Writing,
    /// All of it is there.
    Whole,
    /// It is being removed: nobody sees it.
    Removing,
}

impl FileState {
    /// The name on record and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Whole => "whole",
            Self::Removing => "removing",
        }
    }
}

/// A file of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFile {
    /// Its id.
    pub id: Uuid,
    /// Of which schedule.
    pub schedule: Uuid,
    /// What is in it.
    pub subject: ExportSubject,
    /// How.
    pub format: ExportFormat,
    /// Whether it is whole.
    pub state: FileState,
    /// Where its period begins.
    pub from: DateTime<Utc>,
    /// Where it ends; the instant itself belongs to the next one.
    pub to: DateTime<Utc>,
    /// When it was begun.
    pub begun_at: DateTime<Utc>,
    /// Once it is whole: what is known then.
    pub whole: Option<Whole>,
    pub(super) carry: Option<String>,
    pub(super) etag: Etag,
}

/// What is known of a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// When it became so.
    pub completed_at: DateTime<Utc>,
    /// Executions or audit rows in it.
    pub rows: u64,
    /// Rows that belong to it and could not be read.
    pub unreadable: u64,
    /// How large it is.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// In how many blobs its bytes are.
    pub parts: usize,
}

/// What a file holds, and what it leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Executions or audit rows in it.
    pub rows: u64,
    /// Those that could not be read.
    pub unreadable: u64,
}

impl ExportFile {
    /// Whether another file took its place before it was whole: nobody writes it any more.
    pub(super) fn is_superseded(&self, schedule: &ExportSchedule) -> bool {
        self.state == FileState::Writing && self.from < schedule.through
    }
}

impl Exports {
    /// Puts the next file of a schedule on record: from the end of the last one to this instant. One that is on record already
    /// and not whole is answered instead: of several who ask at a time one begins it. `asked_by`: who wants it now, for the
    /// audit trail.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the schedule is gone.
    pub async fn begin(
        &self,
        schedule: (Scope, Uuid),
        to: DateTime<Utc>,
        asked_by: Option<&Actor>,
    ) -> Result<ExportFile, StoreError> {
        retry(async || self.try_to_begin(schedule, to, asked_by).await).await
    }

    async fn try_to_begin(
        &self,
        (scope, id): (Scope, Uuid),
        to: DateTime<Utc>,
        asked_by: Option<&Actor>,
    ) -> Result<ExportFile, StoreError> {
        let (unfinished, schedule) = self.unfinished((scope, id)).await?.ok_or(StoreError::NotFound)?;
        if let Some(unfinished) = unfinished {
            return Ok(unfinished);
        }
        let id = ExecutionId::at(self.next_time(id).await?);
        let (from, to) = (schedule.through, to.max(schedule.through));
        // Before anything is read for it.
        self.journal.order.passed(to);
        let row = Entity::new(schedule.id.to_string(), id.row_key().unwrap_or_default())
            .with("FileId", id.as_uuid())
            .with("Subject", schedule.subject.name())
            .with("Format", schedule.terms.format.name())
            .with("State", FileState::Writing.name())
            .with("PeriodFrom", from)
            .with("PeriodTo", to)
            .with("BegunAt", self.journal.clock.now());
        let mut writes = vec![
            // Nothing but its version changes: of two who found nothing begun one comes too late.
            (Table::ExportSchedules, write_over(schedule.state.clone(), state(&schedule))),
            (Table::ExportFiles, Write::Insert(row)),
        ];
        if let Some(actor) = asked_by {
            let details = json!({ "file_id": id, "subject": schedule.subject, "from": from, "to": to });
            let draft = AuditDraft::new(schedule.scope, actor, "ExportSchedule.Run", schedule.id.to_string(), details);
            writes.push(self.journal.audit.row(draft));
        }
        // None begins behind the removal of a schedule.
        let guard = Guard {
            table: Table::ExportSchedules,
            partition_key: schedule.scope.key(),
            row_key: schedule.id.to_string(),
            etag: Some(schedule.etag.clone()),
        };
        self.journal.tables.commit(Commit { writes, guards: vec![guard] }).await?;
        self.file(schedule.id, id.as_uuid()).await?.ok_or(StoreError::NotFound)
    }

    /// A time after that of every file there is: the clock may stand still, or have been put back.
    async fn next_time(&self, schedule: Uuid) -> Result<DateTime<Utc>, StoreError> {
        let now = self.journal.clock.now();
        let newest = self.files(schedule, None, 1).await?.items.pop();
        let millis = newest.and_then(|file| i64::try_from(ExecutionId::from(file.id).millis()?).ok());
        let after = millis.and_then(|millis| DateTime::from_timestamp_millis(millis + 1));
        Ok(after.map_or(now, |after| after.max(now)))
    }

    /// A schedule as it is now, and its file that is on record and not whole; `None` when the schedule is gone.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable; [`StoreError::PreconditionFailed`] when somebody was faster.
    pub async fn unfinished(
        &self,
        (scope, id): (Scope, Uuid),
    ) -> Result<Option<(Option<ExportFile>, ExportSchedule)>, StoreError> {
        // The schedule first: whoever begins a file behind this has changed its version.
        let Some(schedule) = self.get(scope, id).await? else { return Ok(None) };
        let newest = self.files(id, None, 1).await?.items.pop();
        Ok(Some(match newest {
            Some(file) if file.is_superseded(&schedule) => (None, schedule),
            // It may just have been begun.
            Some(file) if file.state == FileState::Writing => match self.get(scope, id).await? {
                Some(schedule) => (Some(file), schedule),
                None => return Ok(None),
            },
            Some(file) => (None, self.caught_up(schedule, &file).await?),
            None => (None, schedule),
        }))
    }

    /// Writes the bytes of a file, from its beginning: what an earlier attempt left is removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; safe to repeat.
    pub async fn writer(&self, file: &ExportFile) -> Result<FileWriter, StoreError> {
        self.remove_bytes(file.id).await?;
        Ok(self.files.unlimited_writer(file.id))
    }

    /// Ends a file: from now on it is whole, and the schedule is where it ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::PreconditionFailed`] when it was removed meanwhile, and what was written of it
    /// goes with [`Self::abandon`]; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn complete(
        &self,
        schedule: &ExportSchedule,
        file: &ExportFile,
        writer: FileWriter,
        (counted, carry): (Counted, &Carry),
    ) -> Result<(), StoreError> {
        let written = writer.finish().await?;
        let part = |(number, path): (usize, &String)| {
            Write::UpsertReplace(Entity::new(file.id.to_string(), format!("{number:06}")).with(PART, path.as_str()))
        };
        let parts: Vec<Write> = written.parts.iter().enumerate().map(part).collect();
        for some in parts.chunks(limits::MAX_BATCH_WRITES) {
            // None behind the removal of the file.
            let guard = Guard {
                table: Table::ExportFiles,
                partition_key: schedule.id.to_string(),
                row_key: row_key(file.id),
                etag: Some(file.etag.clone()),
            };
            let writes = some.iter().map(|part| (Table::ExportFiles, part.clone())).collect();
            self.journal.tables.commit(Commit { writes, guards: vec![guard] }).await?;
        }
        let carried = self.put_carry(schedule.id, file.id, carry).await?;
        let row = Entity::new(schedule.id.to_string(), row_key(file.id))
            .with("State", FileState::Whole.name())
            .with("CompletedAt", self.journal.clock.now())
            .with("Rows", i64::try_from(counted.rows).unwrap_or(i64::MAX))
            .with("Unreadable", i64::try_from(counted.unreadable).unwrap_or(i64::MAX))
            .with("SizeBytes", i64::try_from(written.size_bytes).unwrap_or(i64::MAX))
            .with("Sha256", written.sha256.as_str())
            .with("Parts", i64::try_from(written.parts.len()).unwrap_or(i64::MAX))
            // Only the schedule names the blob for good: it goes with the next file.
            .with("Carry", carried.as_str());
        let through = ExportSchedule { through: file.to, carry_blob: Some(carried), failure: None, ..schedule.clone() };
        let details = json!({
            "schedule_id": schedule.id, "org_id": schedule.scope.org(), "subject": file.subject,
            "from": file.from, "to": file.to, "rows": counted.rows, "unreadable": counted.unreadable,
            "size_bytes": written.size_bytes, "sha256": written.sha256,
        });
        let draft = AuditDraft::new(schedule.scope, &Actor::PLATFORM, "ExportFile.Write", file.id.to_string(), details);
        let writes = vec![
            (Table::ExportFiles, Write::Merge(row, IfMatch::Etag(file.etag.clone()))),
            (Table::ExportSchedules, write_over(schedule.state.clone(), state(&through))),
            self.journal.audit.row(draft),
        ];
        self.journal.tables.commit(Commit::of(writes)).await?;
        if let Some(earlier) = schedule.carry_blob.as_ref().filter(|path| Some(*path) != through.carry_blob.as_ref()) {
            // One that stays harms nobody, and goes with the schedule.
            let _ = self.blobs.delete(earlier).await;
        }
        Ok(())
    }

    /// After a failure: removes what was written of a file, because the next attempt begins anew and the store may have no
    /// room left, and answers whether the file was removed meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; `msp repair` finds what is left then.
    pub async fn abandon(&self, file: &ExportFile) -> Result<bool, StoreError> {
        let found = self.file(file.schedule, file.id).await?;
        if found.as_ref().is_some_and(|file| file.state == FileState::Whole) {
            return Ok(false);
        }
        self.drop_carry(file.schedule, file.id).await?;
        self.remove_bytes(file.id).await?;
        Ok(found.is_none())
    }

    /// The files of a schedule, newest first.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn files(
        &self,
        schedule: Uuid,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<ExportFile>, StoreError> {
        let query = Query::partition(schedule.to_string());
        page(self.journal.tables.as_ref(), Table::ExportFiles, query, cursor, limit, Scan::AtMost(SCAN), |row| {
            let file = if_readable(Table::ExportFiles, &row, read(&row));
            Ok(file.filter(|file| file.state != FileState::Removing))
        })
        .await
    }

    /// A file of a schedule.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn file(&self, schedule: Uuid, id: Uuid) -> Result<Option<ExportFile>, StoreError> {
        let row = self.journal.tables.get(Table::ExportFiles, &schedule.to_string(), &row_key(id)).await?;
        let file = row.as_ref().map(read).transpose()?;
        Ok(file.filter(|file| file.state != FileState::Removing))
    }

    /// A part of a whole file, in the order of its bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its blob is gone.
    pub async fn part(&self, file: &ExportFile, part: usize) -> Result<Bytes, StoreError> {
        let path = part_path(file.id, part);
        self.blobs.get(&path).await?.ok_or_else(|| StoreError::Corrupt(format!("{path} is gone")))
    }
}

/// Where the file with this id stands; an id that is none of ours stands nowhere.
pub(super) fn row_key(id: Uuid) -> String {
    ExecutionId::from(id).row_key().unwrap_or_else(|| id.to_string())
}

/// Whether a row names a blob of a file, and is no file itself.
pub(in crate::repositories) fn is_part(row: &Entity) -> bool {
    row.properties.contains_key(PART)
}

/// Why a row is not readable, if it is not.
pub(in crate::repositories) fn check_file(row: &Entity) -> Result<(), StoreError> {
    read(row).map(drop)
}

/// The file a row is about.
pub(in crate::repositories) fn names_file(row: &Entity) -> Option<Uuid> {
    if is_part(row) {
        return row.partition_key.parse().ok();
    }
    // The key says it as well, should the row not be readable.
    row.guid_opt("FileId").ok().flatten().or_else(|| row.row_key.rsplit('_').next()?.parse().ok())
}

pub(super) fn read(row: &Entity) -> Result<ExportFile, StoreError> {
    let corrupt = |name: &str| StoreError::Corrupt(format!("the export file {} has a bad `{name}`", row.row_key));
    let state = match row.text("State")? {
        "writing" => FileState::Writing,
        "whole" => FileState::Whole,
        "removing" => FileState::Removing,
        _ => return Err(corrupt("State")),
    };
    let count = |name: &str| u64::try_from(row.int(name)?).map_err(|_| corrupt(name));
    let whole = match state {
        FileState::Whole => Some(Whole {
            completed_at: row.instant("CompletedAt")?,
            rows: count("Rows")?,
            unreadable: row.int_opt("Unreadable")?.map_or(Ok(0), u64::try_from).map_err(|_| corrupt("Unreadable"))?,
            size_bytes: count("SizeBytes")?,
            sha256: row.text("Sha256")?.to_owned(),
            parts: usize::try_from(count("Parts")?).map_err(|_| corrupt("Parts"))?,
        }),
        FileState::Writing | FileState::Removing => None,
    };
    Ok(ExportFile {
        id: row.guid_opt("FileId")?.ok_or_else(|| corrupt("FileId"))?,
        schedule: row.partition_key.parse().map_err(|_| corrupt("PartitionKey"))?,
        subject: ExportSubject::named(row.text("Subject")?).ok_or_else(|| corrupt("Subject"))?,
        format: ExportFormat::named(row.text("Format")?).ok_or_else(|| corrupt("Format"))?,
        state,
        from: row.instant("PeriodFrom")?,
        to: row.instant("PeriodTo")?,
        begun_at: row.instant("BegunAt")?,
        whole,
        carry: row.text_opt("Carry")?.map(str::to_owned),
        etag: etag_of(row)?,
    })
}
