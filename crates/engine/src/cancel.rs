//! Cancelling: a pending execution ends at once, a running one is asked to.

use crate::{dispatcher, run::password_address, runtime::Runtime};
use msp_domain::{ExecutionId, ExecutionStatus, Scope};
use msp_storage::{
    ExecutionPointer, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Ending, Execution},
    },
};
use serde_json::json;

/// Looks at the record: it is claimed or ends between two of them, and neither happens twice.
const MAX_LOOKS: usize = 4;

/// Why nothing was cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// It is over.
    #[error("the execution has ended already ({0})")]
    Ended(ExecutionStatus),
    /// It is on record as running, but not here: its ending could not be written. The next start of the engine ends it.
    #[error("the execution has stopped, but its ending is not on record yet")]
    NotHere,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers the execution as it then stands: `Cancelled`, or `Running` with its end on the way.
pub(crate) async fn cancel(
    runtime: &Runtime,
    scope: Scope,
    id: ExecutionId,
    actor: &Actor,
) -> Result<Execution, CancelError> {
    let executions = &runtime.repositories.executions;
    for _ in 0..MAX_LOOKS {
        let execution = executions.get(scope, id).await?.ok_or(StoreError::NotFound)?;
        match execution.status {
            ExecutionStatus::Pending => {
                if let Some(cancelled) = cancel_pending(runtime, &execution, actor).await? {
                    return Ok(cancelled);
                }
            }
            ExecutionStatus::Running => {
                // Not there: it ended between the two looks, or its ending could not be written.
                let Some(live) = runtime.live.running(id) else { continue };
                if !live.cancel().is_cancelled() {
                    runtime.repositories.audit.record(audit(&execution, actor)).await?;
                    live.cancel().cancel();
                }
                return Ok(execution);
            }
            ExecutionStatus::Success
            | ExecutionStatus::Failed
            | ExecutionStatus::Cancelled
            | ExecutionStatus::TimedOut
            | ExecutionStatus::Interrupted => return Err(CancelError::Ended(execution.status)),
        }
    }
    Err(CancelError::NotHere)
}

/// Ends an execution that is pending. `None`: it was claimed or cancelled by somebody else, so look again.
pub(crate) async fn cancel_pending(
    runtime: &Runtime,
    execution: &Execution,
    actor: &Actor,
) -> Result<Option<Execution>, StoreError> {
    let executions = &runtime.repositories.executions;
    match executions.cancel_pending(execution, &ending(runtime), audit(execution, actor)).await {
        Ok(cancelled) => {
            let pointer = ExecutionPointer { scope: execution.scope, execution_id: execution.id };
            dispatcher::forget(runtime, pointer).await;
            // Recovery sweeps what stays behind if this fails.
            let _ = runtime.repositories.stores.secrets.delete(&password_address(pointer)).await;
            runtime.live.moved(execution.id);
            runtime.ended(&cancelled);
            Ok(Some(cancelled))
        }
        Err(StoreError::PreconditionFailed) => Ok(None),
        Err(error) => Err(error),
    }
}

fn audit(execution: &Execution, actor: &Actor) -> AuditDraft {
    AuditDraft::new(
        execution.scope,
        actor,
        "Execution.Cancel",
        execution.id.key(),
        json!({ "workflow": execution.workflow_name, "status": execution.status }),
    )
}

fn ending(runtime: &Runtime) -> Ending {
    Ending {
        status: ExecutionStatus::Cancelled,
        result_json: None,
        error_type: Some("cancelled".to_owned()),
        error_message: Some("The execution was cancelled before any of its code ran.".to_owned()),
        completed_at: runtime.clock.now(),
        logs_through: 0,
    }
}
