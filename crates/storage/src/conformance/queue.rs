//! Every rule of an execution queue. The queue under test must hold no other messages.

use super::assert_error;
use crate::{ExecutionPointer, ExecutionQueue, QueueMessage, StoreError};
use msp_domain::{Clock, ExecutionId, OrgId, Scope, SystemClock};
use std::sync::Arc;
use std::time::Duration;

const HIDDEN: Duration = Duration::from_secs(60);

/// Every rule of an execution queue that needs no turning of the clock.
///
/// # Panics
/// When a rule is broken.
pub async fn queue(queue: Arc<dyn ExecutionQueue>) {
    what_is_sent_is_received_and_deleted(queue.as_ref()).await;
    a_delivered_message_is_hidden_and_its_receipt_good_once(queue.as_ref()).await;
    of_racing_receivers_each_message_goes_to_one(Arc::clone(&queue)).await;
    sending_wakes_who_waits(queue).await;
}

fn pointer() -> ExecutionPointer {
    ExecutionPointer { scope: Scope::Org(OrgId::random()), execution_id: ExecutionId::at(SystemClock.now()) }
}

async fn receive(queue: &dyn ExecutionQueue, max: usize) -> Vec<QueueMessage> {
    queue.receive(max, HIDDEN).await.expect("a queue answers")
}

async fn what_is_sent_is_received_and_deleted(queue: &dyn ExecutionQueue) {
    assert!(receive(queue, 10).await.is_empty(), "an empty queue answers nothing");
    let global = ExecutionPointer { scope: Scope::Global, ..pointer() };
    for pointer in [pointer(), global] {
        queue.send(pointer).await.expect("sent");
        let received = receive(queue, 10).await;
        assert_eq!(received.len(), 1, "what was sent is received");
        assert_eq!(received[0].pointer, pointer, "a message names scope and execution");
        assert_eq!(received[0].dequeue_count, 1, "the first delivery counts one");
        queue.delete(&received[0]).await.expect("deleted");
    }
    assert!(receive(queue, 10).await.is_empty(), "what was deleted does not come back");
}

async fn a_delivered_message_is_hidden_and_its_receipt_good_once(queue: &dyn ExecutionQueue) {
    queue.send(pointer()).await.expect("sent");
    let received = receive(queue, 10).await;
    assert!(receive(queue, 10).await.is_empty(), "a delivered message is hidden");
    queue.delete(&received[0]).await.expect("deleted");
    assert_error!(
        queue.delete(&received[0]).await,
        StoreError::PreconditionFailed,
        "a receipt that was used up is stale"
    );
}

async fn of_racing_receivers_each_message_goes_to_one(queue: Arc<dyn ExecutionQueue>) {
    for _ in 0..20 {
        queue.send(pointer()).await.expect("sent");
    }
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { receive(queue.as_ref(), 8).await })
        })
        .collect();
    let mut received = Vec::new();
    for receiver in receivers {
        received.extend(receiver.await.expect("no panic"));
    }
    loop {
        let rest = receive(queue.as_ref(), 8).await;
        assert!(rest.len() <= 8, "no more are delivered than asked for");
        if rest.is_empty() {
            break;
        }
        received.extend(rest);
    }
    let mut ids: Vec<_> = received.iter().map(|message| message.pointer.execution_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), received.len()), (20, 20), "every message is delivered, and to one receiver only");
    for message in &received {
        queue.delete(message).await.expect("deleted");
    }
}

async fn sending_wakes_who_waits(queue: Arc<dyn ExecutionQueue>) {
    // Whatever was signalled before.
    queue.wait(Duration::from_millis(1)).await;
    let waiter = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.wait(Duration::from_secs(30)).await }
    });
    queue.send(pointer()).await.expect("sent");
    tokio::time::timeout(Duration::from_secs(20), waiter)
        .await
        .expect("sending wakes who waits, long before the wait runs out")
        .expect("no panic");
    for message in receive(queue.as_ref(), 10).await {
        queue.delete(&message).await.expect("deleted");
    }
}
