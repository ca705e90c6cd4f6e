//! The execution queue, in memory: one engine works in a data folder, so what it has sent itself only it can receive, and
//! what an earlier engine left pending it reads from `ActiveExecutions` when it starts (docs/adr/0006).

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use msp_domain::{Clock, ExecutionId};
use msp_storage::{ExecutionPointer, ExecutionQueue, QueueMessage, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) struct LocalQueue {
    clock: Arc<dyn Clock>,
    messages: Mutex<Messages>,
    arrived: Notify,
}

#[derive(Default)]
struct Messages {
    /// By execution id, whose time makes the oldest come first.
    visible: BTreeMap<ExecutionId, Message>,
    hidden: HashMap<ExecutionId, Hidden>,
    deliveries: u64,
}

#[derive(Clone, Copy)]
struct Message {
    pointer: ExecutionPointer,
    dequeue_count: u32,
}

struct Hidden {
    message: Message,
    until: DateTime<Utc>,
    receipt: String,
}

impl LocalQueue {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, messages: Mutex::default(), arrived: Notify::new() }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ExecutionQueue for LocalQueue {
    async fn send(&self, pointer: ExecutionPointer) -> Result<(), StoreError> {
        let mut messages = self.messages();
        let id = pointer.execution_id;
        let message =
            messages.hidden.remove(&id).map_or(Message { pointer, dequeue_count: 0 }, |hidden| hidden.message);
        messages.visible.entry(id).or_insert(message);
        drop(messages);
        self.arrived.notify_one();
        Ok(())
    }

    async fn receive(&self, max: usize, visibility: Duration) -> Result<Vec<QueueMessage>, StoreError> {
        let now = self.clock.now();
        let until = now + chrono::Duration::from_std(visibility).unwrap_or(chrono::Duration::days(7));
        let mut guard = self.messages();
        let messages = &mut *guard;
        // Nothing is hidden for longer than that: then the clock was set back, and the message must not wait for it.
        let returned = messages.hidden.extract_if(|_, hidden| hidden.until <= now || hidden.until > until);
        messages.visible.extend(returned.map(|(id, hidden)| (id, hidden.message)));
        let mut received = Vec::new();
        while received.len() < max
            && let Some((id, Message { pointer, dequeue_count })) = messages.visible.pop_first()
        {
            messages.deliveries += 1;
            let receipt = messages.deliveries.to_string();
            let message = Message { pointer, dequeue_count: dequeue_count.saturating_add(1) };
            messages.hidden.insert(id, Hidden { message, until, receipt: receipt.clone() });
            received.push(QueueMessage { pointer, dequeue_count: message.dequeue_count, receipt });
        }
        Ok(received)
    }

    async fn delete(&self, message: &QueueMessage) -> Result<(), StoreError> {
        let mut messages = self.messages();
        let id = message.pointer.execution_id;
        if messages.hidden.get(&id).is_none_or(|hidden| hidden.receipt != message.receipt) {
            return Err(StoreError::PreconditionFailed);
        }
        messages.hidden.remove(&id);
        Ok(())
    }

    async fn wait(&self, at_most: Duration) {
        // Running out of time is an answer too: the caller looks again either way.
        let _ = tokio::time::timeout(at_most, self.arrived.notified()).await;
    }
}
