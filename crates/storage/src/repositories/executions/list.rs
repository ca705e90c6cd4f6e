//! Executions of any number of scopes, newest first.

use super::{Execution, ExecutionFilter, Executions, Started, lookup::RESERVED_ROWS, of_user::only_user, rows};
use crate::repositories::merged::{Lenient, MergedPage, MergedQuery, RowFilter, Unreadable, merged};
use crate::{Entity, StoreError, Timeline};
use msp_domain::Scope;

/// One page of executions.
pub type ExecutionPage = MergedPage<Execution>;

impl RowFilter for ExecutionFilter {
    type Item = Execution;

    fn is_filtered(&self) -> bool {
        *self != Self::default()
    }

    fn read(&self, scope: Scope, row: &Entity) -> Result<Option<Execution>, StoreError> {
        let execution = rows::read(scope, row)?;
        Ok(self.admits(&execution).then_some(execution))
    }
}

impl Executions {
    /// Newest first over several scopes, each with its own filter. Filters look at 5,000 rows for all scopes together
    /// (design section 10), or at five of each scope if that is more: a page may be short, even empty, while
    /// `next_cursor` says that older rows remain. Filters that are all about one user look at what that user ran, and at nothing
    /// else.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(
        &self,
        scopes: Vec<(Scope, ExecutionFilter)>,
        started: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<ExecutionPage, StoreError> {
        let query = query(started, cursor, limit);
        match only_user(&scopes) {
            Some(user) => self.list_of_user(user, scopes, query).await,
            None => merged(self.journal.tables.as_ref(), query, scopes).await,
        }
    }

    /// As [`Self::list`] of one scope, everything, with a word of each row that cannot be read.
    ///
    /// # Errors
    /// As for [`Self::list`].
    pub async fn list_lenient(
        &self,
        scope: Scope,
        started: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<Result<Execution, Unreadable>>, StoreError> {
        let query = query(started, cursor, limit);
        merged(self.journal.tables.as_ref(), query, vec![(scope, Lenient(ExecutionFilter::default()))]).await
    }
}

fn query(started: Started, cursor: Option<&str>, limit: usize) -> MergedQuery<'_> {
    MergedQuery {
        timeline: Timeline::Executions,
        row_from: started.row_from(),
        row_before: started.row_before().unwrap_or_else(|| RESERVED_ROWS.to_owned()),
        cursor,
        limit,
    }
}
