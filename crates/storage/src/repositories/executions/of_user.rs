//! Executions of one user, found by the user's own mirror: what a person ran costs the same to list among thousands of runs
//! and among millions.

use super::{Execution, ExecutionFilter, ExecutionPage, Executions, rows};
use crate::repositories::if_readable;
use crate::repositories::merged::{MergedPage, MergedQuery, RowFilter as _, first_key};
use crate::repositories::paging::{SCAN_LIMIT, SCAN_PAGE};
use crate::{Entity, Query, StoreError, Table};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use msp_domain::{Scope, UserId};
use std::collections::HashMap;

/// Rows that decide looked up at once: one wait for the store serves all of them.
const AT_ONCE: usize = 16;

/// The user all of these filters are about, if it is one.
pub(super) fn only_user(scopes: &[(Scope, ExecutionFilter)]) -> Option<UserId> {
    let mut users = scopes.iter().map(|(_, filter)| filter.executed_by);
    let user = users.next().flatten()?;
    users.all(|other| other == Some(user)).then_some(user)
}

impl Executions {
    /// As [`Self::list`], for filters that are all about this user. The mirror says which executions there are and where, the
    /// rows that decide what they are; 5,000 rows of the mirror are looked at per answer.
    pub(super) async fn list_of_user(
        &self,
        user: UserId,
        scopes: Vec<(Scope, ExecutionFilter)>,
        query: MergedQuery<'_>,
    ) -> Result<ExecutionPage, StoreError> {
        let asked: HashMap<Scope, ExecutionFilter> = scopes.into_iter().collect();
        let (mut items, mut looked_at) = (Vec::new(), 0);
        let mut mirror = Query {
            row_from: Some(first_key(&query)?),
            row_before: Some(query.row_before.clone()),
            ..Query::partition(user.key())
        };
        loop {
            mirror.limit = if looked_at == 0 { query.limit + 1 } else { SCAN_PAGE };
            let page = self.journal.tables.query(Table::UserExecutions, mirror.clone()).await?;
            let mut found = stream::iter(page.entities).map(|row| self.mirrored(row, &asked)).buffered(AT_ONCE);
            while let Some((row_key, execution)) = found.try_next().await? {
                if items.len() == query.limit || looked_at == SCAN_LIMIT {
                    return Ok(MergedPage::ending_at(Some(row_key), items));
                }
                looked_at += 1;
                items.extend(execution);
            }
            drop(found);
            match page.continuation {
                Some(next) => mirror.continuation = Some(next),
                None => return Ok(MergedPage::ending_at(None, items)),
            }
        }
    }

    /// What a row of the mirror stands for, if that is asked for.
    async fn mirrored(
        &self,
        row: Entity,
        asked: &HashMap<Scope, ExecutionFilter>,
    ) -> Result<(String, Option<Execution>), StoreError> {
        let scope = if_readable(Table::UserExecutions, &row, rows::scope_of(&row));
        let Some((scope, filter)) = scope.and_then(|scope| Some((scope, asked.get(&scope)?))) else {
            return Ok((row.row_key, None));
        };
        let decides = self.journal.tables.get(Table::WorkflowExecutions, &scope.key(), &row.row_key).await?;
        let read = |decides: &Entity| if_readable(Table::WorkflowExecutions, decides, filter.read(scope, decides));
        let execution = decides.as_ref().and_then(read).flatten();
        Ok((row.row_key, execution))
    }
}
