//! Files: a row that leads nowhere is removed, and with it what it would have named.

use super::blobs::Named;
use super::{Finding, Pass, Walk, as_found};
use crate::repositories::etag_of;
use crate::repositories::executions::{lookup::RESERVED_ROWS, packing, rows::scope_of};
use crate::repositories::exports::{check_file, check_schedule, is_part, names_file};
use crate::repositories::files::{self, State};
use crate::{Commit, Entity, IfMatch, StoreError, Table, Write};
use msp_domain::{ExecutionId, ExecutionStatus};
use std::collections::HashSet;
use uuid::Uuid;

impl Pass<'_> {
    /// Adds the blobs of files.
    pub(super) async fn files(&mut self, named: &mut Named) -> Result<(), StoreError> {
        let mut walk = Walk::over(Table::Uploads);
        while let Some(uploads) = self.next_page(&mut walk).await? {
            // They come and go while the server runs; those that stay too long are swept.
            for row in uploads.into_iter().filter(|row| !row.row_key.starts_with(RESERVED_ROWS)) {
                if let Err(error) = files::check_upload(&row) {
                    self.unreadable(Table::Uploads, &row, error);
                }
                named.kept.insert(row.row_key);
            }
        }
        let mut walk = Walk::over(Table::ExecutionFiles);
        while let Some(files) = self.next_page(&mut walk).await? {
            for row in files {
                self.file(&row, named).await?;
            }
        }
        Ok(())
    }

    /// Adds the blobs of files that exports wrote, or are writing, and of what those leave for the next ones.
    pub(super) async fn exports(&mut self, named: &mut Named) -> Result<(), StoreError> {
        let mut of_files = HashSet::new();
        let mut walk = Walk::over(Table::ExportFiles);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows.into_iter().filter(|row| !is_part(row)) {
                // What it names it may still need, readable or not.
                of_files.extend(names_file(&row));
                if let Err(error) = check_file(&row) {
                    self.unreadable(Table::ExportFiles, &row, error);
                }
            }
        }
        let mut walk = Walk::over(Table::ExportFiles);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows.into_iter().filter(is_part) {
                match names_file(&row) {
                    Some(file) if of_files.contains(&file) => named.add_all(&row, file),
                    _ => {
                        let if_match = IfMatch::Etag(etag_of(&row)?);
                        let delete = Write::delete(row.partition_key.clone(), row.row_key.clone(), if_match);
                        let finding = Finding::PartOfNoExport { file: row.partition_key };
                        self.repairable(&finding, Commit::of(vec![(Table::ExportFiles, delete)]));
                    }
                }
            }
        }
        named.kept.extend(of_files.iter().map(Uuid::to_string));
        let mut walk = Walk::over(Table::ExportSchedules);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows {
                // What files left for the next ones: the next one finds it anew.
                let of = row.row_key.trim_start_matches('~').parse().unwrap_or_default();
                named.add_recoverable(&row, of);
                if let Err(error) = check_schedule(&row) {
                    named.kept.insert(of.to_string());
                    self.unreadable(Table::ExportSchedules, &row, error);
                }
            }
        }
        Ok(())
    }

    async fn file(&mut self, row: &Entity, named: &mut Named) -> Result<(), StoreError> {
        let of = packing::execution_of(&row.partition_key).and_then(|id| Ok((id, scope_of(row)?)));
        let (id, scope) = match of {
            Ok(of) => of,
            Err(error) => {
                // What it names it may still need.
                named.kept.insert(row.row_key.clone());
                self.unreadable(Table::ExecutionFiles, row, error);
                return Ok(());
            }
        };
        let keys = (scope.key(), id.row_key().unwrap_or_else(|| id.key()));
        let execution = self.found(Table::WorkflowExecutions, &keys).await?;
        let is_lost = match &execution {
            None => true,
            Some(execution) => State::of(row) == State::Partial && has_ended(execution),
        };
        if is_lost {
            let guard = as_found(Table::WorkflowExecutions, keys, execution.as_ref())?;
            return self.superfluous(Table::ExecutionFiles, row, guard, &finding(id, row));
        }
        match State::of(row) {
            State::Whole => named.add_all(row, id.as_uuid()),
            State::Partial => drop(named.kept.insert(row.row_key.clone())),
        }
        Ok(())
    }
}

/// Whether it says so: one whose status is not readable may go on.
fn has_ended(execution: &Entity) -> bool {
    execution.text("Status").ok().and_then(|status| status.parse().ok()).is_some_and(ExecutionStatus::is_final)
}

fn finding(id: ExecutionId, row: &Entity) -> Finding {
    Finding::FileOfNobody { id, file: row.row_key.clone() }
}
