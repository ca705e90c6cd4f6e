//! The dispatcher: starts pending executions when it is their turn, checks the rights behind them again, and runs them.

use crate::{
    backlog::Turn,
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
    ExecutionPointer, Guard, QueueMessage, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Ending, Execution},
    },
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// How long a received message stays hidden. Its execution may wait longer for its turn: then it is delivered again,
/// which changes nothing but the receipt.
const VISIBILITY: Duration = Duration::from_secs(300);
/// Messages received at once.
const RECEIVED_AT_ONCE: usize = 32;
/// The longest sleep between looks at the queue: a message whose receiver died becomes visible without a signal.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// After a failed look at the queue, or a failed attempt to start an execution.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs until the engine stops. `left_behind` are the executions that were pending when it started.
pub(crate) async fn dispatch(runtime: Arc<Runtime>, left_behind: Vec<ExecutionPointer>) {
    for pointer in left_behind {
        runtime.backlog.arrive(pointer, None);
    }
    tokio::spawn(receive(runtime.clone()));
    while !runtime.stopping.is_cancelled() {
        for turn in runtime.backlog.turns() {
            runtime.tasks.spawn(take(runtime.clone(), turn));
        }
        tokio::select! {
            () = runtime.backlog.changed() => {}
            () = runtime.stopping.cancelled() => {}
        }
    }
}

/// Moves what the queue delivers into the backlog, where organizations take turns: a queue knows only the oldest.
async fn receive(runtime: Arc<Runtime>) {
    let queue = &runtime.repositories.stores.queue;
    while !runtime.stopping.is_cancelled() {
        match queue.receive(RECEIVED_AT_ONCE, VISIBILITY).await {
            Ok(messages) if messages.is_empty() => {
                tokio::select! {
                    () = queue.wait(LONGEST_WAIT) => {}
                    () = runtime.stopping.cancelled() => {}
                }
            }
            Ok(messages) => {
                reach(FaultPoint::AfterReceive);
                for message in messages {
                    runtime.backlog.arrive(message.pointer, Some(message));
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "The execution queue could not be read");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

async fn take(runtime: Arc<Runtime>, turn: Turn) {
    let pointer = turn.pointer;
    if runtime.stopping.is_cancelled() {
        return;
    }
    let live = runtime.live.enter(pointer.execution_id);
    // The record names what it runs on, which may have changed since it was queued.
    let edition = runtime.pool.edition();
    let claim = match claim(&runtime, pointer, edition.bundle()).await {
        Ok(claim) => claim,
        Err(error) => {
            tracing::warn!(execution.id = %pointer.execution_id, error = %error, "A queued execution could not be started yet");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            return turn.give_back();
        }
    };
    let ran = match claim {
        Claim::Ours(execution) => {
            reach(FaultPoint::AfterClaim);
            forget(&runtime, pointer).await;
            live.moved();
            run(&runtime, &execution, edition, live).await
        }
        Claim::NotPending => {
            forget(&runtime, pointer).await;
            Ok(())
        }
        Claim::Paused(target) => {
            delete(&runtime, turn.set_aside()).await;
            runtime.pauses.hold(pointer, target);
            Ok(())
        }
    };
    if let Err(error) = ran {
        // Recovery finds the record.
        tracing::error!(execution.id = %pointer.execution_id, error = %error, "A queued execution was not run to its end");
    }
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
        match certain_claim(runtime, pointer, bundle, guard).await {
            Ok(claimed) => return Ok(claimed.map_or(Claim::NotPending, |execution| Claim::Ours(Box::new(execution)))),
            // Rights or settings changed this moment, perhaps a pause: each round is somebody's edit, so this ends.
            Err(StoreError::PreconditionFailed) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Claims until it is known what became of it: whoever gave up in between would find the execution running, and nobody
/// would run it. The turn is held meanwhile, so this engine makes no other claim for it.
async fn certain_claim(
    runtime: &Runtime,
    pointer: ExecutionPointer,
    bundle: &str,
    guard: Guard,
) -> Result<Option<Execution>, StoreError> {
    let (executions, now) = (&runtime.repositories.executions, runtime.clock.now());
    let mut again = false;
    loop {
        let claimed = executions.claim(pointer, &runtime.owner, bundle, now, vec![guard.clone()], again).await;
        match claimed {
            Err(StoreError::Unavailable(error)) if !runtime.stopping.is_cancelled() => {
                tracing::warn!(execution.id = %pointer.execution_id, error = %error, "A claim may have got lost");
            }
            outcome => return outcome,
        }
        again = true;
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

/// An execution is not pending any more: its place in the backlog and its message are not needed.
pub(crate) async fn forget(runtime: &Runtime, pointer: ExecutionPointer) {
    delete(runtime, runtime.backlog.gone(pointer)).await;
}

async fn delete(runtime: &Runtime, message: Option<QueueMessage>) {
    let Some(message) = message else { return };
    match runtime.repositories.stores.queue.delete(&message).await {
        Ok(()) | Err(StoreError::PreconditionFailed | StoreError::NotFound) => {}
        // Delivered again, it finds nothing to claim and is deleted then.
        Err(error) => tracing::warn!(error = %error, "A message of the execution queue could not be deleted"),
    }
}

async fn run(
    runtime: &Arc<Runtime>,
    execution: &Execution,
    edition: Arc<Edition>,
    live: Running,
) -> Result<(), StoreError> {
    let ran = match ready(runtime, execution, edition).await? {
        Ok(ready) => {
            // It was accepted: however long the line is, it waits in it.
            let place = runtime.pool.place_regardless(execution.scope);
            match ready.run(runtime.clone(), place, live).await {
                Ok(_) => Ok(()),
                Err(crate::RunError::Store(error)) => Err(error),
                Err(other) => Err(StoreError::unavailable(other)),
            }
        }
        Err(refusal) => refuse(runtime, execution, refusal, live).await,
    };
    let pointer = ExecutionPointer { scope: execution.scope, execution_id: execution.id };
    runtime.repositories.stores.secrets.delete(&password_address(pointer)).await?;
    ran
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
    let logs = LogSink::new(runtime, masker, Arc::new(execution.clone()), live.clone());
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
    let finished = runtime.repositories.executions.finish(execution, &ending).await?;
    runtime.metrics.ended(&finished);
    Ok(())
}
