//! Finding one execution.

use super::record::Execution;
use super::{Executions, rows};
use crate::{Comparison, Entity, Filter, Query, StoreError, Table};
use msp_domain::{ExecutionId, Scope, UserId};

/// Rows whose key starts with this are no executions: idempotency marks sort after every run (design section 3).
pub(in crate::repositories) const RESERVED_ROWS: &str = "~";
/// Most pages a lookup by filter reads: ids without a time come from other tools, and a guessed one must not cost a
/// walk over a million rows.
const LOOKUP_PAGES: usize = 100;

impl Executions {
    /// The execution with this id in exactly this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Ok(self.find(scope, id).await?.map(|(_, execution)| execution))
    }

    /// Where one of the user's own executions runs; `None` if the user never ran it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the mirror row is not readable.
    pub async fn scope_of_own(&self, user: UserId, id: ExecutionId) -> Result<Option<Scope>, StoreError> {
        let row = self.find_row(Table::UserExecutions, user.key(), id).await?;
        row.as_ref().map(rows::scope_of).transpose()
    }

    /// The row key of an execution: from the id alone, or found by filter.
    pub(super) async fn row_key(&self, scope: Scope, id: ExecutionId) -> Result<Option<String>, StoreError> {
        match id.row_key() {
            Some(row_key) => Ok(Some(row_key)),
            None => Ok(self.find_row(Table::WorkflowExecutions, scope.key(), id).await?.map(|row| row.row_key)),
        }
    }

    pub(super) async fn find(&self, scope: Scope, id: ExecutionId) -> Result<Option<(String, Execution)>, StoreError> {
        match self.find_row(Table::WorkflowExecutions, scope.key(), id).await? {
            Some(row) => rows::read(scope, &row).map(|execution| Some((row.row_key, execution))),
            None => Ok(None),
        }
    }

    async fn find_row(
        &self,
        table: Table,
        partition_key: String,
        id: ExecutionId,
    ) -> Result<Option<Entity>, StoreError> {
        if let Some(row_key) = id.row_key() {
            return self.journal.tables.get(table, &partition_key, &row_key).await;
        }
        let is = |value| Filter::Compare("ExecutionId".to_owned(), Comparison::Eq, value);
        let mut query = Query { row_before: Some(RESERVED_ROWS.to_owned()), ..Query::partition(partition_key) };
        query.filter = Some(Filter::Or(vec![is(id.as_uuid().into()), is(id.key().into())]));
        for _ in 0..LOOKUP_PAGES {
            let page = self.journal.tables.query(table, query.clone()).await?;
            if let Some(row) = page.entities.into_iter().next() {
                return Ok(Some(row));
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}
