//! Executions that have been over for long enough.

use super::filter::just_before;
use super::lookup::RESERVED_ROWS;
use super::{Execution, Executions, rows};
use crate::{Query, StoreError, Table};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, Scope};

/// Some executions that ended before an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Which.
    pub ids: Vec<ExecutionId>,
    /// Rows among them that nobody can read, by their keys: whether they have ended is not known.
    pub unreadable: Vec<String>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

impl Executions {
    /// Executions of a scope that ended before an instant, from the latest to start on; at most `limit` rows are looked at.
    /// What ended before has started before, and row keys begin with the start: nothing younger is ever read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ended_before(
        &self,
        scope: Scope,
        instant: DateTime<Utc>,
        from: Option<String>,
        limit: usize,
    ) -> Result<Expired, StoreError> {
        let query = Query {
            row_from: from.max(Some(just_before(instant))),
            row_before: Some(RESERVED_ROWS.to_owned()),
            ..Query::partition(scope.key())
        };
        let page = self.journal.tables.query(Table::WorkflowExecutions, query.limit(limit)).await?;
        let mut expired =
            Expired { ids: Vec::new(), unreadable: Vec::new(), next: page.continuation.map(|next| next.row_key) };
        for row in page.entities {
            match rows::read(scope, &row) {
                Ok(execution) if is_over(&execution, instant) => expired.ids.push(execution.id),
                Ok(_) => {}
                Err(_) => expired.unreadable.push(row.row_key),
            }
        }
        Ok(expired)
    }
}

/// A row that another tool wrote may not say when it ended; its start does then.
fn is_over(execution: &Execution, instant: DateTime<Utc>) -> bool {
    execution.status.is_final()
        && execution.started_at < instant
        && execution.completed_at.unwrap_or(execution.started_at) < instant
}
