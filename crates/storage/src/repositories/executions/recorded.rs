//! Runs that took place elsewhere, in the order in which they were put on record: they stand under times of their own, and
//! whoever looks for what is new finds them here. Rows `~recorded_{reverse time}_{record}` beside the executions; they sort
//! after every run, so no history shows them.

use super::{Executions, Started};
use crate::repositories::paging::{Scan, page};
use crate::repositories::{Listing, Unreadable};
use crate::{Entity, Query, StoreError, Table};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, Scope};
use uuid::Uuid;

/// What their keys begin with.
pub(in crate::repositories) const PREFIX: &str = "~recorded_";

/// That a run was put on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its own id; its time is when.
    pub id: Uuid,
    /// The run.
    pub execution_id: ExecutionId,
}

/// The row that says so, for the commit of the execution.
pub(super) fn row(scope: Scope, execution_id: ExecutionId, at: DateTime<Utc>) -> Entity {
    let key = ExecutionId::at(at).row_key().unwrap_or_default();
    Entity::new(scope.key(), format!("{PREFIX}{key}")).with("ExecutionId", execution_id.as_uuid())
}

/// The run it leads to.
pub(in crate::repositories) fn read(row: &Entity) -> Result<ExecutionId, StoreError> {
    let id = row.guid_opt("ExecutionId")?;
    Ok(id.ok_or_else(|| StoreError::Corrupt(format!("{} names no execution", row.row_key)))?.into())
}

impl Executions {
    /// What was put on record in a scope within a period, newest first, with a word of each row that cannot be read.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn recorded(
        &self,
        scope: Scope,
        period: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<Result<Recorded, Unreadable>>, StoreError> {
        let all = Query::partition(scope.key()).rows_with_prefix(PREFIX);
        let key = |key: String| format!("{PREFIX}{key}");
        let query = Query {
            row_from: period.row_from().map(key).or(all.row_from.clone()),
            row_before: period.row_before().map(key).or(all.row_before.clone()),
            ..all
        };
        let tables = self.journal.tables.as_ref();
        page(tables, Table::WorkflowExecutions, query, cursor, limit, Scan::Unfiltered, |row| {
            let id = row.row_key.rsplit('_').next().and_then(|id| id.parse().ok());
            let recorded = read(&row).ok().zip(id).map(|(execution_id, id)| Recorded { id, execution_id });
            Ok(Some(recorded.ok_or(Unreadable { id })))
        })
        .await
    }
}
