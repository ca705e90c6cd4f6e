//! The dispatcher: takes pending executions off the queue, checks the rights behind them again, and runs them.

use crate::{
    fault::{FaultPoint, reach},
    live::Running,
    log_sink::LogSink,
    pauses::MayStart,
    run::{Claimed, password_address},
    runtime::Runtime,
    workers::Edition,
};
use msp_auth::Denied;
use msp_domain::{ExecutionStatus, LogLevel, PauseTarget};
use msp_storage::{
    ExecutionPointer, QueueMessage, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Ending, Execution},
    },
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// How long a received message stays hidden. Claiming takes milliseconds; a claimed execution needs no message.
const VISIBILITY: Duration = Duration::from_secs(30);
/// The longest sleep between looks at the queue: a message whose receiver died becomes visible without a signal.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// After a failed look at the queue.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Queued executions in flight at once; synchronous ones are not held back by a long queue.
const MAX_IN_FLIGHT: usize = 64;

/// Runs until the engine stops. `left_behind` are pending executions an earlier engine may have received already.
pub(crate) async fn dispatch(runtime: Arc<Runtime>, left_behind: Vec<ExecutionPointer>) {
    let places = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    for pointer in left_behind {
        take(&runtime, &places, pointer, None).await;
    }
    while !runtime.stopping.is_cancelled() {
        let queue = &runtime.repositories.stores.queue;
        let free = places.available_permits();
        if free == 0 {
            // A place comes free before anything more may be received.
            drop(places.acquire().await);
            continue;
        }
        match queue.receive(free, VISIBILITY).await {
            Ok(messages) if messages.is_empty() => {
                tokio::select! {
                    () = queue.wait(LONGEST_WAIT) => {}
                    () = runtime.stopping.cancelled() => {}
                }
            }
            Ok(messages) => {
                reach(FaultPoint::AfterReceive);
                for message in messages {
                    take(&runtime, &places, message.pointer, Some(message)).await;
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "The execution queue could not be read");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

async fn take(
    runtime: &Arc<Runtime>,
    places: &Arc<Semaphore>,
    pointer: ExecutionPointer,
    message: Option<QueueMessage>,
) {
    let Ok(place) = places.clone().acquire_owned().await else { return };
    let runtime = runtime.clone();
    runtime.tasks.clone().spawn(async move {
        if let Err(error) = run_queued(runtime, pointer, message).await {
            // Its message becomes visible again, or recovery finds the record.
            tracing::error!(execution.id = %pointer.execution_id, error = %error, "A queued execution was not run to its end");
        }
        drop(place);
    });
}

async fn run_queued(
    runtime: Arc<Runtime>,
    pointer: ExecutionPointer,
    message: Option<QueueMessage>,
) -> Result<(), StoreError> {
    if runtime.stopping.is_cancelled() {
        return Ok(());
    }
    // The record names what it runs on, which may have changed since it was queued.
    let edition = runtime.pool.edition();
    let live = runtime.live.enter(pointer.execution_id);
    let claim = claim(&runtime, pointer, edition.bundle()).await?;
    if matches!(claim, Claim::Ours(_)) {
        reach(FaultPoint::AfterClaim);
    }
    if let Some(message) = message {
        match runtime.repositories.stores.queue.delete(&message).await {
            // Delivered again meanwhile: the other delivery will find nothing to claim.
            Ok(()) | Err(StoreError::PreconditionFailed | StoreError::NotFound) => {}
            // Likewise. What is claimed must run: nobody else would.
            Err(error) if matches!(claim, Claim::Ours(_)) => {
                tracing::warn!(execution.id = %pointer.execution_id, error = %error, "The message of a claimed execution stays in the queue");
            }
            Err(error) => return Err(error),
        }
    }
    let execution = match claim {
        Claim::Ours(execution) => *execution,
        Claim::NotPending => return Ok(()),
        Claim::Paused(target) => {
            runtime.pauses.hold(pointer, target);
            return Ok(());
        }
    };
    live.moved();
    let ran = match ready(&runtime, &execution, edition).await? {
        Ok(ready) => match ready.run(runtime.clone(), live).await {
            Ok(_) => Ok(()),
            Err(crate::RunError::Store(error)) => Err(error),
            Err(other) => Err(StoreError::unavailable(other)),
        },
        Err(refusal) => refuse(&runtime, &execution, refusal, live).await,
    };
    runtime.repositories.stores.secrets.delete(&password_address(pointer)).await?;
    ran
}

enum Claim {
    Ours(Box<Execution>),
    /// Somebody else claimed it, or it was cancelled.
    NotPending,
    Paused(PauseTarget),
}

async fn claim(runtime: &Runtime, pointer: ExecutionPointer, bundle: &str) -> Result<Claim, StoreError> {
    loop {
        let guard = match runtime.pauses.may_start(pointer).await? {
            MayStart::Under(guard) => guard,
            MayStart::Paused(target) => return Ok(Claim::Paused(target)),
        };
        let (executions, now) = (&runtime.repositories.executions, runtime.clock.now());
        match executions.claim(pointer, &runtime.owner, bundle, now, vec![guard]).await {
            Ok(claimed) => return Ok(claimed.map_or(Claim::NotPending, |execution| Claim::Ours(Box::new(execution)))),
            // Rights or settings changed this moment, perhaps a pause: each round is somebody's edit, so this ends.
            Err(StoreError::PreconditionFailed) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Why a queued execution may not run after all.
struct Refusal {
    error_type: &'static str,
    message: String,
}

/// Everything a claimed execution needs, or why it may not run any more.
async fn ready(
    runtime: &Runtime,
    execution: &Execution,
    edition: Arc<Edition>,
) -> Result<Result<Claimed, Refusal>, StoreError> {
    let access = match runtime.gate.still_allowed(execution.executed_by, execution.scope).await {
        Ok(access) => access,
        Err(Denied::Store(error)) => return Err(error),
        Err(denied @ (Denied::Permission { .. } | Denied::Inactive | Denied::NoSuchOrganization)) => {
            return Ok(Err(Refusal {
                error_type: "permission_denied",
                message: format!("The right to run this was taken away while it waited: {denied}."),
            }));
        }
    };
    let metadata = edition.metadata();
    let Some(workflow) = metadata.workflow(&execution.workflow_name) else {
        return Ok(Err(Refusal {
            error_type: "unknown_workflow",
            message: format!("The workflow `{}` is not there any more.", execution.workflow_name),
        }));
    };
    let input = runtime.repositories.executions.load_json(&execution.input).await?;
    let mut arguments: Map<String, Value> =
        serde_json::from_str(&input).map_err(|error| StoreError::Corrupt(format!("the input: {error}")))?;
    let pointer = ExecutionPointer { scope: execution.scope, execution_id: execution.id };
    let passwords: Map<String, Value> =
        match runtime.repositories.stores.secrets.get(&password_address(pointer)).await? {
            Some(parked) => serde_json::from_str(parked.reveal())
                .map_err(|_| StoreError::Corrupt("the parked passwords of an execution".to_owned()))?,
            None => Map::new(),
        };
    arguments.extend(passwords.clone());
    let snapshot = runtime.repositories.snapshots.at(access.generation());
    let config = snapshot.config(execution.scope.org()).await?;
    Ok(Ok(Claimed {
        edition,
        execution: execution.clone(),
        access,
        config,
        workflow: workflow.clone(),
        arguments,
        passwords,
    }))
}

async fn refuse(runtime: &Runtime, execution: &Execution, refusal: Refusal, live: Running) -> Result<(), StoreError> {
    let masker = runtime.masker(execution.scope);
    let logs = LogSink::new(runtime, masker, execution.clone(), live.clone());
    logs.say(LogLevel::Error, "platform", refusal.message.clone()).await;
    let denial = AuditDraft {
        scope: execution.scope,
        actor: Actor { user: Some(execution.executed_by), ip_address: None },
        action: "Workflow.Refused".to_owned(),
        entity_type: "Workflow".to_owned(),
        entity_id: execution.workflow_name.clone(),
        details: json!({ "execution_id": execution.id, "reason": refusal.error_type }),
    };
    runtime.repositories.audit.record(denial).await?;
    let ending = Ending {
        status: ExecutionStatus::Failed,
        result_json: None,
        error_type: Some(refusal.error_type.to_owned()),
        error_message: Some(refusal.message),
        completed_at: runtime.clock.now(),
        logs_through: logs.finish().await?,
    };
    runtime.repositories.executions.finish(execution, &ending).await.map(|_| ())
}
