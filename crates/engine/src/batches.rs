//! Batches: every row of a form's CSV becomes an execution when its turn comes.
//!
//! The batch on record holds all rows. A task walks through them and keeps a few under way at a time, so that neither other
//! organizations nor other runs of the same one wait behind a thousand rows. What is left of a batch after a crash follows
//! from the record: the rows that have become executions, and those that have not.

use crate::{
    cancel,
    engine::{RunError, SubmittedForm},
    fault::{FaultPoint, reach},
    idempotency::BatchKey,
    patience::Patience,
    places::{Place, Places},
    prepare::prepare,
    run::password_address,
    runtime::Runtime,
};
use msp_auth::Access;
use msp_domain::{BatchId, ExecutionId, ExecutionStatus, FieldFault, Scope, Trigger};
use msp_storage::{
    ExecutionPointer, SecretValue, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{Batch, BatchRow, NewBatch},
        executions::{BatchPlace, Entry, Execution, NewExecution},
    },
};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Batches with rows to run: each keeps a task and the numbers of its rows in memory.
const MOST_OPEN: usize = 200;
/// Those of one organization.
const MOST_OPEN_PER_SCOPE: usize = 10;
/// Rows of one batch that wait in line or run: what a process takes at once. Whoever else queues a run of the organization
/// meanwhile waits behind these, not behind the file.
const ROWS_UNDER_WAY: usize = 16;

/// A form submitted with many rows. The gate has been passed: `access` proves it.
pub struct BatchRequest {
    /// What each row runs.
    pub workflow: String,
    /// Proof that the caller may run it, for which organization, and what was read to decide so.
    pub access: Access,
    /// For the audit trail.
    pub actor: Actor,
    /// The form; whoever asks has checked every row against it.
    pub form: SubmittedForm,
    /// The rows.
    pub rows: Vec<RowInput>,
    /// The caller's `Idempotency-Key`: the same request again within 24 hours is answered by the same batch.
    pub idempotency_key: Option<String>,
    /// The batch whose failed rows it repeats.
    pub retry_of: Option<BatchId>,
}

/// One row to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct RowInput {
    /// Its number in the file, from 1.
    pub row: u32,
    /// Its values.
    pub input: Map<String, Value>,
    /// The execution it repeats.
    pub retry_of: Option<ExecutionId>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFault {
    /// Its number.
    pub row: u32,
    /// The fields at fault.
    pub faults: Vec<FieldFault>,
}

/// The batches this engine works on.
pub(crate) struct Batches {
    places: Places,
    cancelled: Mutex<HashMap<BatchId, CancellationToken>>,
}

impl Batches {
    pub fn new() -> Self {
        Self { places: Places::new(MOST_OPEN, MOST_OPEN_PER_SCOPE), cancelled: Mutex::default() }
    }

    fn enter(&self, id: BatchId) -> CancellationToken {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone()
    }

    fn leave(&self, id: BatchId) {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Checks every row against the workflow, and what else would refuse the batch; nothing is recorded.
///
/// # Errors
/// [`RunError::Rows`] with everything that is wrong with any of them; [`RunError`] as for a single run.
pub(crate) async fn check(runtime: &Runtime, request: &BatchRequest) -> Result<(), RunError> {
    prepared(runtime, request).await.map(drop)
}

/// A batch ready to be put on record, with the passwords of its rows.
struct Ready {
    new: NewBatch,
    rows: Vec<BatchRow>,
    passwords: Vec<(ExecutionId, Map<String, Value>)>,
}

async fn prepared(runtime: &Runtime, request: &BatchRequest) -> Result<Ready, RunError> {
    let (edition, now, scope) = (runtime.pool.edition(), runtime.clock.now(), request.access.scope());
    let metadata = edition.metadata();
    let (mut rows, mut passwords, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let (mut timeout_seconds, mut minutes_saved) = (0, None);
    for row in &request.rows {
        let has_organization = request.access.organization().is_some();
        match prepare(&metadata, &request.workflow, has_organization, Some(&request.form), &row.input) {
            Ok(prepared) => {
                let category = &prepared.workflow.category;
                if !request.access.may_run(category) {
                    let (workflow, category) = (request.workflow.clone(), category.clone());
                    return Err(RunError::OutsideCategories { workflow, category });
                }
                let input = serde_json::from_str(&prepared.input_json)
                    .map_err(|error| StoreError::Corrupt(format!("a prepared input: {error}")))?;
                let execution_id = ExecutionId::at(now);
                if !prepared.passwords.is_empty() {
                    passwords.push((execution_id, prepared.passwords));
                }
                timeout_seconds = prepared.workflow.timeout_seconds;
                minutes_saved = prepared.workflow.minutes_saved;
                rows.push(BatchRow { row: row.row, execution_id, input, retry_of: row.retry_of });
            }
            Err(RunError::Invalid(of_row)) => faults.push(RowFault { row: row.row, faults: of_row }),
            Err(error) => return Err(error),
        }
    }
    if !faults.is_empty() {
        return Err(RunError::Rows(faults));
    }
    runtime.pauses.refuse(&request.access, Some(&request.workflow)).await?;
    let caller = request.access.caller();
    let new = NewBatch {
        id: BatchId::at(now),
        scope,
        form_id: request.form.id,
        form_name: request.form.name.clone(),
        workflow_name: request.workflow.clone(),
        submitted_by: caller.user,
        submitted_by_name: caller.display_name.clone(),
        created_at: now,
        bundle_hash: edition.bundle().to_owned(),
        timeout_seconds,
        minutes_saved,
        has_passwords: !passwords.is_empty(),
        retry_of: request.retry_of,
        mark: None,
    };
    Ok(Ready { new, rows, passwords })
}

/// Puts a batch on record, whole, and begins with it. A caller that hangs up cancels nothing.
///
/// # Errors
/// As for [`check`], and [`RunError::BatchesFull`].
pub(crate) async fn submit(runtime: Arc<Runtime>, request: BatchRequest) -> Result<Batch, RunError> {
    let task = async move { record(&runtime, request).await };
    let lost = |_| Err(RunError::Unavailable("the engine stopped while the batch was being accepted".to_owned()));
    tokio::spawn(task).await.unwrap_or_else(lost)
}

async fn record(runtime: &Arc<Runtime>, request: BatchRequest) -> Result<Batch, RunError> {
    let scope = request.access.scope();
    let mut mark = runtime.fingerprints.batch_mark(&request, runtime.clock.now());
    if let Some(mark) = &mut mark {
        match BatchKey::look_up(runtime, scope, mark).await? {
            BatchKey::Leads(batch) => return Ok(*batch),
            BatchKey::Free(expired) => mark.replaces = expired,
        }
    }
    let Ready { mut new, rows, passwords } = prepared(runtime, &request).await?;
    new.mark = mark;
    let place = runtime.batches.places.take(scope).ok_or(RunError::BatchesFull)?;
    if runtime.stopping.is_cancelled() {
        return Err(RunError::Unavailable("the engine is shutting down".to_owned()));
    }
    let secrets = &runtime.repositories.stores.secrets;
    for (execution_id, passwords) in &passwords {
        let value = SecretValue::new(Value::Object(passwords.clone()).to_string());
        secrets.set(&password_address(ExecutionPointer { scope, execution_id: *execution_id }), &value).await?;
    }
    let details = json!({
        "form_id": new.form_id, "workflow": new.workflow_name, "rows": rows.len(), "bundle": new.bundle_hash,
        "retry_of": new.retry_of,
    });
    let audit = AuditDraft::new(scope, &request.actor, "Batch.Submit", new.id.key(), details);
    let guard = runtime.repositories.generation.guard(request.access.generation().cloned());
    match runtime.repositories.batches.insert(&new, &rows, vec![guard], audit).await {
        Ok(batch) => {
            reach(FaultPoint::AfterBatch);
            begin(runtime, batch.clone(), place);
            Ok(batch)
        }
        Err(error) => {
            // Left behind if this fails too; recovery sweeps passwords without an execution.
            for (execution_id, _) in passwords {
                let _ = secrets.delete(&password_address(ExecutionPointer { scope, execution_id })).await;
            }
            match error {
                StoreError::PreconditionFailed => Err(RunError::Changed),
                // An equal request was faster: the next attempt finds its mark.
                StoreError::AlreadyExists if new.mark.is_some() => Err(RunError::Changed),
                StoreError::Unavailable(_) => {
                    runtime.tasks.spawn(settle(runtime.clone(), scope, new.id));
                    Err(error.into())
                }
                error => Err(error.into()),
            }
        }
    }
}

/// Waits until the store says whether a batch is on record after all, and takes it back if so: its caller was refused.
async fn settle(runtime: Arc<Runtime>, scope: Scope, id: BatchId) {
    let batches = &runtime.repositories.batches;
    let mut patience = Patience::default();
    loop {
        let settled = async {
            match batches.get(scope, id).await? {
                Some(batch) => batches.withdraw(&batch).await,
                None => Ok(()),
            }
        };
        let Err(error) = settled.await else { return };
        if !patience.wait(&runtime).await {
            tracing::error!(batch.id = %id, error = %error, "It is not known whether a batch is on record");
            return;
        }
    }
}

/// Goes on with the batches an earlier engine left behind.
pub(crate) fn resume(runtime: &Arc<Runtime>, left_behind: Vec<Batch>) {
    for batch in left_behind {
        let place = runtime.batches.places.take_regardless(batch.scope);
        begin(runtime, batch, place);
    }
}

fn begin(runtime: &Arc<Runtime>, batch: Batch, place: Place) {
    let runtime = runtime.clone();
    let cancelled = runtime.batches.enter(batch.id);
    tokio::spawn(async move {
        let stopping = runtime.stopping.clone();
        let id = batch.id;
        if let Some(Err(error)) = stopping.run_until_cancelled(work(&runtime, batch, &cancelled)).await {
            // The next start goes on with it.
            tracing::error!(batch.id = %id, error = %error, "A batch could not be gone on with");
        }
        runtime.batches.leave(id);
        drop(place);
    });
}

/// Runs what has not run, and says at the end how all of it ended.
async fn work(runtime: &Arc<Runtime>, batch: Batch, cancelled: &CancellationToken) -> Result<(), StoreError> {
    if batch.cancelled_at.is_some() {
        cancelled.cancel();
    }
    let (repositories, batch) = (&runtime.repositories, Arc::new(batch));
    let rows = patiently(runtime, || repositories.batches.rows(&batch)).await?;
    let known = patiently(runtime, || repositories.executions.of_batch(&batch)).await?;
    let known: HashMap<ExecutionId, ExecutionStatus> =
        known.into_iter().map(|execution| (execution.id, execution.status)).collect();
    // Dropped with everything in it when the engine stops.
    let mut under_way = JoinSet::new();
    for row in rows {
        let status = known.get(&row.execution_id);
        if status.is_some_and(|status| status.is_final()) {
            continue;
        }
        if under_way.len() == ROWS_UNDER_WAY {
            under_way.join_next().await.map_or(Ok(()), row_ended)?;
        }
        let is_new = status.is_none();
        under_way.spawn(run_row(runtime.clone(), batch.clone(), row, is_new, cancelled.clone()));
    }
    while let Some(row) = under_way.join_next().await {
        row_ended(row)?;
    }
    patiently(runtime, || complete(runtime, &batch)).await
}

fn row_ended(outcome: Result<Result<(), StoreError>, JoinError>) -> Result<(), StoreError> {
    // A panic is in the log; the next start goes on with the row.
    outcome.unwrap_or_else(|panicked| Err(StoreError::unavailable(panicked)))
}

async fn complete(runtime: &Runtime, batch: &Batch) -> Result<(), StoreError> {
    let repositories = &runtime.repositories;
    loop {
        let now = repositories.batches.get(batch.scope, batch.id).await?.ok_or(StoreError::NotFound)?;
        let counts = now.count(&repositories.executions.of_batch(&now).await?);
        match repositories.batches.complete(&now, counts).await {
            // Cancelled this moment.
            Err(StoreError::PreconditionFailed) => {}
            outcome => return outcome.map(drop),
        }
    }
}

/// One row, from its record to its end.
async fn run_row(
    runtime: Arc<Runtime>,
    batch: Arc<Batch>,
    row: BatchRow,
    is_new: bool,
    cancelled: CancellationToken,
) -> Result<(), StoreError> {
    let (runtime, batch) = (runtime.as_ref(), batch.as_ref());
    let pointer = ExecutionPointer { scope: batch.scope, execution_id: row.execution_id };
    if is_new {
        if cancelled.is_cancelled() {
            return forget_passwords(runtime, batch, pointer).await;
        }
        let (new, audit) = execution_of(batch, row);
        let executions = &runtime.repositories.executions;
        patiently(runtime, || executions.insert(&new, &Entry::Queued, Vec::new(), audit.clone())).await?;
        reach(FaultPoint::AfterRow);
    }
    let mut changes = runtime.live.follow(pointer.execution_id);
    runtime.backlog.arrive(pointer, None);
    let mut is_told = false;
    loop {
        let executions = &runtime.repositories.executions;
        let execution = patiently(runtime, || executions.get(pointer.scope, pointer.execution_id)).await?;
        // Removed already: so it had ended.
        let Some(execution) = execution else { return Ok(()) };
        if execution.status.is_final() {
            return Ok(());
        }
        if cancelled.is_cancelled() && execution.status == ExecutionStatus::Pending {
            cancel_row(runtime, batch, &execution).await?;
            continue;
        }
        tokio::select! {
            () = changes.next() => {}
            () = cancelled.cancelled(), if !is_told => is_told = true,
        }
    }
}

async fn cancel_row(runtime: &Runtime, batch: &Batch, execution: &Execution) -> Result<(), StoreError> {
    let batches = &runtime.repositories.batches;
    // Who did is on record, and not in what this task began with.
    let batch = patiently(runtime, || batches.get(batch.scope, batch.id)).await?;
    let actor = Actor { user: batch.and_then(|batch| batch.cancelled_by), ip_address: None };
    patiently(runtime, || cancel::cancel_pending(runtime, execution, &actor)).await.map(drop)
}

async fn forget_passwords(runtime: &Runtime, batch: &Batch, pointer: ExecutionPointer) -> Result<(), StoreError> {
    if !batch.has_passwords {
        return Ok(());
    }
    let (secrets, address) = (&runtime.repositories.stores.secrets, password_address(pointer));
    patiently(runtime, || secrets.delete(&address)).await
}

fn execution_of(batch: &Batch, row: BatchRow) -> (NewExecution, AuditDraft) {
    let details = json!({
        "execution_id": row.execution_id, "bundle": batch.bundle_hash, "retry_of": row.retry_of, "form_id": batch.form_id,
        "batch_id": batch.id, "row_number": row.row,
    });
    let audit = AuditDraft {
        scope: batch.scope,
        actor: Actor { user: Some(batch.submitted_by), ip_address: None },
        action: "Workflow.Execute".to_owned(),
        entity_type: "Workflow".to_owned(),
        entity_id: batch.workflow_name.clone(),
        details,
    };
    let new = NewExecution {
        id: row.execution_id,
        scope: batch.scope,
        workflow_name: batch.workflow_name.clone(),
        form_id: Some(batch.form_id),
        form_name: Some(batch.form_name.clone()),
        executed_by: batch.submitted_by,
        executed_by_name: batch.submitted_by_name.clone(),
        trigger: Trigger::Form,
        input_json: Value::Object(row.input).to_string(),
        bundle_hash: batch.bundle_hash.clone(),
        started_at: batch.created_at,
        scheduled_for: None,
        timeout_seconds: batch.timeout_seconds,
        minutes_saved: batch.minutes_saved,
        retry_of: row.retry_of,
        batch: Some(BatchPlace { id: batch.id, row: row.row }),
        files: Vec::new(),
        mark: None,
    };
    (new, audit)
}

/// Does it again while the store is away.
async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    runtime: &Runtime,
    mut attempt: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let mut patience = Patience::default();
    loop {
        match attempt().await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Full(_))) => {
                tracing::warn!(error = %error, "A batch has to wait for the store");
                if !patience.wait(runtime).await {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

/// Why a batch was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelBatchError {
    /// Its last row has ended.
    #[error("the batch has ended already")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Cancels what has not begun. Cancelling again is harmless while rows still run.
pub(crate) async fn cancel_rest(
    runtime: &Runtime,
    scope: Scope,
    id: BatchId,
    actor: &Actor,
) -> Result<Batch, CancelBatchError> {
    let batches = &runtime.repositories.batches;
    loop {
        let batch = batches.get(scope, id).await?.ok_or(StoreError::NotFound)?;
        if batch.completed_at.is_some() {
            return Err(CancelBatchError::Ended);
        }
        if batch.cancelled_at.is_some() {
            return Ok(batch);
        }
        let details = json!({ "workflow": batch.workflow_name, "rows": batch.row_count });
        let audit = AuditDraft::new(scope, actor, "Batch.Cancel", id.key(), details);
        match batches.cancel(&batch, actor.user, audit).await {
            // It ended, or somebody else cancelled it: the next look says which.
            Err(StoreError::PreconditionFailed) => {}
            outcome => {
                let batch = outcome?;
                // Its task may be about to begin: then it finds this.
                runtime.batches.enter(id).cancel();
                return Ok(batch);
            }
        }
    }
}
