//! Executions that are on record and will not be run: each gets its ending, with the reason, as soon as the store takes it.

use crate::{
    live::Running, log_sink::LogSink, patience::Patience, run::password_address, runtime::Runtime, schedule::MOST_LATE,
};
use msp_domain::{ExecutionStatus, LogLevel};
use msp_storage::{
    ExecutionPointer, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Ending, Execution},
    },
};
use serde_json::json;
use std::sync::Arc;

/// Why no code of an execution will run.
pub(crate) struct Refusal {
    /// Machine-readable.
    pub error_type: &'static str,
    /// For the technician.
    pub message: String,
}

impl Refusal {
    /// What it needs cannot be had from the store: damaged, or gone.
    pub fn unreadable(error: &StoreError) -> Self {
        Self {
            error_type: "input_unreadable",
            message: format!(
                "What the execution needs cannot be read from the store ({error}), so none of its code ran. `msp repair` \
                 names what is damaged; then start the workflow again."
            ),
        }
    }

    /// The platform itself failed at it.
    pub fn fault(tries: u32) -> Self {
        Self {
            error_type: "start_failed",
            message: format!(
                "The platform failed to start the execution (tries: {tries}), so none of its code ran. The \
                 server's log has the cause; start the workflow again when that is mended."
            ),
        }
    }

    /// Engine after engine died when its turn had come.
    pub fn kills_the_engine(deaths: u32) -> Self {
        Self {
            error_type: "engine_died_repeatedly",
            message: format!(
                "The engine died {deaths} times in a row when it was about to start the execution, so it is not tried again; \
                 none of its code ran. Look at why the server stopped; start the workflow again when that is mended."
            ),
        }
    }

    /// Its time has passed, and nobody expects it any more.
    pub fn too_late() -> Self {
        Self {
            error_type: "schedule_missed",
            message: format!(
                "The execution could not start within {} hours of the time it was scheduled for, so none of its code \
                 ran. Start the workflow again if it is still wanted.",
                MOST_LATE.num_hours()
            ),
        }
    }

    /// The workflow has changed since it was scheduled.
    pub fn no_longer_fits(fault: &str) -> Self {
        Self {
            error_type: "parameters_invalid",
            message: format!(
                "The workflow has changed since this was scheduled and does not take its parameters any more ({fault}), so \
                 none of its code ran. Start it again with what it takes now."
            ),
        }
    }

    /// Its caller was told that it could not be recorded, and has perhaps asked again.
    pub fn unanswered() -> Self {
        Self {
            error_type: "record_uncertain",
            message: "The store did not say in time whether it had recorded the execution, so its caller was refused and none \
                      of its code ran."
                .to_owned(),
        }
    }
}

/// Ends an execution of which no code ran, with the reason in its log and on the audit trail.
///
/// # Errors
/// [`StoreError::PreconditionFailed`] when somebody else ended it; any other only when the engine stops while the store is
/// away: the next start ends it then.
pub(crate) async fn refuse(
    runtime: &Runtime,
    execution: &Execution,
    refusal: Refusal,
    live: &Running,
) -> Result<(), StoreError> {
    let Refusal { error_type, message } = refusal;
    tracing::warn!(
        execution.id = %execution.id, workflow.name = execution.workflow_name, reason = error_type,
        "An execution will not be run"
    );
    let logs = LogSink::new(runtime, runtime.masker(execution.scope), Arc::new(execution.clone()), (*live).clone());
    logs.say(LogLevel::Error, "platform", message.clone()).await;
    let audit = AuditDraft {
        scope: execution.scope,
        actor: Actor { user: Some(execution.executed_by), ip_address: None },
        action: "Workflow.Refused".to_owned(),
        entity_type: "Workflow".to_owned(),
        entity_id: execution.workflow_name.clone(),
        details: json!({ "execution_id": execution.id, "reason": error_type }),
    };
    let mut ending = Ending {
        status: ExecutionStatus::Failed,
        result_json: None,
        error_type: Some(error_type.to_owned()),
        error_message: Some(message),
        completed_at: runtime.clock.now(),
        logs_through: 0,
    };
    let mut patience = Patience::default();
    let finished = loop {
        let written = async {
            ending.logs_through = logs.finish().await?;
            runtime.repositories.executions.refuse(execution, &ending, audit.clone()).await
        };
        match written.await {
            Ok(finished) => break finished,
            Err(StoreError::PreconditionFailed) => return Err(StoreError::PreconditionFailed),
            Err(error) => {
                tracing::warn!(execution.id = %execution.id, error = %error, "A refusal could not be written yet");
                if !patience.wait(runtime).await {
                    return Err(error);
                }
            }
        }
    };
    live.moved();
    runtime.ended(&finished);
    let pointer = ExecutionPointer { scope: execution.scope, execution_id: execution.id };
    runtime.repositories.stores.secrets.delete(&password_address(pointer)).await
}

/// Waits until the store says whether an execution is on record after all, and ends it if so: nobody will run it.
pub(crate) async fn settle(runtime: Arc<Runtime>, pointer: ExecutionPointer) {
    let live = runtime.live.enter(pointer.execution_id);
    let mut patience = Patience::default();
    let outcome = loop {
        match runtime.repositories.executions.get(pointer.scope, pointer.execution_id).await {
            Ok(Some(execution)) if !execution.status.is_final() => {
                break refuse(&runtime, &execution, Refusal::unanswered(), &live).await;
            }
            Ok(_) => return,
            Err(error) if !patience.wait(&runtime).await => break Err(error),
            Err(_) => {}
        }
    };
    match outcome {
        // Ended by somebody else, its caller perhaps.
        Ok(()) | Err(StoreError::PreconditionFailed) => {}
        Err(error) => {
            tracing::error!(execution.id = %pointer.execution_id, error = %error, "It is not known whether an execution is on record")
        }
    }
}
