//! The life of one execution: durable record, user code, logs and result durable, then the answer.

use crate::{
    ending::ending,
    engine::{RunAnswer, RunError, RunRequest, Wait},
    fault::{FaultPoint, reach},
    host::{Calls, Recorded, organization},
    idempotency::{Earlier, answer, earlier},
    live::Running,
    log_sink::LogSink,
    panics::{self, Panicked, caught},
    patience::Patience,
    places::Place,
    prepare::{Prepared, prepare},
    record::Record,
    refusal::settle,
    run_files::RunFiles,
    runtime::Runtime,
    schedule::{GRACE, MOST_AHEAD},
    steps::Steps,
    workers::{Assignment, Edition, Outcome, TargetKind},
};
use chrono::{DateTime, SecondsFormat, Utc};
use msp_auth::Access;
use msp_domain::{EffectiveConfig, ExecutionId, LogLevel, Trigger, Workflow};
use msp_storage::{
    ExecutionPointer, SecretAddress, SecretNamespace, SecretValue, StoreError,
    repositories::{
        audit::AuditDraft,
        executions::{Entry, Execution, NewExecution},
    },
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tracing::Instrument as _;

/// Pauses between attempts to put an execution, or a batch, on record. A commit whose answer got lost may have taken place, and then
/// the next attempt finds it; the caller waits, so this ends soon. What the last one leaves open is settled later.
pub(crate) const INSERT_RETRIES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(400)];

/// Puts a request on record and, unless it is to be queued, runs it. Everything after the checks happens in a task
/// of its own: a caller that hangs up cancels nothing.
pub(crate) async fn run(runtime: Arc<Runtime>, request: RunRequest) -> Result<RunAnswer, RunError> {
    let wait = if request.start_at.is_some() { Wait::No } else { request.wait };
    let mark = |sent| runtime.fingerprints.mark(&request.access, &request.workflow, sent, runtime.clock.now());
    let mut mark = request.idempotency.as_ref().map(mark);
    if let Some(mark) = &mut mark {
        let scope = request.access.scope();
        match earlier(&runtime, scope, mark).await? {
            Earlier::Run(id) => return answer(&runtime, scope, id, wait).await,
            Earlier::None(expired) => mark.replaces = expired,
        }
    }
    if let Some(start_at) = request.start_at {
        check_start(start_at, runtime.clock.now())?;
    }
    let edition = runtime.pool.edition();
    let has_organization = request.access.organization().is_some();
    let prepared =
        prepare(&edition.metadata(), &request.workflow, has_organization, request.form.as_ref(), &request.input)?;
    let category = &prepared.workflow.category;
    if !request.access.may_run(category) {
        return Err(RunError::OutsideCategories { workflow: request.workflow, category: category.clone() });
    }
    runtime.pauses.refuse(&request.access, Some(&prepared.workflow.name)).await?;
    let prepared = Prepared { mark, ..prepared };
    match wait {
        Wait::No => {
            let task = async move { enqueue(&runtime, &request, &prepared, &edition).await };
            tokio::spawn(task.in_current_span()).await.unwrap_or_else(|_| Err(task_lost()))
        }
        Wait::AtMost(limit) => {
            // Held from before the record until a worker takes it: what is on record is never refused for lack of room.
            let place = runtime.pool.place(request.access.scope()).ok_or(RunError::Saturated)?;
            let (recorded, on_record) = oneshot::channel();
            let started = runtime.clone();
            let mut task =
                runtime.tasks.spawn(run_now(started, request, prepared, edition, place, recorded).in_current_span());
            match tokio::time::timeout(limit, &mut task).await {
                Ok(ended) => ended.unwrap_or_else(|_| Err(task_lost())),
                Err(_elapsed) => match on_record.await {
                    Ok(execution) => Ok(RunAnswer::Accepted(Box::new(execution))),
                    // Refused before it was recorded, only just now.
                    Err(_) => task.await.unwrap_or_else(|_| Err(task_lost())),
                },
            }
        }
    }
}

/// A start that has passed, or lies further ahead than anybody plans, is a mistake worth telling.
fn check_start(start_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), RunError> {
    let fault = if start_at < now - GRACE {
        "has passed"
    } else if start_at > now + MOST_AHEAD {
        "is more than a year ahead"
    } else {
        return Ok(());
    };
    let start_at = start_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Err(RunError::StartTime(format!("The time to start at, `{start_at}`, {fault}.")))
}

/// The place an accepted execution waits in.
enum Waiting {
    InLine(Place),
    ForItsTime(Place, DateTime<Utc>),
}

fn task_lost() -> RunError {
    RunError::Unavailable("the engine stopped while the run was being accepted".to_owned())
}

async fn enqueue(
    runtime: &Arc<Runtime>,
    request: &RunRequest,
    prepared: &Prepared,
    edition: &Edition,
) -> Result<RunAnswer, RunError> {
    let scope = request.access.scope();
    let waiting = match request.start_at {
        None => Waiting::InLine(runtime.backlog.admit(scope).ok_or(RunError::BacklogFull)?),
        Some(at) => Waiting::ForItsTime(runtime.schedule.admit(scope).ok_or(RunError::ScheduleFull)?, at),
    };
    let new = new_execution(runtime, request, prepared, edition);
    let pointer = ExecutionPointer { scope: new.scope, execution_id: new.id };
    let parked = password_address(pointer);
    if !prepared.passwords.is_empty() {
        let passwords = SecretValue::new(Value::Object(prepared.passwords.clone()).to_string());
        runtime.repositories.stores.secrets.set(&parked, &passwords).await?;
    }
    if let Waiting::ForItsTime(..) = waiting {
        runtime.schedule.expect(new.id);
    }
    let execution = match insert(runtime, request, &new, &Entry::Queued).await {
        Ok(execution) => execution,
        Err(error) => {
            runtime.schedule.gone(new.id);
            if !prepared.passwords.is_empty() {
                // Left behind if this fails too; recovery sweeps passwords without an execution.
                let _ = runtime.repositories.stores.secrets.delete(&parked).await;
            }
            return Err(error);
        }
    };
    reach(FaultPoint::AfterEnqueue);
    let place = match waiting {
        Waiting::InLine(place) => place,
        Waiting::ForItsTime(place, at) => {
            runtime.schedule.accept(pointer, at, place);
            return Ok(RunAnswer::Accepted(Box::new(execution)));
        }
    };
    runtime.backlog.accept(new.id, place);
    let sent = caught(runtime.repositories.stores.queue.send(pointer)).await;
    if !matches!(sent, Ok(Ok(()))) {
        let error = sent.ok().and_then(Result::err).map_or_else(|| "a panic".to_owned(), |error| error.to_string());
        tracing::warn!(execution.id = %new.id, error, "An execution was accepted without a message in the queue");
        runtime.backlog.arrive(pointer, None);
    }
    Ok(RunAnswer::Accepted(Box::new(execution)))
}

async fn run_now(
    runtime: Arc<Runtime>,
    request: RunRequest,
    prepared: Prepared,
    edition: Arc<Edition>,
    place: Place,
    recorded: oneshot::Sender<Execution>,
) -> Result<RunAnswer, RunError> {
    // As the gate saw it: if it has changed since, the insert is refused.
    let snapshot = runtime.repositories.snapshots.at(request.access.generation());
    let config = snapshot.config(request.access.scope().org()).await?;
    let new = new_execution(&runtime, &request, &prepared, &edition);
    let timeout = chrono::Duration::seconds(i64::try_from(new.timeout_seconds).unwrap_or(i64::MAX / 1_000_000));
    let entry = Entry::Claimed { owner: runtime.owner.clone(), deadline_at: new.started_at + timeout };
    let live = runtime.live.enter(new.id);
    reach(FaultPoint::BeforeRecord);
    let execution = insert(&runtime, &request, &new, &entry).await?;
    reach(FaultPoint::AfterRecord);
    // The caller may have stopped waiting: then nobody needs to know.
    let _ = recorded.send(execution.clone());
    let claimed = Claimed {
        edition,
        execution,
        access: request.access,
        config,
        workflow: prepared.workflow,
        arguments: prepared.arguments,
        passwords: prepared.passwords,
    };
    match caught(claimed.run(runtime.clone(), place, live)).await {
        Ok(answer) => answer,
        Err(Panicked) => {
            let pointer = ExecutionPointer { scope: new.scope, execution_id: new.id };
            finished(&runtime, panics::end(&runtime, pointer).await?.ok_or(StoreError::NotFound)?).await
        }
    }
}

/// The answer to a caller who waited for the end.
async fn finished(runtime: &Runtime, execution: Execution) -> Result<RunAnswer, RunError> {
    let result = match &execution.result {
        Some(json) => Some(runtime.repositories.executions.load_json(json).await?),
        None => None,
    };
    Ok(RunAnswer::Finished(Box::new(execution), result))
}

fn new_execution(runtime: &Runtime, request: &RunRequest, prepared: &Prepared, edition: &Edition) -> NewExecution {
    let now = runtime.clock.now();
    let caller = request.access.caller();
    NewExecution {
        id: ExecutionId::at(runtime.repositories.order.place(now)),
        scope: request.access.scope(),
        workflow_name: prepared.workflow.name.clone(),
        form_id: request.form.as_ref().map(|form| form.id),
        form_name: request.form.as_ref().map(|form| form.name.clone()),
        executed_by: caller.user,
        executed_by_name: caller.display_name.clone(),
        trigger: if request.form.is_some() { Trigger::Form } else { Trigger::Api },
        input_json: prepared.input_json.clone(),
        bundle_hash: edition.bundle().to_owned(),
        started_at: now,
        scheduled_for: request.start_at,
        timeout_seconds: prepared.workflow.timeout_seconds,
        minutes_saved: prepared.workflow.minutes_saved,
        retry_of: request.retry_of,
        batch: None,
        mark: prepared.mark.clone(),
        files: request.files.clone(),
    }
}

/// The insert is guarded by the generation the gate read: what allowed the run still holds when it is recorded.
async fn insert(
    runtime: &Arc<Runtime>,
    request: &RunRequest,
    new: &NewExecution,
    entry: &Entry,
) -> Result<Execution, RunError> {
    if runtime.stopping.is_cancelled() {
        return Err(RunError::Unavailable("the engine is shutting down".to_owned()));
    }
    let guard = runtime.repositories.generation.guard(request.access.generation().cloned());
    let audit = AuditDraft {
        scope: new.scope,
        actor: request.actor.clone(),
        action: "Workflow.Execute".to_owned(),
        entity_type: "Workflow".to_owned(),
        entity_id: new.workflow_name.clone(),
        details: json!({
            "execution_id": new.id, "bundle": new.bundle_hash, "retry_of": new.retry_of, "form_id": new.form_id,
            "scheduled_for": new.scheduled_for,
            "files": new.files.iter().map(|taken| taken.upload.file.id).collect::<Vec<_>>(),
        }),
    };
    let mut pauses = INSERT_RETRIES.into_iter();
    let inserted = loop {
        let insert = runtime.repositories.executions.insert(new, entry, vec![guard.clone()], audit.clone());
        // One that panicked may have taken effect, as one without an answer.
        let inserted = caught(insert).await.unwrap_or_else(|Panicked| Err(StoreError::unavailable("a panic")));
        match (inserted, pauses.next()) {
            (Err(StoreError::Unavailable(error)), Some(pause)) => {
                tracing::warn!(execution.id = %new.id, error = %error, "An execution may be on record without an answer");
                tokio::time::sleep(pause).await;
            }
            (inserted, _) => break inserted,
        }
    };
    match inserted {
        Ok(execution) => Ok(execution),
        Err(StoreError::PreconditionFailed) => Err(RunError::Changed),
        // An equal request was faster: the next attempt finds its mark.
        Err(StoreError::AlreadyExists) if new.mark.is_some() => Err(RunError::Changed),
        Err(error) => {
            if matches!(error, StoreError::Unavailable(_)) {
                let pointer = ExecutionPointer { scope: new.scope, execution_id: new.id };
                runtime.tasks.spawn(settle(runtime.clone(), pointer));
            }
            Err(error.into())
        }
    }
}

/// Where the passwords of a queued execution wait for it.
pub(crate) fn password_address(pointer: ExecutionPointer) -> SecretAddress {
    SecretAddress::new(SecretNamespace::Parameter, pointer.scope, pointer.execution_id.key())
}

/// An execution this engine has claimed, with everything its worker needs.
pub(crate) struct Claimed {
    pub edition: Arc<Edition>,
    pub execution: Execution,
    pub access: Access,
    pub config: Arc<EffectiveConfig>,
    pub workflow: Workflow,
    pub arguments: Map<String, Value>,
    pub passwords: Map<String, Value>,
}

impl Claimed {
    /// Runs it to its final record. `place` is its place in the line for a worker. `live` is held to the end: whoever wants
    /// to cancel it finds it there.
    ///
    /// # Errors
    /// [`RunError::Store`] when the ending could not be made durable; the record then still says `Running`.
    pub async fn run(self, runtime: Arc<Runtime>, place: Place, live: Running) -> Result<RunAnswer, RunError> {
        let execution = self.execution;
        let masker = runtime.masker(execution.scope);
        for password in self.passwords.values().filter_map(Value::as_str) {
            masker.add(password);
        }
        let executions = &runtime.repositories.executions;
        let as_claimed = Arc::new(execution.clone());
        let logs = LogSink::new(&runtime, masker.clone(), as_claimed.clone(), live.clone());
        let record = Record::new(executions.clone(), logs.clone(), execution.clone(), live.clone());
        let steps = Steps::new(executions.clone(), masker.clone(), as_claimed, live.clone());
        let assignment = Assignment {
            edition: self.edition,
            scope: execution.scope,
            execution_id: execution.id,
            kind: TargetKind::Workflow,
            name: self.workflow.name.clone(),
            arguments: self.arguments,
            context: context(&self.access, &self.config),
            exclusive: self.workflow.exclusive,
            timeout: Duration::from_secs(execution.timeout_seconds),
            cancel: live.cancel().clone(),
        };
        let calls = Calls {
            runtime: runtime.clone(),
            access: self.access,
            config: self.config,
            masker: masker.clone(),
            execution_id: execution.id,
            category: Some(self.workflow.category),
        };
        let of = (execution.scope, execution.id);
        let files = RunFiles::new(runtime.repositories.files.clone(), of, masker.clone());
        let host =
            Arc::new(Recorded { calls, files, logs: logs.clone(), record: record.clone(), steps: steps.clone() });
        let outcome = runtime.pool.run_in(place, assignment, host.clone()).await;
        host.files.close().await;
        reach(FaultPoint::AfterOutcome);
        describe(&outcome, &logs).await;
        let ended = finish(&runtime, &record, &logs, &steps, &outcome).await?;
        finished(&runtime, ended).await
    }
}

/// `context` of the `start` frame.
pub(crate) fn context(access: &Access, config: &EffectiveConfig) -> Value {
    let caller = access.caller();
    json!({
        "org": access.organization().map(organization),
        "config": config.to_values(),
        "caller": { "user_id": caller.user, "email": caller.email, "name": caller.display_name },
    })
}

/// What the outcome adds to the log: a traceback as one line, a loss in one sentence.
async fn describe(outcome: &Outcome, logs: &LogSink) {
    match outcome {
        Outcome::Raised { traceback, .. } if !traceback.is_empty() => {
            logs.say(LogLevel::Error, "traceback", traceback.clone()).await;
        }
        Outcome::WorkerLost { message, .. } => logs.say(LogLevel::Error, "platform", message.clone()).await,
        Outcome::Returned(_)
        | Outcome::Raised { .. }
        | Outcome::Cancelled
        | Outcome::TimedOut
        | Outcome::NotStarted(_) => {}
    }
}

/// Logs and steps durable first, then the ending; both again while the store is away. When the server is stopped meanwhile,
/// the record stays `Running` and the next start of the engine ends it as `Interrupted`.
async fn finish(
    runtime: &Runtime,
    record: &Record,
    logs: &LogSink,
    steps: &Steps,
    outcome: &Outcome,
) -> Result<Execution, StoreError> {
    let masker = runtime.masker(record.snapshot().await.scope);
    let mut ending = ending(outcome, &masker, runtime.clock.now());
    let mut patience = Patience::default();
    loop {
        let written = async {
            ending.logs_through = logs.finish().await?;
            steps.finish(ending.status, ending.completed_at).await?;
            reach(FaultPoint::BeforeResult);
            record.finish(&ending).await
        };
        let error = match written.await {
            Ok(finished) => {
                reach(FaultPoint::AfterResult);
                runtime.ended(&finished);
                return Ok(finished);
            }
            Err(error) => error,
        };
        let known = record.snapshot().await;
        if matches!(error, StoreError::PreconditionFailed) {
            tracing::warn!(execution.id = %known.id, "An execution had been ended by somebody else");
            return Err(error);
        }
        tracing::warn!(execution.id = %known.id, error = %error, "The end of an execution could not be written yet");
        if !patience.wait(runtime).await {
            tracing::error!(execution.id = %known.id, error = %error, "The end of an execution could not be written");
            return Err(error);
        }
    }
}
