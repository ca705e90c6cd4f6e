//! From a request to a batch on record.

use super::work::begin;
use super::{BatchRequest, CancelBatchError, RowFault, cancel_rest};
use crate::{
    engine::RunError,
    fault::{FaultPoint, reach},
    idempotency::BatchKey,
    patience::Patience,
    prepare::prepare,
    run::{INSERT_RETRIES, password_address},
    runtime::Runtime,
};
use msp_domain::{BatchId, ExecutionId, Scope};
use msp_storage::{
    ExecutionPointer, SecretValue, StoreError,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{Batch, BatchRow, NewBatch},
    },
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

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
    let place = runtime.repositories.order.place(now);
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
                let execution_id = ExecutionId::at(place);
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
        id: BatchId::at(place),
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
    let (access, form, now) = (&request.access, request.form.id, runtime.clock.now());
    let mark = |sent| runtime.fingerprints.batch_mark(access, form, sent, now);
    let mut mark = request.idempotency.as_ref().map(mark);
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
    let mut pauses = INSERT_RETRIES.into_iter();
    let inserted = loop {
        let inserted = runtime.repositories.batches.insert(&new, &rows, vec![guard.clone()], audit.clone()).await;
        match (inserted, pauses.next()) {
            (Err(StoreError::Unavailable(error)), Some(pause)) => {
                tracing::warn!(batch.id = %new.id, error = %error, "A batch may be on record without an answer");
                tokio::time::sleep(pause).await;
            }
            (inserted, _) => break inserted,
        }
    };
    match inserted {
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

/// Waits until the store says whether a batch is on record after all, and cancels it if so: its caller was refused. It stays
/// on record, because the same request may have been sent again meanwhile and been answered by it.
async fn settle(runtime: Arc<Runtime>, scope: Scope, id: BatchId) {
    let mut patience = Patience::default();
    loop {
        let settled = async {
            if runtime.repositories.batches.get(scope, id).await?.is_none() {
                return Ok(());
            }
            match cancel_rest(&runtime, scope, id, &Actor::PLATFORM).await {
                Ok(batch) => {
                    let place = runtime.batches.places.take_regardless(scope);
                    begin(&runtime, batch, place);
                    Ok(())
                }
                Err(CancelBatchError::Ended) => Ok(()),
                Err(CancelBatchError::Store(error)) => Err(error),
            }
        };
        let Err(error) = settled.await else { return };
        if !patience.wait(&runtime).await {
            tracing::error!(batch.id = %id, error = %error, "It is not known whether a batch is on record");
            return;
        }
    }
}
