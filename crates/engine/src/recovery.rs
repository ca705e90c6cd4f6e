//! Recovery: what an earlier engine left behind gets its one legal ending, or runs.
//!
//! The caller holds the data folder's engine lock, so every owner but this one is dead and nothing has to expire.

use crate::{
    fault::{FaultPoint, reach},
    run::password_address,
};
use chrono::{DateTime, Utc};
use msp_domain::{Clock, ExecutionStatus, Scope};
use msp_storage::{
    ExecutionPointer, Repositories, SecretNamespace, StoreError,
    repositories::{
        batches::{Batch, BatchRow},
        executions::{Ending, Execution},
    },
};
use std::{collections::HashSet, sync::Arc};

/// What an earlier engine accepted and did not start.
#[derive(Debug, Default)]
pub(crate) struct LeftBehind {
    /// Executions that may start now, oldest first.
    pub pending: Vec<ExecutionPointer>,
    /// Batches with rows that have not ended.
    pub batches: Vec<Batch>,
    /// Those that start at a time of their own, which may have passed.
    pub scheduled: Vec<(ExecutionPointer, DateTime<Utc>)>,
}

/// Ends what was running as `Interrupted` and answers what is still pending. Safe to be interrupted
/// itself, anywhere: each ending is one conditional commit.
pub(crate) async fn recover(
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    owner: &str,
) -> Result<LeftBehind, StoreError> {
    let mut left_behind = LeftBehind::default();
    let mut alive = HashSet::new();
    let mut open = HashSet::new();
    for batch in repositories.batches.open().await? {
        match repositories.batches.rows(&batch).await {
            Ok(rows) => {
                let pointer = |row: BatchRow| ExecutionPointer { scope: batch.scope, execution_id: row.execution_id };
                alive.extend(rows.into_iter().map(pointer));
            }
            // What has become of some of them is on record, and the others will never begin.
            Err(StoreError::Corrupt(_) | StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
        open.insert(batch.id);
        left_behind.batches.push(batch);
    }
    for active in repositories.executions.active().await? {
        let pointer = active.pointer;
        let execution = match repositories.executions.get(pointer.scope, pointer.execution_id).await {
            // One damaged row must not keep everything else from running.
            Err(StoreError::Corrupt(error)) => {
                tracing::error!(
                    execution.id = %pointer.execution_id, error,
                    "An execution that had not ended is not readable and stays as it is; `msp repair` names its row"
                );
                continue;
            }
            outcome => outcome?,
        };
        match execution {
            Some(execution) if execution.status == ExecutionStatus::Pending => {
                alive.insert(pointer);
                match (execution.scheduled_for, execution.batch) {
                    (Some(at), _) => left_behind.scheduled.push((pointer, at)),
                    // Its batch brings it.
                    (None, Some(place)) if open.contains(&place.id) => {}
                    (None, _) => left_behind.pending.push(pointer),
                }
            }
            Some(execution)
                if execution.status == ExecutionStatus::Running && execution.lease_owner.as_deref() != Some(owner) =>
            {
                interrupt(repositories, clock, &execution, HOST_LOST).await?;
                repositories.stores.secrets.delete(&password_address(pointer)).await?;
                reach(FaultPoint::DuringRecovery);
            }
            // Ended and not counted yet; or our own.
            Some(_) | None => {}
        }
    }
    sweep_passwords(repositories, &alive).await?;
    left_behind.pending.sort_by_key(|pointer| pointer.execution_id);
    Ok(left_behind)
}

/// Why it is not known how far an execution got.
pub(crate) struct Cause {
    error_type: &'static str,
    sentence: &'static str,
}

const HOST_LOST: Cause = Cause { error_type: "host_lost", sentence: "The engine stopped while the execution ran" };
/// A part of this engine panicked, which the log shows.
pub(crate) const PLATFORM_FAULT: Cause = Cause {
    error_type: "platform_fault",
    sentence: "A fault of the platform ended the execution; the server's log has it",
};

/// Ends a running execution of which nobody can say how far it got.
pub(crate) async fn interrupt(
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    execution: &Execution,
    cause: Cause,
) -> Result<(), StoreError> {
    let last = repositories.executions.last_log(execution).await?;
    let told = last.as_ref().map_or_else(
        || "It had written no log line.".to_owned(),
        |line| format!("Its last log line was: {}", line.message),
    );
    let ending = Ending {
        status: ExecutionStatus::Interrupted,
        result_json: None,
        error_type: Some(cause.error_type.to_owned()),
        error_message: Some(format!("{}; how far it got is unknown. {told}", cause.sentence)),
        completed_at: clock.now(),
        logs_through: last.map_or(0, |line| line.seq),
    };
    repositories.executions.close_steps(execution, ending.status, ending.completed_at).await?;
    match repositories.executions.finish(execution, &ending).await {
        // Ended between the read and this write.
        Ok(_) | Err(StoreError::PreconditionFailed) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Passwords whose execution never came to be, or has ended: the engine died between the two writes.
async fn sweep_passwords(repositories: &Repositories, alive: &HashSet<ExecutionPointer>) -> Result<(), StoreError> {
    let organizations = repositories.organizations.ids().await?;
    let scopes = organizations.into_iter().map(Scope::Org).chain([Scope::Global]);
    for scope in scopes {
        for name in repositories.stores.secrets.names(SecretNamespace::Parameter, scope).await? {
            let pointer = name.parse().ok().map(|execution_id| ExecutionPointer { scope, execution_id });
            if let Some(pointer) = pointer.filter(|pointer| !alive.contains(pointer)) {
                repositories.stores.secrets.delete(&password_address(pointer)).await?;
            }
        }
    }
    Ok(())
}
