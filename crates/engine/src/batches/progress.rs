//! How far a batch is, noted in its record now and then, so that lists need not look at every row.

use crate::runtime::Runtime;
use msp_domain::ExecutionStatus;
use msp_storage::{
    StoreError,
    repositories::batches::{Batch, BatchCounts},
};
use std::time::Duration;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

/// From one note to the next: rows may end faster than anybody reads.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// What became of a row: `None` if it never began, or is removed already.
pub(super) type RowEnd = Result<Option<ExecutionStatus>, StoreError>;

/// The counts of one batch, and those that are on record.
pub(super) struct Progress<'a> {
    runtime: &'a Runtime,
    batch: &'a Batch,
    counts: BatchCounts,
    noted: BatchCounts,
    next_note: Instant,
}

impl<'a> Progress<'a> {
    /// Of a batch of which these rows have ended before.
    pub fn of(runtime: &'a Runtime, batch: &'a Batch, ended: impl Iterator<Item = ExecutionStatus>) -> Self {
        let mut counts = BatchCounts::default();
        ended.for_each(|status| counts.add(status));
        Self { runtime, batch, counts, noted: BatchCounts::default(), next_note: Instant::now() + NOTE_EVERY }
    }

    /// The end of the next row that ends; `None` when none is under way. Notes meanwhile how far the batch is.
    pub async fn next_end(&mut self, under_way: &mut JoinSet<RowEnd>) -> Option<Result<(), StoreError>> {
        self.counts.running = u32::try_from(under_way.len()).unwrap_or(u32::MAX);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.next_note), if self.counts != self.noted => self.note().await,
                row = under_way.join_next() => return row.map(|row| self.ended(row)),
            }
        }
    }

    fn ended(&mut self, row: Result<RowEnd, JoinError>) -> Result<(), StoreError> {
        // A panic is in the log.
        let status = row.unwrap_or_else(|panicked| Err(StoreError::unavailable(panicked)))?;
        status.into_iter().for_each(|status| self.counts.add(status));
        Ok(())
    }

    /// A note that cannot be written is no reason to fail a batch; the next one says more.
    async fn note(&mut self) {
        match self.runtime.repositories.batches.note(self.batch, self.counts).await {
            Ok(()) => self.noted = self.counts,
            Err(error) => {
                tracing::warn!(batch.id = %self.batch.id, error = %error, "How far a batch is could not be noted yet");
            }
        }
        self.next_note = Instant::now() + NOTE_EVERY;
    }
}
