//! Batches: every row of a form's CSV becomes an execution when its turn comes.
//!
//! The batch on record holds all rows. A task walks through them and keeps a few under way at a time, so that neither other
//! organizations nor other runs of the same one wait behind a thousand rows. What is left of a batch after a crash follows
//! from the record: the rows that have become executions, and those that have not.

mod progress;
mod record;
mod work;

pub(crate) use record::{check, submit};
pub(crate) use work::resume;

use crate::{
    engine::{Idempotency, SubmittedForm},
    places::Places,
    runtime::Runtime,
};
use msp_auth::Access;
use msp_domain::{BatchId, ExecutionId, FieldFault, Scope};
use msp_storage::{
    StoreError,
    repositories::{Actor, audit::AuditDraft, batches::Batch},
};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// Batches with rows to run: each keeps a task and the numbers of its rows in memory.
const MOST_OPEN: usize = 200;
/// Those of one organization.
const MOST_OPEN_PER_SCOPE: usize = 10;

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
    /// What the caller names the request by: the same one again within 24 hours is answered by the same batch.
    pub idempotency: Option<Idempotency>,
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
