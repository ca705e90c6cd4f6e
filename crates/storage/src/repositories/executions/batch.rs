//! The executions that are rows of one batch.

use super::{Execution, Executions, Started, rows};
use crate::{Query, StoreError, Table};
use chrono::{DateTime, Duration};
use msp_domain::Scope;

use crate::repositories::batches::Batch;

/// Rows read at once: a row may hold two texts of 30,000 characters.
const READ_AT_ONCE: usize = 250;

impl Executions {
    /// What the rows of a batch have become so far, in the order of the rows. Their ids carry the time of the batch, so
    /// this reads little else.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn of_batch(&self, batch: &Batch) -> Result<Vec<Execution>, StoreError> {
        let scope: Scope = batch.scope;
        let millis = batch.id.millis().and_then(|millis| i64::try_from(millis).ok());
        let placed = millis.and_then(DateTime::from_timestamp_millis).unwrap_or(batch.created_at);
        let started = Started { from: Some(placed), before: Some(placed + Duration::milliseconds(1)) };
        let range =
            Query { row_from: started.row_from(), row_before: started.row_before(), ..Query::partition(scope.key()) };
        let mut query = range.limit(READ_AT_ONCE);
        let mut executions = Vec::new();
        loop {
            let page = self.journal.tables.query(Table::WorkflowExecutions, query.clone()).await?;
            for row in page.entities {
                let execution = rows::read(scope, &row)?;
                if execution.batch.is_some_and(|place| place.id == batch.id) {
                    executions.push(execution);
                }
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => break,
            }
        }
        executions.sort_by_key(|execution| execution.batch.map(|place| place.row));
        Ok(executions)
    }
}
