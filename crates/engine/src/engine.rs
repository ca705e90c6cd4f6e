//! The engine: from a request to a durable, final execution.

use crate::{
    BatchRequest, CancelBatchError, CancelError, Changes, RowFault, batches, cancel, counting, dispatcher, files,
    idempotency::{self, BatchKey, Earlier, Fingerprints},
    metrics, options, packing,
    panics::keep_running,
    pauses,
    prepare::again,
    recovery, retention, run,
    runtime::Runtime,
    schedule,
    workers::{PoolError, PoolOptions, WorkerPool},
};
use chrono::{DateTime, Utc};
use msp_auth::Access;
use msp_domain::{BatchId, BundleMetadata, Clock, ExecutionId, FieldFault, ParameterType, PauseTarget, Scope};
use msp_integrations::Integrations;
use msp_metrics::Registry;
use msp_storage::{
    Repositories, StoreError,
    repositories::{
        Actor,
        batches::Batch,
        executions::Execution,
        files::{MAX_FILES, TakenUpload},
        pauses::Pause,
    },
};
use serde_json::{Map, Value};
use std::{collections::HashSet, sync::Arc, time::Duration};
use uuid::Uuid;

/// What an engine is made of.
pub struct EngineOptions {
    /// The workers.
    pub pool: PoolOptions,
    /// The store.
    pub repositories: Repositories,
    /// The broker.
    pub integrations: Integrations,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Keys the hashes of idempotency keys and of the bodies they came with; the same at every start, and secret.
    pub idempotency_key: [u8; 32],
}

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No workers.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The store failed while earlier executions were recovered.
    #[error("earlier executions could not be recovered")]
    Recovery(#[source] StoreError),
}

/// How long the caller waits for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: the execution is queued and the answer is its id.
    No,
    /// At most this long.
    AtMost(Duration),
}

/// A request to run a workflow. The gate has been passed: `access` proves it.
pub struct RunRequest {
    /// Its name.
    pub workflow: String,
    /// Proof that the caller may run it, for which organization, and what was read to decide so.
    pub access: Access,
    /// For the audit trail.
    pub actor: Actor,
    /// The body.
    pub input: Map<String, Value>,
    /// How long to wait. A run that starts later is not waited for.
    pub wait: Wait,
    /// When it is to start, if not as soon as it can.
    pub start_at: Option<DateTime<Utc>>,
    /// What the caller names the request by: the same one again within 24 hours is answered by the same run.
    pub idempotency: Option<Idempotency>,
    /// The execution it repeats.
    pub retry_of: Option<ExecutionId>,
    /// The form whose submission it is; whoever asks has checked the input against it.
    pub form: Option<SubmittedForm>,
    /// The uploads that were submitted: recorded, they are the run's, and nobody else's any more.
    pub files: Vec<TakenUpload>,
}

/// A request that may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// Everything it may not differ in, as it was sent: what has been made of it may differ when it is sent again.
    pub request: String,
}

/// The form a run was submitted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedForm {
    /// Its id.
    pub id: Uuid,
    /// Its name, as it is now.
    pub name: String,
    /// Its fields that show dots: what they hold is a password, whatever the workflow calls it by now.
    pub passwords: Vec<String>,
}

/// A run that was accepted.
#[derive(Debug)]
pub enum RunAnswer {
    /// It has ended; with `result_json` if it returned something.
    Finished(Box<Execution>, Option<String>),
    /// It goes on.
    Accepted(Box<Execution>),
}

/// Why a run, or a request for options, was refused. Nothing was recorded or run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No workflow or generator of this name; perhaps a similar one.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// `workflow` or `option generator`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// It needs an organization and none was named.
    #[error("an organization is required")]
    OrganizationRequired,
    /// It runs only when a form is submitted, and none was.
    #[error("the workflow runs only when a form is submitted")]
    FormRequired,
    /// The right to run workflows there is limited to other categories.
    #[error("{}", outside(.workflow, .category))]
    OutsideCategories {
        /// Which.
        workflow: String,
        /// Its category; empty if it has none.
        category: String,
    },
    /// The input is not valid.
    #[error("the input is not valid")]
    Invalid(Vec<FieldFault>),
    /// Rights or settings changed between the gate and the record, or an equal request was recorded at the same moment:
    /// ask the gate again and retry.
    #[error("rights or settings changed meanwhile")]
    Changed,
    /// The time it is to start at has passed, or is too far away; the sentence says which.
    #[error("{0}")]
    StartTime(String),
    /// The organization, or all together, have scheduled as many executions as they may.
    #[error("too many executions are scheduled already")]
    ScheduleFull,
    /// Rows of a batch are not valid.
    #[error("rows are not valid")]
    Rows(Vec<RowFault>),
    /// The organization, or all together, have as many batches under way as they may.
    #[error("too many batches are under way already")]
    BatchesFull,
    /// The idempotency key was sent before, with another body.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// An emergency stop holds it.
    #[error("paused: {}", .0.reason)]
    Paused(Box<Pause>),
    /// Every worker is busy and the line is full.
    #[error("every worker is busy")]
    Saturated,
    /// As many executions are pending as there may be, in all or of this organization.
    #[error("too many executions are waiting already")]
    BacklogFull,
    /// The engine is shutting down, or its workers do not start; the sentence says which.
    #[error("{0}")]
    Unavailable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a right that is limited to categories does not reach a workflow.
pub(crate) fn outside(workflow: &str, category: &str) -> String {
    let belongs = match category {
        "" => "has no category".to_owned(),
        category => format!("is in the category `{category}`"),
    };
    format!("the workflow `{workflow}` {belongs}, and the right to run workflows there is limited to others")
}

/// A request for the options of a field.
pub struct OptionsRequest {
    /// The generator's name.
    pub generator: String,
    /// Proof that the caller may ask.
    pub access: Access,
    /// For the audit trail.
    pub actor: Actor,
    /// Its inputs.
    pub inputs: Map<String, Value>,
    /// Only options whose label contains this, letter case ignored.
    pub search: Option<String>,
    /// Most options to answer, 1 to 1000.
    pub limit: usize,
    /// Whether what was answered before is no answer: the generator runs, and its answer takes the place of the earlier one.
    pub fresh: bool,
}

/// The options of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionsAnswer {
    /// `{label, value, ...}` objects, secrets masked.
    pub items: Vec<Value>,
    /// Whether more exist than `limit` allowed.
    pub truncated: bool,
    /// Seconds the platform keeps them from now on, and a client may.
    pub ttl_seconds: u64,
    /// How long ago the generator answered, if that was for an earlier request.
    pub age_seconds: Option<u64>,
}

/// Why options were not answered, besides the reasons of a run.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Refused before the generator ran.
    #[error(transparent)]
    Refused(#[from] RunError),
    /// The generator raised, timed out or lost its worker.
    #[error("the option generator `{generator}` failed")]
    Failed {
        /// Its name.
        generator: String,
        /// Machine-readable.
        error_type: String,
        /// For people, secrets masked.
        message: String,
    },
}

/// The engine: a cheap handle.
#[derive(Clone)]
pub struct Engine {
    runtime: Arc<Runtime>,
}

/// What the engine does beside running executions, until it stops.
fn beside<F: Future<Output = ()> + Send + 'static>(
    runtime: &Arc<Runtime>,
    name: &'static str,
    task: impl Fn(Arc<Runtime>) -> F + Send + Sync + 'static,
) {
    let runtime = Arc::clone(runtime);
    keep_running(name, move || task(Arc::clone(&runtime)));
}

impl Engine {
    /// Starts the workers, recovers what an earlier engine left behind and starts the queue's dispatcher. The caller
    /// holds the data folder's engine lock, so every earlier owner is dead.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let owner = format!("{}:{}", std::process::id(), Uuid::new_v4());
        // Neither needs the other, and the workers take their time.
        let recovered = recovery::recover(&options.repositories, &options.clock, &owner);
        let (left_behind, pool) = tokio::try_join!(async { recovered.await.map_err(EngineError::Recovery) }, async {
            WorkerPool::start(options.pool).await.map_err(EngineError::from)
        },)?;
        let fingerprints = Fingerprints::new(options.idempotency_key);
        let runtime =
            Runtime::new(options.repositories, options.integrations, pool, options.clock, owner, fingerprints);
        let runtime = Arc::new(runtime);
        beside(&runtime, "idempotency", idempotency::sweep);
        beside(&runtime, "files", files::sweep);
        beside(&runtime, "pauses", pauses::watch);
        beside(&runtime, "packing", packing::pack_logs);
        beside(&runtime, "counting", counting::count);
        for (pointer, at) in left_behind.scheduled {
            runtime.schedule.take_over(pointer, at);
        }
        batches::resume(&runtime, left_behind.batches);
        for pointer in left_behind.pending {
            runtime.backlog.take_over(pointer);
        }
        beside(&runtime, "schedule", schedule::start_due);
        beside(&runtime, "retention", retention::sweep);
        beside(&runtime, "queue", dispatcher::receive);
        beside(&runtime, "dispatcher", dispatcher::dispatch);
        Ok(Self { runtime })
    }

    /// What the bundle offers.
    pub fn metadata(&self) -> Arc<BundleMetadata> {
        self.runtime.pool.metadata()
    }

    /// The input of a run that repeats an earlier one: its parameters, with `overrides` in their place. Of the others only
    /// those that `is_asked_for` names. What history holds only masked, passwords, must be among the overrides, and so must
    /// files: those of the earlier run go when that goes. A password that neither `is_hidden` by a form nor typed as one by
    /// the workflow any more is refused: history would keep it.
    ///
    /// # Errors
    /// [`RunError::Invalid`] naming the passwords and files that are missing; [`RunError::Store`].
    pub async fn input_again(
        &self,
        earlier: &Execution,
        overrides: Map<String, Value>,
        is_asked_for: impl Fn(&str) -> bool,
        is_hidden: impl Fn(&str) -> bool,
    ) -> Result<Map<String, Value>, RunError> {
        let text = self.runtime.repositories.executions.load_json(&earlier.input).await?;
        let mut stored: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("the input of an execution: {error}")))?;
        stored.retain(|name, _| is_asked_for(name));
        let files = self.runtime.repositories.files.of_execution(earlier.id, None, MAX_FILES).await?;
        let files: HashSet<String> = files.items.into_iter().filter_map(|file| file.field).collect();
        let metadata = self.metadata();
        let parameters = metadata.workflow(&earlier.workflow_name).map_or(&[][..], |workflow| &workflow.parameters);
        let is_typed = |name: &str| {
            let mut passwords = parameters.iter().filter(|one| one.parameter_type == ParameterType::Password);
            passwords.any(|one| one.name == name)
        };
        again(stored, overrides, &files, |name| is_hidden(name) || is_typed(name))
    }

    /// Runs a workflow: durable record, then user code, then result, logs and audit durable, then the answer. A
    /// caller that drops this future cancels nothing.
    ///
    /// # Errors
    /// [`RunError`], before anything was recorded; [`RunError::Store`] also when the ending could not be written.
    pub async fn run(&self, request: RunRequest) -> Result<RunAnswer, RunError> {
        run::run(self.runtime.clone(), request).await
    }

    /// The answer to a request that was sent before, if it was: by its run, whatever has become of form, files and pauses.
    ///
    /// # Errors
    /// [`RunError::KeyReused`]; [`RunError::Store`].
    pub async fn repeated(
        &self,
        access: &Access,
        workflow: &str,
        idempotency: &Idempotency,
        wait: Wait,
    ) -> Result<Option<RunAnswer>, RunError> {
        let runtime = &self.runtime;
        let mark = runtime.fingerprints.mark(access, workflow, idempotency, runtime.clock.now());
        match idempotency::earlier(runtime, access.scope(), &mark).await? {
            Earlier::Run(id) => idempotency::answer(runtime, access.scope(), id, wait).await.map(Some),
            Earlier::None(_) => Ok(None),
        }
    }

    /// The same for a form submitted with many rows: its batch, whatever has become of the form.
    ///
    /// # Errors
    /// [`RunError::KeyReused`]; [`RunError::Store`].
    pub async fn repeated_batch(
        &self,
        access: &Access,
        form: Uuid,
        idempotency: &Idempotency,
    ) -> Result<Option<Batch>, RunError> {
        let runtime = &self.runtime;
        let mark = runtime.fingerprints.batch_mark(access, form, idempotency, runtime.clock.now());
        match BatchKey::look_up(runtime, access.scope(), &mark).await? {
            BatchKey::Leads(batch) => Ok(Some(*batch)),
            BatchKey::Free(_) => Ok(None),
        }
    }

    /// Cancels an execution: a pending one has ended when this returns, a running one is asked to give way and ends soon.
    /// On the audit trail before it has any effect. Cancelling again is harmless while it still runs.
    ///
    /// # Errors
    /// [`CancelError`].
    pub async fn cancel(&self, scope: Scope, id: ExecutionId, actor: &Actor) -> Result<Execution, CancelError> {
        cancel::cancel(&self.runtime, scope, id, actor).await
    }

    /// Checks a batch as [`Self::submit`] does, and records nothing.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn check_batch(&self, request: &BatchRequest) -> Result<(), RunError> {
        batches::check(&self.runtime, request).await
    }

    /// Puts a batch on record, whole, and begins with it: each row becomes an execution when its turn comes.
    ///
    /// # Errors
    /// [`RunError`], before anything was recorded.
    pub async fn submit(&self, request: BatchRequest) -> Result<Batch, RunError> {
        batches::submit(self.runtime.clone(), request).await
    }

    /// Cancels the rows of a batch that have not begun; those that run go on. On the audit trail before it has any effect.
    ///
    /// # Errors
    /// [`CancelBatchError`].
    pub async fn cancel_batch(&self, scope: Scope, id: BatchId, actor: &Actor) -> Result<Batch, CancelBatchError> {
        batches::cancel_rest(&self.runtime, scope, id, actor).await
    }

    /// The input of a row that is run again: what is on record, as far as `is_asked_for` names it.
    ///
    /// # Errors
    /// The passwords, which history does not keep.
    pub fn row_again(
        mut input: Map<String, Value>,
        is_asked_for: impl Fn(&str) -> bool,
    ) -> Result<Map<String, Value>, Vec<FieldFault>> {
        input.retain(|name, _| is_asked_for(name));
        match again(input, Map::new(), &HashSet::new(), |_| true) {
            Ok(input) => Ok(input),
            Err(RunError::Invalid(faults)) => Err(faults),
            Err(other) => Err(vec![FieldFault { pointer: "#".to_owned(), detail: other.to_string() }]),
        }
    }

    /// Says that something was paused or resumed by this process: what waits for a resume is then taken up at once.
    pub fn pauses_changed(&self) {
        self.runtime.pauses.changed();
    }

    /// Says that this process changed how long executions are kept: what has expired is removed from now on.
    pub fn retention_changed(&self) {
        self.runtime.retention.changed();
    }

    /// Cancels what runs under a pause that was just made, and answers how many executions were asked to give way.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been cancelled then.
    pub async fn cancel_running(&self, target: &PauseTarget, actor: &Actor) -> Result<usize, StoreError> {
        pauses::cancel_running(&self.runtime, target, actor).await
    }

    /// Follows an execution of this installation, in whatever state it is.
    pub fn follow(&self, id: ExecutionId) -> Changes {
        self.runtime.live.follow(id)
    }

    /// Asks an option generator, unless its answer to the same question is still good. Equal questions share one run, which
    /// is cancelled when the last of their futures is dropped.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub async fn options(&self, request: OptionsRequest) -> Result<OptionsAnswer, OptionsError> {
        let answer = options::options(self.runtime.clone(), request).await;
        self.runtime.metrics.asked(&answer);
        answer
    }

    /// Serves every change of the workspace as soon as it is saved, until the engine shuts down. A change that breaks
    /// what works is held back and shown in the metadata.
    pub fn watch(&self) {
        let (pool, stopping) = (self.runtime.pool.clone(), self.runtime.stopping.clone());
        keep_running("reloading", move || {
            let (pool, stopping) = (pool.clone(), stopping.clone());
            async move { pool.watch(stopping).await }
        });
    }

    /// Which walls stand around workers, for the start log.
    pub fn layers(&self) -> Vec<String> {
        self.runtime.pool.layers()
    }

    /// Registers the engine's figures as they are now.
    ///
    /// # Errors
    /// [`StoreError`] when what waits cannot be read.
    pub async fn register(&self, registry: &mut Registry) -> Result<(), StoreError> {
        metrics::register(&self.runtime, registry).await
    }

    /// Whether it is on its way down and takes nothing new.
    pub fn is_stopping(&self) -> bool {
        self.runtime.stopping.is_cancelled()
    }

    /// Takes no new runs, lets running ones end for `grace`, ends the rest as `Interrupted`. Pending ones stay for
    /// the next start.
    pub async fn shutdown(&self, grace: Duration) {
        self.runtime.stopping.cancel();
        self.runtime.tasks.close();
        self.runtime.pool.shutdown(grace).await;
        self.runtime.tasks.wait().await;
    }
}
