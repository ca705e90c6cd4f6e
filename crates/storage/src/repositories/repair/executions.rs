//! Executions: `WorkflowExecutions` decides; `UserExecutions` lists them by user, `ActiveExecutions` points to those that
//! have not ended or are not counted, and idempotency marks lead to them.

use super::blobs::Named;
use super::counters::Recount;
use super::{Finding, Pass, Walk, as_found};
use crate::repositories::executions::{counters, lifecycle, lookup::RESERVED_ROWS, marks, recorded, removal, rows};
use crate::repositories::notifications::check_notice;
use crate::{Entity, StoreError, Table};
use msp_domain::{ExecutionId, Scope};

impl Pass<'_> {
    /// Answers the blobs that executions name.
    pub(super) async fn executions(&mut self) -> Result<Named, StoreError> {
        self.removals().await?;
        let mut named = Named::default();
        let mut recount = Recount::of(self.repositories.executions.active().await?);
        let mut walk = Walk::over(Table::WorkflowExecutions);
        while let Some(found) = self.next_page(&mut walk).await? {
            for row in found {
                self.recount(&mut recount, &row).await?;
                if row.row_key.starts_with(RESERVED_ROWS) {
                    self.mark(&row).await?;
                } else {
                    self.execution(&row, &mut named).await?;
                }
            }
        }
        self.compare(&mut recount).await?;
        let mut walk = Walk::over(Table::UserExecutions);
        while let Some(found) = self.next_page(&mut walk).await? {
            for row in found {
                self.listed_execution(&row).await?;
            }
        }
        let mut walk = Walk::over(Table::ActiveExecutions);
        while let Some(found) = self.next_page(&mut walk).await? {
            // A log that waits to be packed leads nowhere else; the next engine packs what there is of it.
            for row in found.into_iter().filter(|row| row.partition_key == lifecycle::ACTIVE_PARTITION) {
                if row.row_key.starts_with(counters::PREFIX) {
                    self.counter(&recount, &row).await?;
                } else if !row.row_key.starts_with(RESERVED_ROWS) {
                    self.pointer(&row).await?;
                } else if let Err(error) = check_notice(&row) {
                    self.unreadable(Table::ActiveExecutions, &row, error);
                }
            }
        }
        Ok(named)
    }

    /// Finishes removals first: what is left of them would look like damage.
    async fn removals(&mut self) -> Result<(), StoreError> {
        let executions = &self.repositories.executions;
        let mut walk = Walk::of_partition(Table::ActiveExecutions, removal::REMOVING_PARTITION);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in &rows {
                if let Err(error) = removal::read_removal(row) {
                    self.unreadable(Table::ActiveExecutions, row, error);
                }
            }
        }
        for begun in executions.removals().await? {
            self.tally.repairable += 1;
            (self.see)(&Finding::RemovalUnfinished { id: begun.execution_id });
            if self.mend {
                executions.remove(begun.scope, begun.execution_id).await?;
            }
        }
        Ok(())
    }

    async fn execution(&mut self, row: &Entity, named: &mut Named) -> Result<(), StoreError> {
        let scope = Scope::from_key(&row.partition_key).map_err(|error| error.to_string());
        let execution = match scope.and_then(|scope| rows::read(scope, row).map_err(|error| error.to_string())) {
            Ok(execution) => execution,
            Err(reason) => {
                // What it names it may still need, and it may name what cannot be made out.
                named.add_all(row, uuid::Uuid::nil());
                named.kept_executions.extend(row.row_key.rsplit('_').next().map(str::to_owned));
                self.unreadable(Table::WorkflowExecutions, row, reason);
                return Ok(());
            }
        };
        named.add_all(row, execution.id.as_uuid());
        let decides = (Table::WorkflowExecutions, row);
        // A row another tool wrote may name nobody, and then is in nobody's list.
        if !execution.executed_by.as_uuid().is_nil() {
            let mirror = rows::mirror(&execution, &row.row_key);
            let finding = Finding::ExecutionNotListed { id: execution.id };
            self.mirrored(decides, (Table::UserExecutions, mirror), finding).await?;
        }
        if !execution.status.is_final() {
            let pointer = rows::active(&execution);
            let finding = Finding::PointerMissing { id: execution.id };
            self.mirrored(decides, (Table::ActiveExecutions, pointer), finding).await?;
        }
        Ok(())
    }

    async fn listed_execution(&mut self, row: &Entity) -> Result<(), StoreError> {
        // A mirror that names no readable place has no execution there.
        let scope = rows::scope_of(row).unwrap_or(Scope::Global);
        let keys = (scope.key(), row.row_key.clone());
        let decides = self.found(Table::WorkflowExecutions, &keys).await?;
        let is_theirs = |decides: &Entity| match decides.text_opt("ExecutedBy") {
            Ok(user) if !decides.properties.is_empty() => user == Some(row.partition_key.as_str()),
            // Not readable, which has been said; the mirror may be right.
            _ => true,
        };
        if decides.as_ref().is_some_and(is_theirs) {
            return Ok(());
        }
        let guard = as_found(Table::WorkflowExecutions, keys, decides.as_ref())?;
        let finding = Finding::ExecutionOnlyListed { user: row.partition_key.clone(), row_key: row.row_key.clone() };
        self.superfluous(Table::UserExecutions, row, guard, &finding)
    }

    async fn pointer(&mut self, row: &Entity) -> Result<(), StoreError> {
        // A pointer that is not readable leads nowhere; those that are needed were written anew before.
        let keys = target(row).ok().flatten().unwrap_or_else(|| (Scope::Global.key(), row.row_key.clone()));
        let decides = self.found(Table::WorkflowExecutions, &keys).await?;
        // One that has ended is not counted yet: the next engine does that.
        if decides.is_some() {
            return Ok(());
        }
        let guard = as_found(Table::WorkflowExecutions, keys, None)?;
        let finding = Finding::PointerStale { row_key: row.row_key.clone() };
        self.superfluous(Table::ActiveExecutions, row, guard, &finding)
    }

    async fn mark(&mut self, row: &Entity) -> Result<(), StoreError> {
        let is_record = row.row_key.starts_with(recorded::PREFIX);
        if !is_record && !row.row_key.starts_with(marks::PREFIX) {
            return Ok(());
        }
        let keys = match row.guid_opt("ExecutionId") {
            Ok(Some(id)) => (row.partition_key.clone(), row_key(id.into())),
            _ => {
                self.unreadable(Table::WorkflowExecutions, row, "it names no execution");
                return Ok(());
            }
        };
        // Batches have marks among those of executions, and row keys of the same form.
        for table in [Table::WorkflowExecutions, Table::Batches] {
            if self.found(table, &keys).await?.is_some() {
                return Ok(());
            }
        }
        let scope = keys.0.clone();
        let finding =
            if is_record { Finding::RecordLeadsNowhere { scope } } else { Finding::MarkLeadsNowhere { scope } };
        let guard = as_found(Table::WorkflowExecutions, keys, None)?;
        self.superfluous(Table::WorkflowExecutions, row, guard, &finding)
    }
}

/// The keys of the execution a pointer leads to.
fn target(pointer: &Entity) -> Result<Option<(String, String)>, StoreError> {
    let scope = rows::scope_of(pointer)?;
    Ok(pointer.guid_opt("ExecutionId")?.map(|id| (scope.key(), row_key(id.into()))))
}

/// What the platform itself runs always has an id that carries its time.
fn row_key(id: ExecutionId) -> String {
    id.row_key().unwrap_or_else(|| id.key())
}
