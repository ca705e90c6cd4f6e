//! The emergency stop: what it refuses, and what waits here until it is lifted.
//!
//! A pause moves the generation, and whatever starts is put on record under the guard of the generation at which
//! nothing held it. So nothing starts after a pause, wherever it was made: in this process or by the command line.

use crate::{CancelError, RunError, cancel, runtime::Runtime};
use msp_auth::Access;
use msp_domain::{ExecutionStatus, PauseTarget};
use msp_storage::{
    Etag, ExecutionPointer, Guard, Repositories, StoreError,
    repositories::{Actor, pauses::Pause},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

/// How often a resume is looked for while something waits for one: another process may have made it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What becomes of a pending execution.
pub(crate) enum MayStart {
    /// It may be claimed while this holds.
    Under(Guard),
    /// It has to wait for the end of this pause.
    Paused(PauseTarget),
}

/// The pauses of this installation, as this engine knows them.
pub(crate) struct Pauses {
    repositories: Repositories,
    seen: Mutex<Seen>,
    /// Pending executions that are not in the queue, with what holds each. Their records are what counts: after a
    /// restart, recovery finds them there.
    held: Mutex<HashMap<ExecutionPointer, PauseTarget>>,
    look: Notify,
}

#[derive(Default)]
struct Seen {
    /// When the pauses were read. `None`: never.
    at: Option<Option<Etag>>,
    pauses: Arc<[Pause]>,
}

impl Pauses {
    pub fn new(repositories: Repositories) -> Self {
        Self { repositories, seen: Mutex::default(), held: Mutex::default(), look: Notify::new() }
    }

    /// Refuses what is paused: a run of this workflow, or an option generator.
    pub async fn refuse(&self, access: &Access, workflow: Option<&str>) -> Result<(), RunError> {
        let pauses = self.as_of(access.generation()).await?;
        match pauses.iter().find(|pause| pause.target.covers(access.scope(), workflow)) {
            Some(pause) => Err(RunError::Paused(Box::new(pause.clone()))),
            None => Ok(()),
        }
    }

    /// Whether a pending execution may be claimed: under this guard, or not before a resume.
    pub async fn may_start(&self, pointer: ExecutionPointer) -> Result<MayStart, StoreError> {
        let generation = self.repositories.generation.current().await?;
        let pauses = self.as_of(generation.as_ref()).await?;
        Ok(match self.holding(&pauses, pointer).await? {
            Some(target) => MayStart::Paused(target),
            None => MayStart::Under(self.repositories.generation.guard(generation)),
        })
    }

    /// Keeps a pending execution until its pause is lifted; then it is sent to the queue again. Its earlier message must
    /// be gone by now: one that went while the new one is sent could take it along.
    pub fn hold(&self, pointer: ExecutionPointer, target: PauseTarget) {
        lock(&self.held).insert(pointer, target);
        // It may have been lifted this moment.
        self.look.notify_one();
    }

    async fn holding(&self, pauses: &[Pause], pointer: ExecutionPointer) -> Result<Option<PauseTarget>, StoreError> {
        let mut workflow = None;
        if pauses.iter().any(|pause| matches!(pause.target, PauseTarget::Workflow(_))) {
            let execution = self.repositories.executions.get(pointer.scope, pointer.execution_id).await?;
            workflow = execution.map(|execution| execution.workflow_name);
        }
        let holds = |pause: &&Pause| pause.target.covers(pointer.scope, workflow.as_deref());
        Ok(pauses.iter().find(holds).map(|pause| pause.target.clone()))
    }

    /// Somebody paused or resumed something.
    pub fn changed(&self) {
        self.look.notify_one();
    }

    /// What is paused at a generation, or later. Only a generation that is not the one of the last look costs a read:
    /// the list is read after it, so it holds every pause the generation knows.
    async fn as_of(&self, generation: Option<&Etag>) -> Result<Arc<[Pause]>, StoreError> {
        {
            let seen = lock(&self.seen);
            if seen.at.as_ref().is_some_and(|at| at.as_ref() == generation) {
                return Ok(Arc::clone(&seen.pauses));
            }
        }
        let pauses: Arc<[Pause]> = self.repositories.pauses.list().await?.into();
        let mut seen = lock(&self.seen);
        tell(&seen.pauses, &pauses);
        *seen = Seen { at: Some(generation.cloned()), pauses: Arc::clone(&pauses) };
        Ok(pauses)
    }

    /// Puts what nothing holds any more back into the queue.
    async fn release(&self) -> Result<(), StoreError> {
        let generation = self.repositories.generation.current().await?;
        let pauses = self.as_of(generation.as_ref()).await?;
        let is_held = |target: &PauseTarget| pauses.iter().any(|pause| pause.target == *target);
        let mut free: Vec<_> = lock(&self.held).extract_if(|_, target| !is_held(target)).collect();
        free.sort_unstable_by_key(|(pointer, _)| pointer.execution_id);
        let mut free = free.into_iter();
        while let Some((pointer, target)) = free.next() {
            if let Err(error) = self.repositories.stores.queue.send(pointer).await {
                lock(&self.held).extend(free.chain([(pointer, target)]));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn next_look(&self) {
        let asked = self.look.notified();
        if lock(&self.held).is_empty() {
            asked.await;
        } else {
            // Running out of time is a reason to look as well.
            let _ = timeout(LOOK_EVERY, asked).await;
        }
    }
}

/// Looks for pauses that were lifted until the engine stops, and says what is paused when it starts.
pub(crate) async fn watch(runtime: Arc<Runtime>) {
    let pauses = &runtime.pauses;
    pauses.changed();
    while runtime.stopping.run_until_cancelled(pauses.next_look()).await.is_some() {
        if let Err(error) = pauses.release().await {
            tracing::error!(error = %error, "What was resumed could not be put back into the queue yet");
            tokio::time::sleep(LOOK_EVERY).await;
            pauses.changed();
        }
    }
}

/// Cancels what runs under a pause; answers how many executions were asked to give way. Whatever was recorded before the
/// pause is found here, and nothing is recorded after it.
pub(crate) async fn cancel_running(
    runtime: &Runtime,
    target: &PauseTarget,
    actor: &Actor,
) -> Result<usize, StoreError> {
    let executions = &runtime.repositories.executions;
    let mut asked = 0;
    for active in executions.active().await?.into_iter().filter(|active| active.owner.is_some()) {
        let ExecutionPointer { scope, execution_id } = active.pointer;
        let Some(execution) = executions.get(scope, execution_id).await? else { continue };
        if execution.status != ExecutionStatus::Running || !target.covers(scope, Some(&execution.workflow_name)) {
            continue;
        }
        match cancel::cancel(runtime, scope, execution_id, actor).await {
            Ok(_) => asked += 1,
            // It ended by itself.
            Err(CancelError::Ended(_) | CancelError::NotHere) => {}
            Err(CancelError::Store(error)) => return Err(error),
        }
    }
    Ok(asked)
}

/// One log line for each change.
fn tell(before: &[Pause], now: &[Pause]) {
    let is_among = |pause: &Pause, others: &[Pause]| others.iter().any(|other| other.target == pause.target);
    for pause in now.iter().filter(|pause| !is_among(pause, before)) {
        tracing::warn!(pause.id = %pause.target, pause.by = pause.paused_by, "Runs are paused");
    }
    for pause in before.iter().filter(|pause| !is_among(pause, now)) {
        tracing::warn!(pause.id = %pause.target, "Runs are resumed");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
