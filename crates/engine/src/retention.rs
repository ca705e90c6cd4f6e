//! Retention: executions, and batches of them, that have been over for longer than their organization wants are removed.
//!
//! Nothing is queued: what has expired follows from the limits and the rows, and what was begun and not finished is on
//! record (`removals`), so that a pass may stop anywhere and the next one goes on. A pass removes some at a time, looks
//! at the limit again before each of them, and gives way to whatever runs.

use crate::{
    fault::{FaultPoint, reach},
    runtime::Runtime,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use msp_domain::{BatchId, ExecutionId, Scope};
use msp_metrics::{Counter, Registry, gauge};
use msp_storage::{StoreError, repositories::retention::Sweep};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// From the start of the engine to its first pass: whoever starts a server waits for other things.
const FIRST_PASS_AFTER: Duration = Duration::from_secs(10);
/// From the end of a pass to the next one.
const PASS_EVERY: Duration = Duration::from_secs(60 * 60);
/// The same when a pass had to leave something.
const GO_ON_AFTER: Duration = Duration::from_secs(30);
/// Executions removed together: one wait for the disk serves all of them.
const AT_ONCE: usize = 16;
/// Executions of one organization removed in one pass, so that every organization has its turn.
const MOST_OF_A_SCOPE: u64 = 5_000;
/// How long a pass waits after each of its bites while something runs or waits to.
const GIVE_WAY: Duration = Duration::from_millis(200);

/// The sweeper, as others see it.
#[derive(Default)]
pub(crate) struct Retention {
    asked: Notify,
    removed: Counter,
}

impl Retention {
    /// Says that a limit was changed by this process: the next pass begins now.
    pub fn changed(&self) {
        self.asked.notify_one();
    }
}

/// Makes one pass after the other until the engine stops. Stopping it anywhere is harmless.
pub(crate) async fn sweep(runtime: Arc<Runtime>) {
    let work = async {
        let mut rest = FIRST_PASS_AFTER;
        loop {
            let _ = timeout(rest, runtime.retention.asked.notified()).await;
            rest = match pass(&runtime).await {
                Ok(true) => PASS_EVERY,
                Ok(false) => GO_ON_AFTER,
                Err(error) => {
                    tracing::warn!(error = %error, "Executions that have expired could not be removed; the next pass goes on");
                    GO_ON_AFTER
                }
            };
        }
    };
    runtime.stopping.run_until_cancelled(work).await;
}

/// One pass over every organization; answers whether nothing is left.
async fn pass(runtime: &Runtime) -> Result<bool, StoreError> {
    let (executions, retention) = (&runtime.repositories.executions, &runtime.repositories.retention);
    for begun in executions.removals().await? {
        remove(runtime, begun.scope, begun.execution_id).await?;
    }
    if retention.all().await?.values().all(|rule| rule.days.is_none()) {
        return Ok(true);
    }
    let organizations = runtime.repositories.organizations.ids().await?;
    let mut scopes: Vec<Scope> = organizations.into_iter().map(Scope::Org).collect();
    scopes.push(Scope::Global);
    let mut sweep = Sweep {
        started_at: runtime.clock.now(),
        ended_at: None,
        removed: 0,
        failed: 0,
        scopes: scopes.len() as u64,
        scopes_done: 0,
    };
    retention.note(&sweep).await?;
    let mut is_complete = true;
    for scope in scopes {
        match sweep_scope(runtime, scope, &mut sweep).await {
            Ok(is_swept) => is_complete &= is_swept,
            // Its limit perhaps: nothing of it is removed, and everything else is.
            Err(StoreError::Corrupt(error)) => {
                tracing::error!(
                    org.id = scope.key(),
                    error,
                    "Nothing of an organization is removed: a row is not readable"
                );
                sweep.failed += 1;
            }
            // It is being deleted meanwhile, and all of it goes.
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
        sweep.scopes_done += 1;
    }
    sweep.ended_at = Some(runtime.clock.now());
    retention.note(&sweep).await?;
    if sweep.removed > 0 {
        tracing::info!(removed = sweep.removed, failed = sweep.failed, "Executions that had expired were removed");
    }
    Ok(is_complete)
}

/// The same for one of them.
async fn sweep_scope(runtime: &Runtime, scope: Scope, sweep: &mut Sweep) -> Result<bool, StoreError> {
    let (executions, retention) = (&runtime.repositories.executions, &runtime.repositories.retention);
    let mut begun = sweep_batches(runtime, scope).await?;
    // Rows that have run say so to an open batch by their records: without them they would run again.
    let open = runtime.repositories.batches.open_ids().await?;
    let submitted_at = |id: BatchId| DateTime::from_timestamp_millis(i64::try_from(id.millis()?).ok()?);
    let kept_since = open.iter().filter(|(of, _)| *of == scope).filter_map(|(_, id)| submitted_at(*id)).min();
    let kept_since = kept_since.unwrap_or(runtime.clock.now());
    // What a scheduled export has yet to write waits for it.
    let exported = runtime.repositories.waits_for_export(scope).await?;
    let kept_since = exported.map_or(kept_since, |exported| kept_since.min(exported));
    let mut from = None;
    let (now, before) = (runtime.clock.now(), sweep.removed);
    loop {
        // Who raises the limit meanwhile means what is still there.
        let Some(days) = retention.days_of(scope).await? else { return Ok(true) };
        let instant = (now - TimeDelta::days(i64::from(days))).min(kept_since);
        let expired = executions.ended_before(scope, instant, from, AT_ONCE).await?;
        for row_key in &expired.unreadable {
            tracing::warn!(row_key, "An execution is not readable and stays; `msp repair` names its row");
        }
        sweep.failed += expired.unreadable.len() as u64;
        if !expired.ids.is_empty() {
            if begun < Some(instant) {
                retention.begin(scope, days, instant).await?;
                begun = Some(instant);
            }
            for removed in join_all(expired.ids.into_iter().map(|id| remove(runtime, scope, id))).await {
                if removed? { sweep.removed += 1 } else { sweep.failed += 1 }
            }
            retention.note(sweep).await?;
        }
        from = match expired.next {
            None => return Ok(true),
            Some(_) if sweep.removed - before >= MOST_OF_A_SCOPE => return Ok(false),
            next => next,
        };
        if runtime.live.count_running() > 0 || runtime.backlog.load().0 > 0 {
            sleep(GIVE_WAY).await;
        }
    }
}

/// Removes the batches that have expired, with their rows' input; the executions those became follow. Answers what was said
/// on the audit trail before.
async fn sweep_batches(runtime: &Runtime, scope: Scope) -> Result<Option<DateTime<Utc>>, StoreError> {
    let (batches, retention) = (&runtime.repositories.batches, &runtime.repositories.retention);
    let (now, mut begun) = (runtime.clock.now(), None);
    loop {
        // Who raises the limit meanwhile means what is still there.
        let Some(days) = retention.days_of(scope).await? else { return Ok(begun) };
        let instant = now - TimeDelta::days(i64::from(days));
        let expired = batches.ended_before(scope, instant).await?;
        if expired.is_empty() {
            return Ok(begun);
        }
        if begun < Some(instant) {
            retention.begin(scope, days, instant).await?;
            begun = Some(instant);
        }
        for batch in &expired {
            batches.withdraw(batch).await?;
        }
    }
}

/// Removes one; answers whether it is gone. One that is damaged keeps no other.
async fn remove(runtime: &Runtime, scope: Scope, id: ExecutionId) -> Result<bool, StoreError> {
    let executions = &runtime.repositories.executions;
    let removed = async {
        if executions.begin_removal(scope, id).await? {
            reach(FaultPoint::AfterRemovalBegun);
            executions.finish_removal(id).await?;
        }
        reach(FaultPoint::AfterRemoval);
        Ok(())
    };
    match removed.await {
        Ok(()) => {
            runtime.retention.removed.inc();
            Ok(true)
        }
        Err(error @ (StoreError::Corrupt(_) | StoreError::PreconditionFailed | StoreError::Limit(_))) => {
            tracing::warn!(execution.id = %id, error = %error, "An execution that has expired could not be removed");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Registers what was removed, and when the latest pass ended.
pub(crate) async fn register(runtime: &Runtime, registry: &mut Registry) -> Result<(), StoreError> {
    let help = "Executions this process removed because they had expired";
    registry.register("retention_removed", help, runtime.retention.removed.clone());
    if let Some(sweep) = runtime.repositories.retention.last_sweep().await? {
        let ended_at = sweep.ended_at.map_or(0, |at| u64::try_from(at.timestamp_millis()).unwrap_or(0));
        let help = "When the latest pass over expired executions ended; 0 while it goes on";
        let seconds = Duration::from_millis(ended_at).as_secs_f64();
        gauge(registry, "retention_last_pass_timestamp_seconds", help, seconds);
        let help = "Executions the latest pass over expired executions could not remove";
        let failed = usize::try_from(sweep.failed).unwrap_or(usize::MAX);
        gauge(registry, "retention_last_pass_failed", help, msp_metrics::count_of(failed));
    }
    Ok(())
}
