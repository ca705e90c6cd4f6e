//! Counting what ended, for statistics: gathered for a moment and counted together, behind everybody's back.
//!
//! What is not counted yet is on record since the ending itself (its pointer stays), so what is kept in mind here only saves
//! looking for it: a start of the engine finds what an earlier one left.

use crate::runtime::Runtime;
use msp_storage::{
    StoreError,
    repositories::executions::{Ended, Execution},
};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How long ended executions are gathered: one commit then counts up to about a hundred of them.
const GATHER: Duration = Duration::from_secs(1);
/// After a failed attempt to count.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Ended executions kept in mind; more are found on record, once those are counted.
const MOST_IN_MIND: usize = 20_000;

/// What has ended and is not counted yet.
#[derive(Default)]
pub(crate) struct Counting {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    ended: Vec<Ended>,
    /// Whether others ended that are not kept in mind.
    is_incomplete: bool,
}

impl Counting {
    /// Takes an execution that has just ended.
    pub fn ended(&self, execution: &Execution) {
        let Some(ended) = Ended::of(execution) else { return };
        let mut waiting = self.lock();
        if waiting.ended.len() < MOST_IN_MIND {
            waiting.ended.push(ended);
        } else {
            waiting.is_incomplete = true;
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Says that something ended that is not kept in mind.
    pub fn look(&self) {
        self.lock().is_incomplete = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts until the engine stops. Stopping it anywhere is harmless: the next start counts the rest.
pub(crate) async fn count(runtime: Arc<Runtime>) {
    // What an earlier engine left behind.
    runtime.counting.look();
    let work = async {
        loop {
            runtime.counting.changed.notified().await;
            sleep(GATHER).await;
            count_waiting(&runtime).await;
        }
    };
    runtime.stopping.run_until_cancelled(work).await;
}

async fn count_waiting(runtime: &Runtime) {
    let executions = &runtime.repositories.executions;
    loop {
        let Waiting { ended, is_incomplete } = mem::take(&mut *runtime.counting.lock());
        let counted = async {
            executions.count(&ended).await?;
            if is_incomplete {
                executions.count(&executions.uncounted().await?).await?;
            }
            Ok::<_, StoreError>(())
        };
        let Err(error) = counted.await else { return };
        tracing::warn!(error = %error, "What ended could not be counted yet");
        // Looked for on record: what was counted and what was not is known there.
        runtime.counting.lock().is_incomplete = true;
        sleep(PAUSE_AFTER_FAILURE).await;
    }
}
