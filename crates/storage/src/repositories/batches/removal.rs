//! Removing batches: taken back, expired, or with their organization. The executions their rows became are not touched.

use super::{Batch, Batches, OPEN_PARTITION, read, rows::rows_blob};
use crate::repositories::forget_row;
use crate::{Entity, Query, StoreError, Table};
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
        let tables = self.journal.tables.as_ref();
        forget_row(tables, Table::ActiveExecutions, OPEN_PARTITION, &batch.id.key()).await?;
        forget_row(tables, Table::Batches, &batch.scope.key(), &batch.id.row_key().unwrap_or_default()).await?;
        // Last: a batch without its rows could never be closed, a blob without a batch is in nobody's way.
        self.blobs.delete(&batch.rows_blob).await
    }

    /// Removes every batch of a scope, not the executions its rows became: for an organization that goes.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn remove_all(&self, scope: Scope) -> Result<(), StoreError> {
        loop {
            let some = Query::partition(scope.key()).limit(REMOVED_AT_ONCE);
            let rows = self.journal.tables.query(Table::Batches, some).await?.entities;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                match read(scope, &row) {
                    Ok(batch) => self.withdraw(&batch).await?,
                    Err(_) => self.remove_unreadable(&row).await?,
                }
            }
        }
    }

    /// Removes a batch that is not readable: its key says which it is.
    async fn remove_unreadable(&self, row: &Entity) -> Result<(), StoreError> {
        let (tables, id) = (self.journal.tables.as_ref(), row.row_key.rsplit('_').next().unwrap_or_default());
        forget_row(tables, Table::ActiveExecutions, OPEN_PARTITION, id).await?;
        forget_row(tables, Table::Batches, &row.partition_key, &row.row_key).await?;
        self.blobs.delete(&rows_blob(id)).await
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
