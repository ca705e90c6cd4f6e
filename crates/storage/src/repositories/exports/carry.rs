//! What one file leaves for the next: so that nothing is in two files, and nothing in none.

use super::{ExportSchedule, Exports, state};
use crate::repositories::{Actor, audit::AuditDraft, write_over};
use crate::{Commit, StoreError, Table};
use bytes::Bytes;
use msp_domain::ExecutionId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Where what files leave for the next ones is.
pub(in crate::repositories) const FOLDER: &str = "exports/";

/// What a file leaves for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carry {
    /// Executions that started before the end of the file and had not ended then, with their partition: they are looked up
    /// one by one, however long ago they started.
    pub open: Vec<(String, ExecutionId)>,
    /// What has been dealt with and carries a time shortly before the end of the file: the next file looks there again, for what
    /// was written with an earlier time than it came.
    pub seen: BTreeSet<Uuid>,
}

impl Exports {
    /// What the last file of a schedule left.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is gone or not readable: without it something would be in two files or in none, so it
    /// is found anew and put on record with [`Self::recover`].
    pub async fn carry(&self, schedule: &ExportSchedule) -> Result<Carry, StoreError> {
        let Some(path) = &schedule.carry_blob else { return Ok(Carry::default()) };
        let content = self.blobs.get(path).await?;
        let content = content.ok_or_else(|| StoreError::Corrupt(format!("{path} is gone")))?;
        serde_json::from_slice(&content).map_err(|error| StoreError::Corrupt(format!("{path}: {error}")))
    }

    /// Puts on record what was found anew, with an audit row. `is_exact`: whether the files of the last minutes were read
    /// for it; otherwise everything from before the end of the last one counts as written.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when the schedule went on meanwhile; [`StoreError::Full`] or
    /// [`StoreError::Unavailable`].
    pub async fn recover(
        &self,
        schedule: &ExportSchedule,
        carry: &Carry,
        is_exact: bool,
    ) -> Result<ExportSchedule, StoreError> {
        let path = self.put_carry(schedule.id, Uuid::new_v4(), carry).await?;
        let details = json!({
            "subject": schedule.subject, "through": schedule.through, "not_ended": carry.open.len(), "exact": is_exact,
        });
        let id = schedule.id.to_string();
        let draft = AuditDraft::new(schedule.scope, &Actor::PLATFORM, "ExportSchedule.Recover", id, details);
        let recovered = ExportSchedule { carry_blob: Some(path), ..schedule.clone() };
        let writes = vec![
            self.journal.audit.row(draft),
            (Table::ExportSchedules, write_over(schedule.state.clone(), state(&recovered))),
        ];
        self.journal.tables.commit(Commit::of(writes)).await?;
        self.get(schedule.scope, schedule.id).await?.ok_or(StoreError::NotFound)
    }

    pub(super) async fn put_carry(&self, schedule: Uuid, file: Uuid, carry: &Carry) -> Result<String, StoreError> {
        let path = carry_path(schedule, file);
        let content = serde_json::to_vec(carry).map_err(|error| StoreError::Limit(error.to_string()))?;
        self.blobs.put(&path, Bytes::from(content)).await?;
        Ok(path)
    }

    pub(super) async fn drop_carry(&self, schedule: Uuid, file: Uuid) -> Result<(), StoreError> {
        self.blobs.delete(&carry_path(schedule, file)).await
    }
}

fn carry_path(schedule: Uuid, file: Uuid) -> String {
    format!("{}{file}.json", folder(schedule))
}

/// The schedule and the file that left what is at this path.
pub(in crate::repositories) fn of_carry(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(FOLDER)?.strip_suffix(".json")?.split_once('/')
}

/// Where the blobs of a schedule itself are.
pub(super) fn folder(schedule: Uuid) -> String {
    format!("{FOLDER}{schedule}/")
}
