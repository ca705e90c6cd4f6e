//! One list over many scopes, newest first. Row keys sort the same way in every partition, so one position in time is a
//! position in each of them.

use super::{Execution, ExecutionFilter, Executions, rows};
use crate::repositories::Listing;
use crate::repositories::paging::{SCAN_LIMIT, Scan, decode, encode, page};
use crate::{Entity, Query, StoreError, Table};
use msp_domain::Scope;
use std::collections::VecDeque;

/// Fewest rows read at once from a scope: reading one at a time would cost a query each.
const SMALLEST_PAGE: usize = 5;
/// Fewest rows a filter looks at in a scope, however many scopes share the limit.
const SMALLEST_SCAN: usize = 50;

/// One scope on its way through the merge.
struct Lane {
    scope: Scope,
    filter: ExecutionFilter,
    /// Rows read and not answered yet, newest first, with their keys.
    ahead: VecDeque<(String, Execution)>,
    /// The key from which on the scope has not been looked at; `None` at its end.
    rest: Option<String>,
}

impl Lane {
    fn is_filtered(&self) -> bool {
        self.filter != ExecutionFilter::default()
    }

    /// Where the lane stands: its next row, or what it has not looked at.
    fn position(&self) -> Option<&str> {
        self.ahead.front().map(|(key, _)| key.as_str()).or(self.rest.as_deref())
    }
}

impl Executions {
    /// Newest first over several scopes, each with its own filter. Rows looked at are bounded for all scopes together as
    /// [`Self::list`] bounds them for one: a page may be short, even empty, while `next_cursor` says that older rows
    /// remain.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list_across(
        &self,
        scopes: Vec<(Scope, ExecutionFilter)>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<Execution>, StoreError> {
        let from = cursor.map(decode).transpose()?.unwrap_or_default();
        let lane_count = scopes.len();
        let mut lanes: Vec<Lane> = scopes
            .into_iter()
            .map(|(scope, filter)| Lane { scope, filter, ahead: VecDeque::new(), rest: Some(from.clone()) })
            .collect();
        for lane in &mut lanes {
            self.read_on(lane, lane_count, limit).await?;
        }
        let mut items = Vec::new();
        loop {
            let newest = lanes
                .iter_mut()
                .filter_map(|lane| lane.position().map(str::to_owned).map(|position| (position, lane)))
                .min_by(|(a, _), (b, _)| a.cmp(b));
            let Some((position, lane)) = newest else { return Ok(Listing { items, next_cursor: None }) };
            // A lane without rows ahead was not looked at far enough: nothing older may be answered before it is.
            if items.len() == limit || lane.ahead.is_empty() {
                return Ok(Listing { items, next_cursor: Some(encode(&position)) });
            }
            items.extend(lane.ahead.pop_front().map(|(_, execution)| execution));
            if lane.ahead.is_empty() && !lane.is_filtered() {
                self.read_on(lane, lane_count, limit).await?;
            }
        }
    }

    /// Reads the next rows of a lane. A filtered lane is read once per call, because that is what bounds its scan.
    async fn read_on(&self, lane: &mut Lane, lane_count: usize, limit: usize) -> Result<(), StoreError> {
        let Some(from) = lane.rest.take() else { return Ok(()) };
        let scope = lane.scope;
        let query =
            Query { row_before: Some(super::lookup::RESERVED_ROWS.to_owned()), ..Query::partition(scope.key()) };
        let (scan, size) = if lane.is_filtered() {
            (Scan::AtMost((SCAN_LIMIT / lane_count).max(SMALLEST_SCAN)), limit)
        } else {
            (Scan::Unfiltered, (limit / lane_count + 1).max(SMALLEST_PAGE).min(limit))
        };
        let filter = &lane.filter;
        let read = |row: Entity| {
            let execution = rows::read(scope, &row)?;
            Ok(filter.admits(&execution).then_some((row.row_key, execution)))
        };
        let cursor = encode(&from);
        let cursor = (!from.is_empty()).then_some(cursor.as_str());
        let tables = self.journal.tables.as_ref();
        let listing = page(tables, Table::WorkflowExecutions, query, cursor, size, scan, read).await?;
        lane.ahead = listing.items.into();
        lane.rest = listing.next_cursor.as_deref().map(decode).transpose()?;
        Ok(())
    }
}
