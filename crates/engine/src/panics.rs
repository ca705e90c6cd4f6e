//! A panic of the platform takes no execution down with it: its record gets an ending, and its place is given back. Nor does
//! it end what the engine does beside them.

use crate::{
    patience::Patience,
    recovery::{PLATFORM_FAULT, interrupt},
    runtime::Runtime,
};
use futures::FutureExt as _;
use msp_domain::ExecutionStatus;
use msp_storage::{ExecutionPointer, StoreError, repositories::executions::Execution};
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::task::JoinHandle;

/// Before a task that panicked begins again: it may panic at once.
const PAUSE_AFTER_A_PANIC: Duration = Duration::from_secs(1);

/// It panicked; the panic itself is in the log.
pub(crate) struct Panicked;

/// Does something that may panic.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_panic| Panicked)
}

/// Runs a task until it returns. One that panics begins again: what it looks after must not wait for a restart. It keeps
/// nothing in mind that it cannot find again.
pub fn keep_running<T, F>(task: &'static str, begin: impl Fn() -> F + Send + Sync + 'static) -> JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    tokio::spawn(async move {
        loop {
            match caught(async { begin().await }).await {
                Ok(ended) => return ended,
                Err(Panicked) => tracing::error!(task, "A task of the platform panicked, and begins again"),
            }
            tokio::time::sleep(PAUSE_AFTER_A_PANIC).await;
        }
    })
}

/// Ends an execution as `Interrupted` that this engine claimed and stopped running when it panicked, as soon as the store
/// takes it. Answers the record as it then stands: one that is pending, or ended all the same, is left as it is.
///
/// # Errors
/// [`StoreError`]; when the store is away, only once the engine stops: the next start ends it then.
pub(crate) async fn end(runtime: &Runtime, pointer: ExecutionPointer) -> Result<Option<Execution>, StoreError> {
    tracing::error!(execution.id = %pointer.execution_id, "The platform panicked at an execution");
    // Whoever follows it is told when this goes.
    let _live = runtime.live.enter(pointer.execution_id);
    let mut patience = Patience::default();
    loop {
        match interrupted(runtime, pointer).await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Full(_))) => {
                tracing::warn!(execution.id = %pointer.execution_id, error = %error, "An execution could not be ended yet");
                if !patience.wait(runtime).await {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

async fn interrupted(runtime: &Runtime, pointer: ExecutionPointer) -> Result<Option<Execution>, StoreError> {
    let executions = &runtime.repositories.executions;
    let execution = executions.get(pointer.scope, pointer.execution_id).await?;
    let is_ours = |execution: &&Execution| {
        execution.status == ExecutionStatus::Running && execution.lease_owner.as_deref() == Some(&runtime.owner)
    };
    let Some(running) = execution.as_ref().filter(is_ours) else { return Ok(execution) };
    interrupt(&runtime.repositories, &runtime.clock, running, PLATFORM_FAULT).await?;
    runtime.counting.look();
    executions.get(pointer.scope, pointer.execution_id).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_task_that_panics_begins_again() {
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (count, told) = (Arc::clone(&begun), Arc::clone(&ended));
        keep_running("test", move || {
            let (number, told) = (count.fetch_add(1, Ordering::AcqRel), Arc::clone(&told));
            assert_ne!(number, 0, "before its first await");
            async move {
                assert_ne!(number, 1, "within");
                told.notify_one();
            }
        });
        ended.notified().await;
        assert_eq!(begun.load(Ordering::Acquire), 3);
    }
}
