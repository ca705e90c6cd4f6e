//! The dispatcher: starts pending executions when it is their turn, checks the rights behind them again, and runs them.

use crate::{
    RunError,
    backlog::Turn,
    engine::outside,
    fault::{FaultPoint, reach},
    live::Running,
    panics::{self, Panicked, caught},
    patience::Patience,
    pauses::MayStart,
    refusal::{Refusal, refuse},
    run::{Claimed, password_address},
    runtime::Runtime,
    schedule::MOST_LATE,
    workers::Edition,
};
use msp_auth::Denied;
use msp_domain::{ExecutionStatus, PauseTarget, Scope, Workflow, parameter::validate_input};
use msp_storage::{ExecutionPointer, Guard, QueueMessage, StoreError, repositories::executions::Execution};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// How long a received message stays hidden. Its execution may wait longer for its turn: then it is delivered again,
/// which changes nothing but the receipt.
const VISIBILITY: Duration = Duration::from_secs(300);
/// Messages received at once.
const RECEIVED_AT_ONCE: usize = 32;
/// The longest sleep between looks at the queue: a message whose receiver died becomes visible without a signal.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Executions being claimed at once. When many end together their places are taken by as many others, and whoever waits for
/// an answer would share the processors and the next commit with all of them: beside 1,000 queued runs of another
/// organization its p99 was 2.4 x of idle with no bound, 1.9 to 2.3 x with four, and is 1.5 to 1.9 x with one
/// (`cargo xtask bench --only fairness`). A claim takes a fraction of a millisecond.
const CLAIMED_AT_ONCE: usize = 1;
/// Turns in which an execution may fail by itself, or engines that may die at it, before it is given up.
const MOST_FAILURES: u32 = 5;
/// After a failed look at the queue, or a failed attempt to start an execution.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Gives turns until the engine stops.
pub(crate) async fn dispatch(runtime: Arc<Runtime>) {
    let claims = Arc::new(Semaphore::new(CLAIMED_AT_ONCE));
    while !runtime.stopping.is_cancelled() {
        for turn in runtime.backlog.turns() {
            runtime.tasks.spawn(take(runtime.clone(), claims.clone(), turn));
        }
        tokio::select! {
            () = runtime.backlog.changed() => {}
            () = runtime.stopping.cancelled() => {}
        }
    }
}

/// Moves what the queue delivers into the backlog, where organizations take turns: a queue knows only the oldest.
pub(crate) async fn receive(runtime: Arc<Runtime>) {
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

async fn take(runtime: Arc<Runtime>, claims: Arc<Semaphore>, turn: Turn) {
    if let Err(Panicked) = caught(have_turn(&runtime, &claims, &turn)).await {
        after_a_panic(&runtime, &turn).await;
    }
}

/// Whatever panicked in a turn, the execution gets an ending, or another turn, and its place is given back.
async fn after_a_panic(runtime: &Arc<Runtime>, turn: &Turn) {
    let pointer = turn.pointer;
    match guarded(panics::end(runtime, pointer)).await {
        Ok(Some(execution)) if execution.status == ExecutionStatus::Pending => {
            let live = runtime.live.enter(pointer.execution_id);
            not_claimed(runtime, turn, Fault::Panicked, &live).await;
        }
        Ok(_) => forget(runtime, pointer).await,
        // The store is away, and the engine stops.
        Err(Fault::Store(error @ (StoreError::Unavailable(_) | StoreError::Full(_)))) => {
            tracing::error!(execution.id = %pointer.execution_id, error = %error, "An execution was not ended; the next start of the engine does it");
        }
        // Its record is what panics, or cannot be read.
        Err(fault) => not_claimed(runtime, turn, fault, &runtime.live.enter(pointer.execution_id)).await,
    }
}

async fn have_turn(runtime: &Arc<Runtime>, claims: &Semaphore, turn: &Turn) {
    let pointer = turn.pointer;
    let claiming = claims.acquire().await;
    if runtime.stopping.is_cancelled() {
        return;
    }
    let live = runtime.live.enter(pointer.execution_id);
    // The record names what it runs on, which may have changed since it was queued.
    let edition = runtime.pool.edition();
    let claimed = guarded(claim(runtime, turn, edition.bundle())).await;
    drop(claiming);
    let claim = match claimed {
        Ok(claim) => claim,
        Err(Fault::Store(error @ (StoreError::Unavailable(_) | StoreError::Full(_)))) => {
            tracing::warn!(execution.id = %pointer.execution_id, error = %error, "A queued execution could not be started yet");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            return turn.give_back();
        }
        Err(fault) => return not_claimed(runtime, turn, fault, &live).await,
    };
    match claim {
        Claim::Ours(execution) => {
            reach(FaultPoint::AfterClaim);
            forget(runtime, pointer).await;
            live.moved();
            run(runtime, &execution, edition, live).await;
        }
        Claim::NotPending => forget(runtime, pointer).await,
        Claim::Paused(target) => {
            delete(runtime, turn.set_aside()).await;
            runtime.pauses.hold(pointer, target);
        }
        Claim::Deadly => give_up(runtime, pointer, Refusal::kills_the_engine(MOST_FAILURES), &live).await,
    }
}

/// What came of something that must not take its execution down with it.
enum Fault {
    Store(StoreError),
    /// The panic itself is in the log.
    Panicked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Panicked => f.write_str("the platform panicked"),
        }
    }
}

async fn guarded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Fault> {
    match caught(work).await {
        Ok(outcome) => outcome.map_err(Fault::Store),
        Err(Panicked) => Err(Fault::Panicked),
    }
}

/// Gives the execution another turn, or, after [`MOST_FAILURES`], up: one that nobody can start must not hold a place and
/// fill the log for ever.
async fn not_claimed(runtime: &Arc<Runtime>, turn: &Turn, fault: Fault, live: &Running) {
    let (pointer, failures) = (turn.pointer, turn.failed());
    if failures < MOST_FAILURES {
        tracing::warn!(
            execution.id = %pointer.execution_id, error = %fault, failures,
            "A queued execution could not be started; it gets another turn"
        );
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        return turn.give_back();
    }
    let ExecutionPointer { scope, execution_id } = pointer;
    tracing::error!(
        execution.id = %execution_id, org.id = scope.key(), error = %fault, failures,
        "A queued execution could not be started again and again, and is given up"
    );
    give_up(runtime, pointer, Refusal::fault(failures), live).await;
}

/// Ends an execution of which no code will run.
async fn give_up(runtime: &Runtime, pointer: ExecutionPointer, refusal: Refusal, live: &Running) {
    let ExecutionPointer { scope, execution_id } = pointer;
    let given_up = guarded(async {
        match runtime.repositories.executions.get(scope, execution_id).await? {
            Some(execution) if !execution.status.is_final() => refuse(runtime, &execution, refusal, live).await,
            Some(_) | None => Ok(()),
        }
    });
    if let Err(fault) = given_up.await {
        tracing::error!(
            execution.id = %execution_id, error = %fault,
            "What could not be started could not be ended either; `msp repair` tells what is wrong with its record"
        );
    }
    forget(runtime, pointer).await;
}

enum Claim {
    Ours(Box<Execution>),
    /// Somebody else claimed it, or it was cancelled.
    NotPending,
    Paused(PauseTarget),
    /// Engines have died again and again when its turn had come.
    Deadly,
}

async fn claim(runtime: &Runtime, turn: &Turn, bundle: &str) -> Result<Claim, StoreError> {
    let pointer = turn.pointer;
    // A claim that failed by itself may have taken effect.
    let again = turn.failures() > 0;
    loop {
        let guard = match runtime.pauses.may_start(pointer).await? {
            MayStart::Under(guard) => guard,
            MayStart::Paused(target) => return Ok(Claim::Paused(target)),
        };
        if turn.is_to_be_counted() && runtime.repositories.executions.count_start(pointer).await? >= MOST_FAILURES {
            return Ok(Claim::Deadly);
        }
        reach(FaultPoint::BeforeClaim);
        match certain_claim(runtime, pointer, bundle, guard, again).await {
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
    mut again: bool,
) -> Result<Option<Execution>, StoreError> {
    let (executions, now) = (&runtime.repositories.executions, runtime.clock.now());
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
    runtime.schedule.gone(pointer.execution_id);
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

/// Runs what was claimed. Whatever goes wrong, its record gets an ending.
async fn run(runtime: &Arc<Runtime>, execution: &Execution, edition: Arc<Edition>, live: Running) {
    let ended = match guarded(until_ready(runtime, execution, edition)).await {
        Ok(Ok(ready)) => go(runtime, execution, ready, live).await,
        Ok(Err(refusal)) => refuse(runtime, execution, refusal, &live).await,
        Err(Fault::Panicked) => refuse(runtime, execution, Refusal::fault(1), &live).await,
        Err(Fault::Store(error)) => Err(error),
    };
    if let Err(error) = ended {
        // Recovery finds the record.
        tracing::error!(execution.id = %execution.id, error = %error, "A queued execution was not run to its end");
    }
}

async fn go(runtime: &Arc<Runtime>, execution: &Execution, ready: Claimed, live: Running) -> Result<(), StoreError> {
    // It was accepted: however long the line is, it waits in it.
    let place = runtime.pool.place_regardless(execution.scope);
    let ran = guarded(async {
        match ready.run(runtime.clone(), place, live).await {
            Ok(_) => Ok(()),
            Err(RunError::Store(error)) => Err(error),
            Err(other) => Err(StoreError::unavailable(other)),
        }
    });
    let pointer = pointer(execution);
    match ran.await {
        Ok(()) => {}
        Err(Fault::Store(error)) => return Err(error),
        Err(Fault::Panicked) => {
            panics::end(runtime, pointer).await?;
        }
    }
    runtime.repositories.stores.secrets.delete(&password_address(pointer)).await
}

fn pointer(execution: &Execution) -> ExecutionPointer {
    ExecutionPointer { scope: execution.scope, execution_id: execution.id }
}

/// Gets ready as soon as the store is there.
async fn until_ready(
    runtime: &Runtime,
    execution: &Execution,
    edition: Arc<Edition>,
) -> Result<Result<Claimed, Refusal>, StoreError> {
    let mut patience = Patience::default();
    loop {
        match ready(runtime, execution, Arc::clone(&edition)).await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Full(_))) => {
                tracing::warn!(execution.id = %execution.id, error = %error, "A claimed execution has to wait for the store");
                if !patience.wait(runtime).await {
                    return Err(error);
                }
            }
            Err(error) => {
                tracing::error!(execution.id = %execution.id, error = %error, "What a claimed execution needs is not readable");
                return Ok(Err(Refusal::unreadable(&error)));
            }
            ready => return ready,
        }
    }
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
        Err(
            denied @ (Denied::Permission { .. } | Denied::Inactive | Denied::BeingDeleted | Denied::NoSuchOrganization),
        ) => {
            return Ok(Err(Refusal {
                error_type: "permission_denied",
                message: format!("The right to run this was taken away while it waited: {denied}."),
            }));
        }
    };
    if execution.scheduled_for.is_some_and(|at| at + MOST_LATE < runtime.clock.now()) {
        return Ok(Err(Refusal::too_late()));
    }
    let metadata = edition.metadata();
    let Some(workflow) = metadata.workflow(&execution.workflow_name) else {
        return Ok(Err(Refusal {
            error_type: "unknown_workflow",
            message: format!("The workflow `{}` is not there any more.", execution.workflow_name),
        }));
    };
    if !access.may_run(&workflow.category) {
        let outside = outside(&workflow.name, &workflow.category);
        return Ok(Err(Refusal {
            error_type: "permission_denied",
            message: format!("The right to run this was taken away while it waited: {outside}."),
        }));
    }
    let input = runtime.repositories.executions.load_json(&execution.input).await?;
    let mut arguments: Map<String, Value> =
        serde_json::from_str(&input).map_err(|error| StoreError::Corrupt(format!("the input: {error}")))?;
    let passwords: Map<String, Value> =
        match runtime.repositories.stores.secrets.get(&password_address(pointer(execution))).await? {
            Some(parked) => serde_json::from_str(parked.reveal())
                .map_err(|_| StoreError::Corrupt("the parked passwords of an execution".to_owned()))?,
            None => Map::new(),
        };
    arguments.extend(passwords.clone());
    // Weeks may have passed since it was accepted.
    if execution.scheduled_for.is_some()
        && let Err(refusal) = still_fits(workflow, execution, &arguments)
    {
        return Ok(Err(refusal));
    }
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

/// Whether the workflow, as it is now, still takes what a scheduled execution was accepted with.
fn still_fits(workflow: &Workflow, execution: &Execution, arguments: &Map<String, Value>) -> Result<(), Refusal> {
    if workflow.requires_org && execution.scope == Scope::Global {
        return Err(Refusal::no_longer_fits("it runs for an organization only"));
    }
    validate_input(&workflow.parameters, arguments).map(drop).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
        Refusal::no_longer_fits(&faults.join("; "))
    })
}
