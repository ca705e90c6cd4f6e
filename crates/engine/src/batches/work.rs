//! Walking through the rows of a batch on record, to the end of the last one.

use super::progress::{Progress, RowEnd};
use crate::{
    cancel,
    fault::{FaultPoint, reach},
    patience::Patience,
    places::Place,
    run::password_address,
    runtime::Runtime,
};
use msp_domain::{ExecutionId, ExecutionStatus, Trigger};
use msp_storage::{
    ExecutionPointer, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{Batch, BatchRow},
        executions::{BatchPlace, Entry, Execution, NewExecution},
    },
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// Rows of one batch that wait in line or run: what a process takes at once. Whoever else queues a run of the organization
/// meanwhile waits behind these, not behind the file.
const ROWS_UNDER_WAY: usize = 16;
/// From a failure that is not the store's absence, which is waited for, to the next attempt.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Goes on with the batches an earlier engine left behind.
pub(crate) fn resume(runtime: &Arc<Runtime>, left_behind: Vec<Batch>) {
    for batch in left_behind {
        let place = runtime.batches.places.take_regardless(batch.scope);
        begin(runtime, batch, place);
    }
}

pub(super) fn begin(runtime: &Arc<Runtime>, batch: Batch, place: Place) {
    let runtime = runtime.clone();
    let cancelled = runtime.batches.enter(batch.id);
    tokio::spawn(async move {
        let (stopping, id) = (runtime.stopping.clone(), batch.id);
        let until_it_ends = async {
            // What has become of its rows is on record, so beginning again repeats none of them.
            while let Err(error) = work(&runtime, batch.clone(), &cancelled).await {
                tracing::error!(batch.id = %id, error = %error, "A batch could not be gone on with");
                if matches!(error, StoreError::NotFound) {
                    // Its record is gone: no attempt brings it back.
                    return;
                }
                sleep(TRY_AGAIN_AFTER).await;
            }
        };
        stopping.run_until_cancelled(until_it_ends).await;
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
    let known = patiently(runtime, || repositories.executions.of_batch(&batch)).await?;
    let (rows, are_lost) = match patiently(runtime, || repositories.batches.rows(&batch)).await {
        Err(error @ (StoreError::NotFound | StoreError::Corrupt(_))) => {
            tracing::error!(
                batch.id = %batch.id, error = %error,
                "The rows of a batch are gone: what has begun goes on to its end, what has not never will"
            );
            (known.iter().filter_map(BatchRow::of).collect(), true)
        }
        rows => (rows?, false),
    };
    let known: HashMap<ExecutionId, ExecutionStatus> =
        known.into_iter().map(|execution| (execution.id, execution.status)).collect();
    let mut progress = Progress::of(runtime, &batch, known.values().copied().filter(|status| status.is_final()));
    // Dropped with everything in it when the engine stops.
    let mut under_way = JoinSet::new();
    let mut first_failure = Ok(());
    for row in rows {
        let status = known.get(&row.execution_id);
        if status.is_some_and(|status| status.is_final()) {
            continue;
        }
        if under_way.len() == ROWS_UNDER_WAY {
            first_failure = first_failure.and(progress.next_end(&mut under_way).await.unwrap_or(Ok(())));
        }
        let is_new = status.is_none();
        under_way.spawn(run_row(runtime.clone(), batch.clone(), row, is_new, cancelled.clone()));
    }
    // One that fails keeps no other.
    while let Some(row) = progress.next_end(&mut under_way).await {
        first_failure = first_failure.and(row);
    }
    first_failure?;
    patiently(runtime, || complete(runtime, &batch, are_lost)).await
}

async fn complete(runtime: &Runtime, batch: &Batch, are_lost: bool) -> Result<(), StoreError> {
    let repositories = &runtime.repositories;
    loop {
        let now = repositories.batches.get(batch.scope, batch.id).await?.ok_or(StoreError::NotFound)?;
        let executions = repositories.executions.of_batch(&now).await?;
        let ended = if are_lost {
            repositories.batches.give_up(&now, now.count_without_rest(&executions)).await
        } else {
            repositories.batches.complete(&now, now.count(&executions)).await
        };
        match ended {
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
) -> RowEnd {
    let (runtime, batch) = (runtime.as_ref(), batch.as_ref());
    let pointer = ExecutionPointer { scope: batch.scope, execution_id: row.execution_id };
    if is_new {
        if cancelled.is_cancelled() {
            return forget_passwords(runtime, batch, pointer).await.map(|()| None);
        }
        let (new, audit) = execution_of(batch, row);
        let executions = &runtime.repositories.executions;
        patiently(runtime, || executions.insert(&new, &Entry::Queued, Vec::new(), audit.clone())).await?;
        reach(FaultPoint::AfterRow);
    }
    let mut changes = runtime.live.follow(pointer.execution_id);
    if is_new {
        runtime.backlog.arrive(pointer, None);
    } else {
        runtime.backlog.take_over(pointer);
    }
    let mut is_told = false;
    loop {
        let executions = &runtime.repositories.executions;
        let execution = patiently(runtime, || executions.get(pointer.scope, pointer.execution_id)).await?;
        // Removed already: so it had ended.
        let Some(execution) = execution else { return Ok(None) };
        if execution.status.is_final() {
            return Ok(Some(execution.status));
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
