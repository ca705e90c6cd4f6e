//! Warm Python workers: one organization per process, ready spares, limits, and an outcome for every way a
//! process can end. The wire is `docs/worker-protocol.md`.

mod attend;
mod bundle;
mod calls;
mod capture;
mod copies;
mod drive;
mod edition;
mod environment;
mod flight;
mod frames;
mod hosting;
mod launcher;
mod leftovers;
mod memory;
mod orphans;
mod outgoing;
mod pool;
mod process;
mod python;
mod reload;
mod roster;
mod sandbox;
mod sdk;
mod spawner;
mod step_rules;
mod walls;
mod watch;
mod written;

pub use edition::Edition;
pub use launcher::worker_main;
pub use reload::Reload;
pub(crate) use step_rules::{STEP_MESSAGE_CHARS, STEP_NAME_CHARS};
pub use step_rules::{StepChange, StepEvent};

use crate::masking::Masker;
use crate::places::Place;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use msp_domain::{BundleMetadata, ExecutionId, LogLevel, Scope};
use msp_metrics::{Family, Registry, count_of, gauge, gauges};
use serde_json::{Map, Value};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What a pool is made of.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The author's workspace.
    pub workspace: PathBuf,
    /// The data folder's `engine/` part: SDK, environments, workers' temporary folders. All that workers can read.
    pub engine_dir: PathBuf,
    /// The interpreter to use; `None` finds `python3` on the path.
    pub python: Option<PathBuf>,
    /// The binary started as `msp __worker`; the running one unless a test says otherwise.
    pub launcher: PathBuf,
    /// Most worker processes at once, spares included.
    pub max_workers: usize,
    /// Spare processes kept ready.
    pub spares: usize,
    /// Resident bytes one worker may hold together with the processes it started; beyond it they are ended.
    pub memory_limit_bytes: u64,
    /// Executions after which a worker is replaced; [`RUNS_PER_WORKER`] unless a test says otherwise.
    pub runs_per_worker: u64,
    /// Whether `requirements.txt` may be installed (needs the package registry). An environment that was built
    /// before is used either way.
    pub install_requirements: bool,
}

/// How long an execution may take to give way to its cancellation before its process group gets SIGTERM, and how
/// long that may take before SIGKILL (docs/worker-protocol.md, `cancel`).
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Executions after which a worker takes no new ones and is replaced once it is idle: what author code leaks a little of
/// with every run (descriptors, threads, caches) never adds up, and a new process every 10,000 runs costs nothing.
pub const RUNS_PER_WORKER: u64 = 10_000;

/// `error_type` of executions whose process was ended for the memory it held.
pub(crate) const OUT_OF_MEMORY: &str = "out_of_memory";

/// What an execution calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A workflow.
    Workflow,
    /// An option generator.
    Options,
}

/// One execution, to be run by a worker of its organization.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// What it runs: the edition its arguments were validated against.
    pub edition: Arc<Edition>,
    /// Whose worker.
    pub scope: Scope,
    /// Which execution.
    pub execution_id: ExecutionId,
    /// Workflow or option generator.
    pub kind: TargetKind,
    /// Its registered name.
    pub name: String,
    /// Validated arguments.
    pub arguments: Map<String, Value>,
    /// `context` of the `start` frame.
    pub context: Value,
    /// Whether it has its process to itself.
    pub exclusive: bool,
    /// How long it may run, counted from its `start` frame.
    pub timeout: Duration,
    /// Ends it on request.
    pub cancel: CancellationToken,
}

/// One line a worker wrote, before masking and numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// When.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// Where it came from.
    pub source: String,
    /// The text.
    pub message: String,
    /// The step it was written in.
    pub step: Option<u32>,
}

/// Why the host refuses a call of a worker; the codes are the protocol's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRefusal {
    /// Machine-readable.
    pub code: String,
    /// For people; nothing secret.
    pub message: String,
    /// HTTP status of a remote service.
    pub status: Option<u16>,
}

/// The host's side of one execution. Awaiting `log` is back-pressure: the worker is not read meanwhile for this
/// execution's lines. Everything an execution wrote is handed over before [`WorkerPool::run`] returns.
#[async_trait]
pub trait RunHost: Send + Sync + 'static {
    /// Knows every secret its worker received, whichever execution asked for it: what the process writes outside of
    /// executions is masked too.
    fn masker(&self) -> Masker;
    /// The `start` frame is about to be sent: from here on user code may run.
    async fn starting(&self);
    /// The `start` frame is on its way to the worker.
    async fn started(&self) {}
    /// Lines of the execution, in order.
    async fn log(&self, lines: Vec<RawLine>);
    /// Its latest progress.
    async fn progress(&self, percent: Option<f64>, message: Option<String>);
    /// Its worker says, before the outcome, that the code never looked at its caller. Unsaid, it may have.
    fn caller_untouched(&self) {}
    /// One of its steps began or ended; in order with its lines.
    async fn step(&self, _change: StepChange) {}
    /// A call of the execution; runs beside its logs.
    async fn call(&self, method: &str, arguments: Map<String, Value>) -> Result<Value, CallRefusal>;
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function returned this JSON text.
    Returned(String),
    /// The function raised, or its result could not be used.
    Raised {
        /// The exception's class, or a code of the protocol.
        error_type: String,
        /// Its message.
        message: String,
        /// The traceback, author frames first; possibly empty.
        traceback: String,
    },
    /// It gave way to, or was ended by, its cancellation token.
    Cancelled,
    /// Its deadline passed.
    TimedOut,
    /// Its worker was lost: how far it got is unknown.
    WorkerLost {
        /// `worker_exited`, `worker_protocol`, `worker_killed` (another execution's deadline took the process),
        /// `out_of_memory`.
        error_type: &'static str,
        /// Names the process and what is known: exit code, signal, last words on standard error.
        message: String,
    },
    /// No worker could take it; no user code ran.
    NotStarted(NotStarted),
}

/// Why an execution did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// Every worker is busy and the waiting line is full.
    #[error("every worker is busy")]
    Saturated,
    /// The pool is shutting down.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// Worker processes do not start or do not load; says why, with their last words.
    #[error("no worker could be started: {0}")]
    SpawnFailed(String),
    /// It was cancelled while it waited for a worker.
    #[error("cancelled before it started")]
    Cancelled,
}

/// Why a pool cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No usable Python.
    #[error("no usable Python interpreter: {0}")]
    Python(String),
    /// The workspace cannot be read.
    #[error("the workspace {path} cannot be read: {source}")]
    Workspace {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine folder cannot be written.
    #[error("the engine folder cannot be prepared: {0}")]
    EngineDir(#[source] std::io::Error),
    /// No worker process can be started.
    #[error("no worker process can be started: {0}")]
    Launcher(#[source] std::io::Error),
}

/// The pool: a cheap handle to the supervisor.
#[derive(Clone)]
pub struct WorkerPool {
    pool: Arc<pool::Pool>,
}

impl WorkerPool {
    /// Finds Python, lays out the SDK, installs requirements, loads the bundle in a fresh worker and keeps spares.
    /// A bundle with broken files, or one whose requirements cannot be installed, still starts: its metadata says what is wrong.
    ///
    /// # Errors
    /// [`PoolError`] when nothing could ever run.
    pub async fn start(options: PoolOptions) -> Result<Self, PoolError> {
        Self::start_with_grace(options, CANCEL_GRACE).await
    }

    /// [`Self::start`] with less patience, for tests.
    #[doc(hidden)]
    pub async fn start_with_grace(options: PoolOptions, cancel_grace: Duration) -> Result<Self, PoolError> {
        Ok(Self { pool: pool::Pool::start(options, cancel_grace).await? })
    }

    /// What the bundle offers, and what is wrong with it or with a change that is held back.
    pub fn metadata(&self) -> Arc<BundleMetadata> {
        self.pool.edition().metadata()
    }

    /// What new executions belong to. An execution that was admitted under an edition runs on it, even when another
    /// has taken its place since.
    pub fn edition(&self) -> Arc<Edition> {
        self.pool.edition()
    }

    /// Serves the workspace as it is now, unless that breaks what works: then its errors stand in the metadata and
    /// what served keeps serving. Executions that run are left alone; their processes end when they are idle.
    pub async fn reload(&self) -> Reload {
        self.pool.reload().await
    }

    /// Reloads after every change of the workspace until `stop` is cancelled.
    pub async fn watch(&self, stop: CancellationToken) {
        watch::watch(Arc::clone(&self.pool), stop).await;
    }

    /// Runs one execution to its end, or refuses it as saturated. Dropping the future does not stop the execution: use
    /// `cancel`.
    pub async fn run(&self, assignment: Assignment, host: Arc<dyn RunHost>) -> Outcome {
        match self.place(assignment.scope) {
            Some(place) => self.run_in(place, assignment, host).await,
            None => Outcome::NotStarted(NotStarted::Saturated),
        }
    }

    /// [`Self::run`] with a place taken before: it is not refused as saturated.
    pub(crate) async fn run_in(&self, place: Place, assignment: Assignment, host: Arc<dyn RunHost>) -> Outcome {
        Arc::clone(&self.pool).run(place, assignment, host).await
    }

    /// A place in the line for a worker, if there is one: to be taken before any record is made.
    pub(crate) fn place(&self, scope: Scope) -> Option<Place> {
        self.pool.places.take(scope)
    }

    /// A place for what was accepted long ago.
    pub(crate) fn place_regardless(&self, scope: Scope) -> Place {
        self.pool.places.take_regardless(scope)
    }

    /// Whether a run for this scope would be refused as saturated right now.
    pub fn is_saturated(&self, scope: Scope) -> bool {
        self.pool.places.is_full(scope)
    }

    /// Which walls of design section 6 stand around workers on this machine, one sentence each, for the start log.
    pub fn layers(&self) -> Vec<String> {
        self.pool.layers.clone()
    }

    /// Registers what stands and what was counted of the workers.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let load = lock(&self.pool.roster).load();
        let workers = [("starting", load.starting), ("spare", load.spare), ("assigned", load.assigned)];
        gauges(registry, "workers", "Worker processes", "phase", workers);
        gauge(registry, "executions_in_workers", "Runs and option generators in a worker", count_of(load.in_flight));
        gauge(
            registry,
            "executions_in_line",
            "Runs and option generators that wait for a worker",
            count_of(load.waiting),
        );
        let ended = lock(&self.pool.ended).clone();
        let ended = ended.into_iter().map(|(reason, counter)| (vec![("reason", reason.to_owned())], counter));
        registry.register("workers_ended", "Worker processes that ended", Family::new(ended));
    }

    /// Takes no new executions, lets running ones end for `grace`, then kills what is left and reaps it.
    pub async fn shutdown(&self, grace: Duration) {
        self.pool.shutdown(grace).await;
    }
}

/// Begins to ask the interpreter of the workers who it is, which takes a while, so that a pool started soon finds the
/// answer there. `None`: `python3` on the path. What is wrong with it the start of the pool says.
pub fn look_for_python(named: Option<PathBuf>) {
    std::thread::spawn(move || drop(python::find(named.as_deref())));
}

/// A lock whose data is valid at every step, so that a panic elsewhere does not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
