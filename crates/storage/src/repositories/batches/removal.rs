//! Removing batches: taken back, expired, or with their organization. The executions their rows became are not touched.

use super::{Batch, BatchFilter, Batches, OPEN_PARTITION, read};
use crate::repositories::clear_partition;
use crate::{IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use msp_domain::ids::reverse_timestamp;

/// Batches removed between two looks.
const REMOVED_AT_ONCE: usize = 100;

impl Batches {
    /// Removes a batch of which nobody was told and no row has begun, or whose last row has ended.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn withdraw(&self, batch: &Batch) -> Result<(), StoreError> {
        let row_key = batch.id.row_key().unwrap_or_default();
        let deletes = [
            (Table::ActiveExecutions, Write::delete(OPEN_PARTITION, batch.id.key(), IfMatch::Any)),
            (Table::Batches, Write::delete(batch.scope.key(), row_key, IfMatch::Any)),
        ];
        for (table, delete) in deletes {
            match self.journal.tables.write(table, delete).await {
                Ok(_) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        // Last: a batch without its rows could never be closed, a blob without a batch is in nobody's way.
        self.blobs.delete(&batch.rows_blob).await
    }

    /// Removes every batch of a scope, not the executions its rows became: for an organization that goes.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn remove_all(&self, scope: Scope) -> Result<(), StoreError> {
        loop {
            match self.list(vec![(scope, BatchFilter::default())], None, REMOVED_AT_ONCE).await {
                // What cannot be read goes without its rows.
                Ok(page) if page.items.is_empty() => {
                    return clear_partition(self.journal.tables.as_ref(), Table::Batches, scope.key()).await;
                }
                Ok(page) => {
                    for batch in &page.items {
                        self.withdraw(batch).await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Some batches of a scope whose last row ended before an instant; none when there are none. One that is not readable is
    /// none of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ended_before(&self, scope: Scope, instant: DateTime<Utc>) -> Result<Vec<Batch>, StoreError> {
        let begun_before = reverse_timestamp(u64::try_from(instant.timestamp_millis()).unwrap_or(0));
        let mut query = Query { row_from: Some(begun_before), ..Query::partition(scope.key()) }.limit(REMOVED_AT_ONCE);
        loop {
            let page = self.journal.tables.query(Table::Batches, query.clone()).await?;
            let ended = |batch: &Batch| batch.completed_at.is_some_and(|completed_at| completed_at < instant);
            let ended: Vec<Batch> =
                page.entities.iter().filter_map(|row| read(scope, row).ok()).filter(ended).collect();
            match page.continuation {
                Some(next) if ended.is_empty() => query.continuation = Some(next),
                _ => return Ok(ended),
            }
        }
    }
}
