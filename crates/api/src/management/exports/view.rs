//! Schedules and files on the wire.

use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use chrono::{DateTime, Utc};
use msp_domain::{Every, ExportFormat, ExportSubject, FieldFault, OrgId, Recurrence, export};
use msp_storage::{
    StoreError,
    repositories::exports::{ExportFile, ExportSchedule, ScheduleTerms},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An export on a schedule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0b0d6c52-6d0c-4f55-9b7a-0d6f5f1f7a10", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "subject": "executions", "format": "csv", "every": "day", "at": "02:30", "time_zone": "Europe/Berlin", "enabled": true,
    "keep_days": 90, "written_through": "2026-07-01T00:30:00Z", "next_at": "2026-07-02T00:30:00Z", "last_error": null,
    "last_error_at": null, "created_at": "2026-06-01T08:30:00Z", "created_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003",
    "updated_at": "2026-06-01T08:30:00Z", "updated_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003"
}))]
pub struct ExportScheduleView {
    /// Its id.
    id: Uuid,
    /// The organization; `null`: all of them, and what belongs to none.
    org_id: Option<OrgId>,
    /// What is exported.
    subject: ExportSubject,
    /// How files are written.
    format: ExportFormat,
    /// How often: each day, each Monday, on the first of each month.
    every: Every,
    /// At which time of that day, as `HH:MM`.
    at: String,
    /// By which clocks: those of the organization.
    time_zone: &'static str,
    /// Whether files are written when it is time.
    enabled: bool,
    /// Days for which files are kept; `null`: until somebody deletes them. Executions of an organization are kept in files for
    /// no longer than its limit of retention says.
    keep_days: Option<u32>,
    /// Everything up to this instant is in files, or came before the schedule.
    written_through: DateTime<Utc>,
    /// When the next file is due; `null` while it is not enabled.
    next_at: Option<DateTime<Utc>>,
    /// Why the latest attempt to write a file failed; `null` if it did not. It is tried again.
    last_error: Option<String>,
    /// Since when it fails for that reason.
    last_error_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    created_by: String,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
    /// By whom.
    updated_by: String,
}

impl ExportScheduleView {
    pub(super) async fn new(api: &Api, schedule: ExportSchedule) -> Result<Self, StoreError> {
        let ScheduleTerms { format, recurrence, is_enabled, keep_days } = schedule.terms;
        let zone = api.repositories.time_zone_of(schedule.scope).await?;
        let failure = schedule.failure.as_ref();
        Ok(Self {
            id: schedule.id,
            org_id: schedule.scope.org(),
            subject: schedule.subject,
            format,
            every: recurrence.every,
            at: recurrence.at.format("%H:%M").to_string(),
            time_zone: zone.name(),
            enabled: is_enabled,
            keep_days,
            written_through: schedule.through,
            next_at: recurrence.next(schedule.through, zone).filter(|_| is_enabled),
            last_error_at: failure.map(|failure| failure.since),
            last_error: failure.map(|failure| failure.message.clone()),
            created_at: schedule.created_at,
            created_by: schedule.created_by,
            updated_at: schedule.updated_at,
            updated_by: schedule.updated_by,
        })
    }
}

/// A schedule to be set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject": "executions", "format": "csv", "every": "day", "at": "02:30", "keep_days": 90 }))]
pub struct SetExportSchedule {
    /// What is exported. It cannot be changed later.
    pub(super) subject: ExportSubject,
    /// How files are written.
    format: ExportFormat,
    /// How often: each day, each Monday, on the first of each month.
    every: Every,
    /// At which time of that day by the clocks of the organization, as `HH:MM`. Where clocks skip it, the next they show;
    /// where they show it twice, the first time.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    at: String,
    /// Whether files are written when it is time.
    #[serde(default = "enabled_by_default")]
    #[schema(default = true)]
    enabled: bool,
    /// Days for which files are kept, 1 to 3650; `null`: until somebody deletes them. Executions of an organization are kept in
    /// files for no longer than its limit of retention says.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    keep_days: Option<u32>,
}

fn enabled_by_default() -> bool {
    true
}

impl SetExportSchedule {
    pub(super) fn checked(&self) -> Result<ScheduleTerms, Problem> {
        let mut faults = Vec::new();
        let at = export::time_of_day(&self.at).inspect_err(|fault| faults.push(FieldFault::at("at", fault)));
        let days = self.keep_days.map(export::keep_days).transpose();
        let days = days.inspect_err(|fault| faults.push(FieldFault::at("keep_days", fault)));
        let (Ok(at), Ok(keep_days)) = (at, days) else { return Err(Problem::new(Kind::BodyInvalid).errors(faults)) };
        let recurrence = Recurrence { every: self.every, at };
        Ok(ScheduleTerms { format: self.format, recurrence, is_enabled: self.enabled, keep_days })
    }
}

/// A file that a schedule wrote, or is writing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10", "name": "executions-2026-07-01T0030Z.csv", "subject": "executions",
    "format": "csv", "state": "whole", "from": "2026-06-30T00:30:00Z", "to": "2026-07-01T00:30:00Z",
    "begun_at": "2026-07-01T00:30:02Z", "completed_at": "2026-07-01T00:30:03Z", "rows": 412, "unreadable": 0, "size_bytes": 61840,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}))]
pub struct ExportFileView {
    /// Its id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// What is in it.
    subject: ExportSubject,
    /// How it is written.
    format: ExportFormat,
    /// `whole`, or `writing` while it is not all there.
    #[schema(value_type = String, pattern = "^(writing|whole)$")]
    state: &'static str,
    /// Where its period begins.
    from: DateTime<Utc>,
    /// Where it ends. What ended, or happened, at this very instant is in the next one.
    to: DateTime<Utc>,
    /// When it was begun.
    begun_at: DateTime<Utc>,
    /// When all of it was there.
    completed_at: Option<DateTime<Utc>>,
    /// Executions or audit rows in it.
    rows: Option<u64>,
    /// Rows that belong to it and cannot be read: it goes without them. Executions are in the first file that is written once
    /// they can be read again; `msp repair` names the rows.
    unreadable: Option<u64>,
    /// How large it is.
    size_bytes: Option<u64>,
    /// The SHA-256 of its bytes, hexadecimal.
    sha256: Option<String>,
}

impl From<ExportFile> for ExportFileView {
    fn from(file: ExportFile) -> Self {
        let name = name(&file);
        let whole = file.whole;
        Self {
            id: file.id,
            name,
            subject: file.subject,
            format: file.format,
            state: file.state.name(),
            from: file.from,
            to: file.to,
            begun_at: file.begun_at,
            completed_at: whole.as_ref().map(|whole| whole.completed_at),
            rows: whole.as_ref().map(|whole| whole.rows),
            unreadable: whole.as_ref().map(|whole| whole.unreadable),
            size_bytes: whole.as_ref().map(|whole| whole.size_bytes),
            sha256: whole.map(|whole| whole.sha256),
        }
    }
}

/// What a file is called: after what is in it, and where its period ends.
pub(super) fn name(file: &ExportFile) -> String {
    format!("{}-{}.{}", file.subject.name().replace('_', "-"), file.to.format("%Y-%m-%dT%H%MZ"), file.format.name())
}
