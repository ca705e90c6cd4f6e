//! What every execution of this engine shares.

use crate::{
    backlog::Backlog, batches::Batches, counting::Counting, idempotency::Fingerprints, live::Registry, masking::Masker,
    metrics::Metrics, options::Answers, packing::Packing, pauses::Pauses, retention::Retention, schedule::Schedule,
    workers::WorkerPool,
};
use msp_auth::Gate;
use msp_domain::{Clock, Scope};
use msp_integrations::Integrations;
use msp_storage::{Repositories, repositories::executions::Execution};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The parts an execution needs, behind one cheap handle.
pub(crate) struct Runtime {
    pub repositories: Repositories,
    pub integrations: Integrations,
    pub gate: Gate,
    pub pool: WorkerPool,
    pub clock: Arc<dyn Clock>,
    /// Names this boot of this host in `LeaseOwner`.
    pub owner: String,
    /// Hashes of idempotency keys and the bodies they came with.
    pub fingerprints: Fingerprints,
    /// What was accepted and waits to be started.
    pub backlog: Arc<Backlog>,
    /// The batches whose rows are run.
    pub batches: Batches,
    /// What was accepted and waits for its time.
    pub schedule: Schedule,
    /// What option generators answered.
    pub answers: Answers,
    /// What this engine runs, and who follows it.
    pub live: Registry,
    /// What is counted.
    pub metrics: Metrics,
    /// What an emergency stop holds.
    pub pauses: Pauses,
    /// What ended and is not counted yet.
    pub counting: Counting,
    /// Long logs that wait to be packed.
    pub packing: Packing,
    /// The sweeper of expired executions.
    pub retention: Retention,
    /// Executions in flight; shutdown waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the engine takes nothing new.
    pub stopping: CancellationToken,
    maskers: Mutex<HashMap<Scope, Masker>>,
}

impl Runtime {
    pub fn new(
        repositories: Repositories,
        integrations: Integrations,
        pool: WorkerPool,
        clock: Arc<dyn Clock>,
        owner: String,
        fingerprints: Fingerprints,
    ) -> Self {
        Self {
            gate: Gate::new(repositories.clone()),
            pauses: Pauses::new(repositories.clone()),
            metrics: Metrics::default(),
            counting: Counting::default(),
            packing: Packing::default(),
            retention: Retention::default(),
            repositories,
            integrations,
            pool,
            answers: Answers::new(clock.clone()),
            clock,
            owner,
            fingerprints,
            backlog: Arc::new(Backlog::new()),
            batches: Batches::new(),
            schedule: Schedule::new(),
            live: Registry::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            maskers: Mutex::default(),
        }
    }

    /// The ending of an execution is on record.
    pub fn ended(&self, execution: &Execution) {
        self.metrics.ended(execution);
        self.counting.ended(execution);
        self.packing.ended(execution);
    }

    /// The masker of an organization's workers. It outlives them: a secret one process received may sit in a file
    /// or a remote system and come back through the next.
    pub fn masker(&self, scope: Scope) -> Masker {
        self.maskers.lock().unwrap_or_else(PoisonError::into_inner).entry(scope).or_default().clone()
    }
}
