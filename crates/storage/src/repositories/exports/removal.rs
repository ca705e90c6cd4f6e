//! Removing files and schedules. A file is hidden first, then loses its bytes, then its row; a schedule goes first, then its
//! files. Interrupted anywhere, the same call goes on.

use super::carry::folder;
use super::files::{read, row_key};
use super::{ExportFile, ExportSchedule, Exports, FileState, STATE, TURN, described, scope_of};
use crate::repositories::audit::AuditDraft;
use crate::repositories::{Actor, check_version, clear_partition, retry};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use serde_json::json;
use uuid::Uuid;

/// Files looked at at once.
const AT_ONCE: usize = 100;

impl Exports {
    /// Deletes a schedule: it writes nothing any more. Its files go with [`Self::clear_deleted`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn delete(
        &self,
        (scope, id): (Scope, Uuid),
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let details = json!({ "before": described(&before) });
            let writes = vec![
                self.journal.audit.row(AuditDraft::new(scope, actor, "ExportSchedule.Delete", id.to_string(), details)),
                (Table::ExportSchedules, Write::delete(scope.key(), id.to_string(), IfMatch::Etag(before.etag))),
            ];
            self.journal.tables.commit(Commit::of(writes)).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    /// Removes the files of schedules that were deleted: of one scope, or of all.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn clear_deleted(&self, scope: Option<Scope>) -> Result<(), StoreError> {
        let query = scope.map_or_else(Query::default, |scope| Query::partition(scope.key()));
        let rows = self.journal.tables.query_all(Table::ExportSchedules, query).await?;
        let is_there = |scope: &str, id: &str| rows.iter().any(|row| row.partition_key == scope && row.row_key == id);
        for row in &rows {
            let Some(id) = row.row_key.strip_prefix(STATE).filter(|_| row.row_key != TURN) else { continue };
            if is_there(&row.partition_key, id) {
                continue;
            }
            if let Ok(id) = id.parse() {
                self.clear_files(id).await?;
            }
            self.forget(Table::ExportSchedules, row).await?;
        }
        Ok(())
    }

    /// Removes every schedule of a scope with its files: for an organization that goes.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn remove_all(&self, scope: Scope, actor: &Actor) -> Result<(), StoreError> {
        let rows = self.journal.tables.query_all(Table::ExportSchedules, Query::partition(scope.key())).await?;
        for row in rows.iter().filter(|row| !row.row_key.starts_with(STATE)) {
            let deleted = match row.row_key.parse() {
                Ok(id) => self.delete((scope_of(row)?, id), None, actor).await,
                Err(_) => Err(StoreError::NotFound),
            };
            match deleted {
                Ok(()) => {}
                // What cannot be read goes without a word of what it was.
                Err(StoreError::NotFound | StoreError::Corrupt(_)) => self.forget(Table::ExportSchedules, row).await?,
                Err(error) => return Err(error),
            }
        }
        self.clear_deleted(Some(scope)).await?;
        self.forget(Table::ExportSchedules, &Entity::new(scope.key(), TURN)).await
    }

    /// Removes a file for good, with an audit row.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when it changed meanwhile; [`StoreError::Full`] or [`StoreError::Unavailable`],
    /// and then it is in no list any more, and the next sweep goes on.
    pub async fn remove_file(&self, scope: Scope, file: &ExportFile, actor: &Actor) -> Result<(), StoreError> {
        let details = json!({ "before": {
            "schedule_id": file.schedule, "subject": file.subject, "from": file.from, "to": file.to,
            "rows": file.whole.as_ref().map(|whole| whole.rows),
            "sha256": file.whole.as_ref().map(|whole| whole.sha256.as_str()),
        } });
        let hidden = Entity::new(file.schedule.to_string(), row_key(file.id)).with("State", FileState::Removing.name());
        let writes = vec![
            self.journal.audit.row(AuditDraft::new(scope, actor, "ExportFile.Delete", file.id.to_string(), details)),
            (Table::ExportFiles, Write::Merge(hidden, IfMatch::Etag(file.etag.clone()))),
        ];
        self.journal.tables.commit(Commit::of(writes)).await?;
        self.drop_file(file.schedule, file.id).await
    }

    /// Goes on with the removal of files, and removes those that became whole before an instant or will never be whole.
    ///
    /// # Errors
    /// As for [`Self::remove_file`]; safe to repeat.
    pub async fn sweep(
        &self,
        schedule: &ExportSchedule,
        completed_before: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let mut query = Query::partition(schedule.id.to_string()).limit(AT_ONCE);
        let mut newer = false;
        loop {
            let page = self.journal.tables.query(Table::ExportFiles, query.clone()).await?;
            // One that is not readable stays: `msp repair` names it.
            for file in page.entities.iter().filter_map(|row| read(row).ok()) {
                let completed_at = file.whole.as_ref().map(|whole| whole.completed_at);
                if file.state == FileState::Removing {
                    self.drop_file(schedule.id, file.id).await?;
                    continue;
                }
                // Only the latest one may still become whole.
                let is_left = file.state == FileState::Writing && newer || file.is_superseded(schedule);
                newer = true;
                if is_left || completed_at.zip(completed_before).is_some_and(|(at, before)| at < before) {
                    self.remove_file(schedule.scope, &file, &Actor::PLATFORM).await?;
                }
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Removes the bytes of a file and the rows that name them.
    pub(super) async fn remove_bytes(&self, file: Uuid) -> Result<(), StoreError> {
        self.files.remove_parts(file).await?;
        clear_partition(self.journal.tables.as_ref(), Table::ExportFiles, file.to_string()).await
    }

    async fn drop_file(&self, schedule: Uuid, file: Uuid) -> Result<(), StoreError> {
        self.remove_bytes(file).await?;
        match self
            .journal
            .tables
            .write(Table::ExportFiles, Write::delete(schedule.to_string(), row_key(file), IfMatch::Any))
            .await
        {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn clear_files(&self, schedule: Uuid) -> Result<(), StoreError> {
        for row in self.journal.tables.query_all(Table::ExportFiles, Query::partition(schedule.to_string())).await? {
            self.hide(&row).await?;
            if let Some(file) = super::names_file(&row) {
                self.remove_bytes(file).await?;
            }
            self.forget(Table::ExportFiles, &row).await?;
        }
        for path in self.blobs.list(&folder(schedule)).await? {
            self.blobs.delete(&path).await?;
        }
        Ok(())
    }

    /// From now on whoever writes this file adds no row to it.
    async fn hide(&self, row: &Entity) -> Result<(), StoreError> {
        let hidden = Entity::new(row.partition_key.as_str(), row.row_key.as_str());
        let hidden = hidden.with("State", FileState::Removing.name());
        match self.journal.tables.write(Table::ExportFiles, Write::Merge(hidden, IfMatch::Any)).await {
            Ok(_) | Err(StoreError::NotFound | StoreError::Corrupt(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn forget(&self, table: Table, row: &Entity) -> Result<(), StoreError> {
        let delete = Write::delete(row.partition_key.as_str(), row.row_key.as_str(), IfMatch::Any);
        match self.journal.tables.write(table, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
