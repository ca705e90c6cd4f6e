//! Long logs move to blobs once their executions have ended, one at a time and behind everybody's back.
//!
//! What waits is on record since the ending itself, so nothing is queued here: a nudge says that there is something new, and
//! a start of the engine finds what an earlier one left.

use crate::{
    fault::{FaultPoint, reach},
    runtime::Runtime,
};
use msp_domain::ExecutionId;
use msp_storage::{
    StoreError,
    repositories::executions::{Execution, Executions, LOG_LINES_IN_ROWS},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};

/// When logs that could not be packed are tried again, unless another run with a long log ends before: they are read
/// either way.
const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// Says that a long log waits to be packed.
#[derive(Default)]
pub(crate) struct Packing(Notify);

impl Packing {
    /// Looks at an execution that has just ended.
    pub fn ended(&self, execution: &Execution) {
        if execution.logs_through > LOG_LINES_IN_ROWS {
            self.0.notify_one();
        }
    }
}

/// Packs what waits, now and whenever there is more, until the engine stops. Stopping it anywhere is harmless.
pub(crate) async fn pack_logs(runtime: Arc<Runtime>) {
    let work = async {
        loop {
            pack_all(&runtime.repositories.executions).await;
            let _ = timeout(RETRY_AFTER, runtime.packing.0.notified()).await;
        }
    };
    runtime.stopping.run_until_cancelled(work).await;
}

/// One that fails keeps no other from being packed.
async fn pack_all(executions: &Executions) {
    match executions.logs_to_pack().await {
        Ok(waiting) => {
            for id in waiting {
                if let Err(error) = pack(executions, id).await {
                    tracing::warn!(execution.id = %id, error = %error, "A long log could not be packed; it stays in rows for now");
                }
            }
        }
        Err(error) => tracing::warn!(error = %error, "Which long logs wait to be packed could not be read"),
    }
}

/// Each round goes on where an earlier one was interrupted.
async fn pack(executions: &Executions, id: ExecutionId) -> Result<(), StoreError> {
    loop {
        executions.drop_indexed_rows(id).await?;
        let Some(chunk) = executions.store_chunk(id).await? else { break };
        reach(FaultPoint::AfterLogBlob);
        match executions.index_chunk(&chunk).await {
            // The execution was removed meanwhile.
            Err(StoreError::NotFound) => return Ok(()),
            indexed => indexed?,
        }
        reach(FaultPoint::AfterLogIndex);
    }
    executions.log_is_packed(id).await
}
