//! The execution queue: pointers to pending executions, delivered at least once.

use crate::StoreError;
use async_trait::async_trait;
use msp_domain::{ExecutionId, Scope};
use std::time::Duration;

/// Names a pending execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExecutionPointer {
    /// Its partition.
    pub scope: Scope,
    /// Its id.
    pub execution_id: ExecutionId,
}

/// A delivered message. Invisible to others until its visibility timeout, then delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// What to run.
    pub pointer: ExecutionPointer,
    /// How often it was delivered, this time included.
    pub dequeue_count: u32,
    /// Proof of this delivery, for `delete`; a later delivery makes it stale.
    pub receipt: String,
}

/// A queue of executions. The record decides who runs: a message for an execution that is no longer pending is
/// deleted, so delivering one twice is harmless. It decides what is pending, too: an engine that starts reads that from
/// `ActiveExecutions`, so a message that was lost is harmless as well.
#[async_trait]
pub trait ExecutionQueue: Send + Sync + 'static {
    /// Posts a message and wakes the receiver. One that is there already becomes visible at once.
    async fn send(&self, pointer: ExecutionPointer) -> Result<(), StoreError>;

    /// Up to `max` visible messages, hidden from others for `visibility`. Answers empty when there are none.
    async fn receive(&self, max: usize, visibility: Duration) -> Result<Vec<QueueMessage>, StoreError>;

    /// Removes a delivered message. A stale receipt is [`StoreError::PreconditionFailed`].
    async fn delete(&self, message: &QueueMessage) -> Result<(), StoreError>;

    /// Resolves when a message may have arrived, at the latest after `at_most`.
    async fn wait(&self, at_most: Duration);
}
