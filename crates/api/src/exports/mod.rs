//! Exports on a schedule are written here, one file after the other, by the one process that holds the engine lock.
//!
//! What is due follows from the schedules and how far each is, and a file is on record before its first byte: whatever
//! interrupts this, the next start goes on. Several times that were missed become one file.

mod gather;
mod recover;

pub(crate) use gather::beginning;

use crate::state::{Api, ApiState};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use gather::gather;
use msp_domain::{ExportSubject, Scope};
use msp_engine::{
    fault::{FaultPoint, reach},
    keep_running,
};
use msp_storage::{
    StoreError,
    repositories::exports::{ExportFile, ExportSchedule},
};
use recover::recover;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex as Turn, Notify},
    time::timeout,
};

/// How often it is looked for what is due: the clock may have been set, and stands still while the machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// From one removal of old files to the next.
const SWEEP_EVERY: TimeDelta = TimeDelta::hours(1);

/// The writer, as others see it.
#[derive(Default)]
pub(crate) struct Exporter {
    asked: Notify,
    turn: Turn<Option<DateTime<Utc>>>,
}

impl Exporter {
    /// Says that something may be due now.
    pub fn ask(&self) {
        self.asked.notify_one();
    }
}

impl ApiState {
    /// Writes exports when they are due, until the server stops. Stopping it anywhere is harmless.
    pub fn start_exports(self: &Arc<Self>) {
        let api = Arc::clone(self);
        keep_running("exports", move || Arc::clone(&api).export());
    }

    async fn export(self: Arc<Self>) {
        let work = async {
            loop {
                if let Err(error) = self.write_due_exports().await {
                    tracing::warn!(error = %error, "Exports on a schedule cannot be looked for; it is tried again");
                }
                let _ = timeout(LOOK_EVERY, self.exporter.asked.notified()).await;
            }
        };
        self.closing.run_until_cancelled(work).await;
    }

    /// Writes what is due now, and removes what need not be kept any longer.
    ///
    /// # Errors
    /// [`StoreError`] when the schedules cannot be read. A file that cannot be written is no error: its schedule says so.
    pub async fn write_due_exports(self: &Arc<Self>) -> Result<(), StoreError> {
        // One at a time: a file is long, and reads a lot.
        let mut swept_at = self.exporter.turn.lock().await;
        let exports = &self.repositories.exports;
        let schedules = exports.all().await?;
        let now = self.clock.now();
        let sweeps = swept_at.is_none_or(|at| now - at >= SWEEP_EVERY);
        for schedule in &schedules {
            let outcome = self.attend(schedule, sweeps).await;
            if let Err(error) = &outcome {
                tracing::error!(
                    export.id = %schedule.id, error = %error,
                    "An export could not be written; it is tried again"
                );
            }
            let failure = outcome.err().map(|error| said(&error));
            // A whole file has said so itself.
            if failure.is_some() || schedule.failure.is_some() {
                let noted = exports.note((schedule.scope, schedule.id), failure).await;
                if let Err(error) = noted {
                    tracing::warn!(export.id = %schedule.id, error = %error, "Why an export failed is not on record");
                }
            }
        }
        exports.clear_deleted(None).await?;
        if sweeps {
            *swept_at = Some(now);
        }
        Ok(())
    }

    async fn attend(self: &Arc<Self>, schedule: &ExportSchedule, sweeps: bool) -> Result<(), StoreError> {
        let exports = &self.repositories.exports;
        let Some(zone) = self.zone(schedule.scope).await? else { return Ok(()) };
        let key = (schedule.scope, schedule.id);
        let Some((mut begun, mut current)) = exports.unfinished(key).await? else { return Ok(()) };
        // First: what is written next may need the room.
        if sweeps {
            let days = self.kept_for(&current).await?;
            let before = days.map(|days| self.clock.now() - TimeDelta::days(days.into()));
            exports.sweep(&current, before).await?;
        }
        let due = schedule.terms.recurrence.latest(self.clock.now(), zone).filter(|due| *due > current.through);
        if let Some(due) = due.filter(|_| begun.is_none() && current.terms.is_enabled) {
            exports.begin(key, due, None).await?;
            let Some(again) = exports.unfinished(key).await? else { return Ok(()) };
            (begun, current) = again;
        }
        if let Some(file) = begun {
            reach(FaultPoint::AfterExportBegun);
            self.write_export(&current, &file).await?;
        }
        Ok(())
    }

    /// Days for which the files of a schedule are kept. Of executions an organization keeps none for longer than executions
    /// themselves: the limit is an administrator's, the schedule need not be.
    async fn kept_for(&self, schedule: &ExportSchedule) -> Result<Option<u32>, StoreError> {
        let wanted = schedule.terms.keep_days;
        if schedule.scope == Scope::Global || schedule.subject != ExportSubject::Executions {
            return Ok(wanted);
        }
        let limit = self.repositories.retention.days_of(schedule.scope).await?;
        Ok(wanted.into_iter().chain(limit).min())
    }

    async fn write_export(self: &Arc<Self>, schedule: &ExportSchedule, file: &ExportFile) -> Result<(), StoreError> {
        let written = self.write_whole(schedule, file).await;
        // Removed meanwhile, with its schedule or its organization: then nothing is left to be tried again.
        if written.is_err() && self.repositories.exports.abandon(file).await? {
            return Ok(());
        }
        written
    }

    async fn write_whole(self: &Arc<Self>, schedule: &ExportSchedule, file: &ExportFile) -> Result<(), StoreError> {
        let exports = &self.repositories.exports;
        let (schedule, carry) = match exports.carry(schedule).await {
            Err(StoreError::Corrupt(error)) => {
                tracing::error!(export.id = %schedule.id, error, "What an export left for the next one is gone and is found anew");
                recover(self, schedule).await?
            }
            carry => (schedule.clone(), carry?),
        };
        let mut writer = exports.writer(file).await?;
        let (counted, carry) = gather(self, &schedule, file, carry, &mut writer).await?;
        if counted.unreadable > 0 {
            tracing::error!(
                export.id = %schedule.id, export_file.id = %file.id, unreadable = counted.unreadable,
                "Rows are not readable and left out of an export; `msp repair` names them"
            );
        }
        reach(FaultPoint::AfterExportWritten);
        exports.complete(&schedule, file, writer, (counted, &carry)).await
    }

    /// The clocks a scope goes by; `None` for an organization that is being deleted.
    async fn zone(&self, scope: Scope) -> Result<Option<Tz>, StoreError> {
        if let Scope::Org(org) = scope {
            let organization = self.repositories.organizations.get(org).await?;
            if organization.is_none_or(|organization| organization.deletion.is_some()) {
                return Ok(None);
            }
        }
        self.repositories.time_zone_of(scope).await.map(Some)
    }
}

/// A failure in words for whoever looks at the schedule: nothing internal.
fn said(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full(_) => "the store has no room left",
        StoreError::Unavailable(_) => "the store cannot be reached",
        StoreError::Corrupt(_) => "something that is to be exported cannot be read; `msp repair` names it",
        StoreError::NotFound | StoreError::AlreadyExists | StoreError::PreconditionFailed => {
            "the schedule was changed meanwhile"
        }
        StoreError::Limit(_) => "it is more than can be stored",
    }
}

/// Every scope a schedule is about.
async fn scopes(api: &Api, schedule: Scope) -> Result<Vec<Scope>, StoreError> {
    if schedule != Scope::Global {
        return Ok(vec![schedule]);
    }
    Ok(api.repositories.seals.scopes().await?.into_iter().collect())
}
