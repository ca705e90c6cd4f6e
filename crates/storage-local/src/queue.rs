//! The execution queue: rows that are written in the same commit as the execution they point to.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use msp_domain::{Clock, ExecutionId, OrgId, Scope};
use msp_storage::{
    Comparison, Entity, Etag, ExecutionPointer, ExecutionQueue, Filter, IfMatch, Query, QueueMessage, StoreError,
    Table, TableStore, TableWrite, Write,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const PARTITION: &str = "QUEUE";
/// Most messages taken at once, as Azure's queue has it.
const MAX_RECEIVE: usize = 32;

pub(crate) struct LocalQueue {
    tables: Arc<dyn TableStore>,
    clock: Arc<dyn Clock>,
    arrived: Notify,
}

impl LocalQueue {
    pub(crate) fn new(tables: Arc<dyn TableStore>, clock: Arc<dyn Clock>) -> Self {
        Self { tables, clock, arrived: Notify::new() }
    }

    /// Hides one message, if nobody else was faster.
    async fn take(&self, row: Entity, visible_at: DateTime<Utc>) -> Result<Option<QueueMessage>, StoreError> {
        let pointer = pointer_of(&row)?;
        let dequeue_count = row.int_opt("DequeueCount")?.unwrap_or(0) + 1;
        let hidden =
            Entity::new(PARTITION, row.row_key).with("VisibleAt", visible_at).with("DequeueCount", dequeue_count);
        let if_match = row.etag.map_or(IfMatch::Any, IfMatch::Etag);
        match self.tables.write(Table::ExecutionQueue, Write::Merge(hidden, if_match)).await {
            Ok(etag) => Ok(etag.map(|Etag(receipt)| QueueMessage {
                pointer,
                dequeue_count: u32::try_from(dequeue_count).unwrap_or(u32::MAX),
                receipt,
            })),
            Err(StoreError::PreconditionFailed | StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The row of a message. Its key is the execution id, whose time makes the oldest come first.
fn row(pointer: ExecutionPointer, visible_at: DateTime<Utc>) -> Entity {
    Entity::new(PARTITION, pointer.execution_id.key())
        .with("ExecutionId", pointer.execution_id.as_uuid())
        .with_some("OrgId", pointer.scope.org().map(|org| org.as_uuid()))
        .with("VisibleAt", visible_at)
        .with("DequeueCount", 0_i64)
}

fn pointer_of(row: &Entity) -> Result<ExecutionPointer, StoreError> {
    let id = row
        .guid_opt("ExecutionId")?
        .ok_or_else(|| StoreError::Corrupt(format!("the queue row {} names no execution", row.row_key)))?;
    let scope = Scope::from(row.guid_opt("OrgId")?.map(OrgId::from));
    Ok(ExecutionPointer { scope, execution_id: ExecutionId::from(id) })
}

#[async_trait]
impl ExecutionQueue for LocalQueue {
    fn accompanying_write(&self, pointer: ExecutionPointer) -> Option<TableWrite> {
        Some((Table::ExecutionQueue, Write::UpsertReplace(row(pointer, self.clock.now()))))
    }

    /// Wakes the receiver. A message that is missing or hidden, as after a crash between delivery and claim, becomes
    /// visible at once.
    async fn send(&self, pointer: ExecutionPointer) -> Result<(), StoreError> {
        let now = self.clock.now();
        let stored = self.tables.get(Table::ExecutionQueue, PARTITION, &pointer.execution_id.key()).await?;
        let write = match stored {
            None => Some(Write::Insert(row(pointer, now))),
            Some(stored) if stored.instant("VisibleAt")? > now => {
                let visible = Entity::new(PARTITION, stored.row_key).with("VisibleAt", now);
                Some(Write::Merge(visible, stored.etag.map_or(IfMatch::Any, IfMatch::Etag)))
            }
            Some(_) => None,
        };
        if let Some(write) = write {
            match self.tables.write(Table::ExecutionQueue, write).await {
                // Somebody else sent, received or deleted it this moment: it is on its way.
                Ok(_) | Err(StoreError::AlreadyExists | StoreError::NotFound | StoreError::PreconditionFailed) => {}
                Err(error) => return Err(error),
            }
        }
        self.arrived.notify_one();
        Ok(())
    }

    async fn receive(&self, max: usize, visibility: Duration) -> Result<Vec<QueueMessage>, StoreError> {
        let now = self.clock.now();
        let hidden_for = chrono::Duration::from_std(visibility).unwrap_or(chrono::Duration::days(7));
        let max = max.min(MAX_RECEIVE);
        let mut query = Query::partition(PARTITION).limit(max);
        query.filter = Some(Filter::Compare("VisibleAt".to_owned(), Comparison::Le, now.into()));
        let mut messages = Vec::new();
        while messages.len() < max {
            let page = self.tables.query(Table::ExecutionQueue, query.clone()).await?;
            let wanted = max - messages.len();
            let taken = page.entities.into_iter().take(wanted).map(|row| self.take(row, now + hidden_for));
            // Together, so that one durable commit serves them all.
            for message in futures::future::join_all(taken).await {
                messages.extend(message?);
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => break,
            }
        }
        Ok(messages)
    }

    async fn delete(&self, message: &QueueMessage) -> Result<(), StoreError> {
        let if_match = IfMatch::Etag(Etag(message.receipt.clone()));
        let delete = Write::delete(PARTITION, message.pointer.execution_id.key(), if_match);
        match self.tables.write(Table::ExecutionQueue, delete).await {
            Ok(_) => Ok(()),
            Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
            Err(error) => Err(error),
        }
    }

    async fn wait(&self, at_most: Duration) {
        // Running out of time is an answer too: the caller looks again either way.
        let _ = tokio::time::timeout(at_most, self.arrived.notified()).await;
    }
}
