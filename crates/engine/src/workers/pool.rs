//! The supervisor: keeps workers running, hands out seats in them, and ends them.

use super::{
    Assignment, NotStarted, Outcome, PoolError, PoolOptions, RunHost,
    bundle::Workspace,
    copies::Copies,
    drive,
    edition::Edition,
    launcher::Launch,
    leftovers, memory, orphans,
    process::Process,
    python::{self, Python},
    reload,
    roster::{Plan, Roster, Waiter},
    sdk,
    spawner::Spawner,
    walls,
};
use crate::{
    line::Line,
    panics::keep_running,
    places::{Place, Places},
};
use msp_domain::Scope;
use msp_metrics::Counter;
use nix::sys::signal::Signal;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, oneshot};

/// How long killed workers may take to be gone; they are in the kernel's hands then.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Runs that may wait for a worker in all. More means minutes of delay: refusing at once is kinder.
const MOST_WAITING: usize = 1000;
/// Runs of one organization that may wait for a worker, so that one cannot fill the line.
const MOST_WAITING_PER_SCOPE: usize = 500;

pub(super) struct Pool {
    /// Everything about a launch but what an edition decides.
    pub launch: Launch,
    pub python: Python,
    pub workspace: Workspace,
    pub copies: Arc<Copies>,
    pub install_requirements: bool,
    pub editions: AtomicU64,
    /// One reload at a time.
    pub reloading: tokio::sync::Mutex<()>,
    pub spawner: Spawner,
    pub layers: Vec<String>,
    pub cancel_grace: Duration,
    pub roster: Mutex<Roster>,
    /// For those who wait for a seat, or will.
    pub places: Places,
    /// Workers that ended, by reason. Rare enough for a lock.
    pub ended: Mutex<BTreeMap<&'static str, Counter>>,
    /// Something ended.
    pub changed: Notify,
}

/// A place for one execution in a process of its organization.
pub(super) struct Seat {
    pool: Arc<Pool>,
    number: u64,
    pub process: Arc<Process>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.release(self.number);
    }
}

impl Pool {
    pub async fn start(options: PoolOptions, cancel_grace: Duration) -> Result<Arc<Self>, PoolError> {
        let PoolOptions {
            workspace,
            engine_dir,
            python,
            launcher,
            max_workers,
            spares,
            memory_limit_bytes,
            runs_per_worker,
            install_requirements,
        } = options;
        let found = tokio::task::spawn_blocking(move || python::find(python.as_deref()));
        let unreadable = |source| PoolError::Workspace { path: workspace.clone(), source };
        let engine_dir = prepare(&engine_dir).map_err(PoolError::EngineDir)?;
        let data = engine_dir.parent().unwrap_or(&engine_dir);
        let opened = Workspace::open(&workspace, data).map_err(unreadable)?;
        let copies = Copies::open(&engine_dir).map_err(PoolError::EngineDir)?;
        let bundle = reload::copy(&copies, &opened).await.map_err(unreadable)?;
        let sdk = sdk::lay_out(&engine_dir).map_err(PoolError::EngineDir)?;
        let python = found.await.map_err(|error| PoolError::Python(error.to_string()))??;

        orphans::adopt();
        let spawner = Spawner::start(launcher).map_err(PoolError::Launcher)?;
        let mut launch = Launch {
            host_pid: i32::try_from(std::process::id()).unwrap_or(i32::MAX),
            python: python.executable.clone(),
            prefixes: python.prefixes.clone(),
            sdk,
            workspace: bundle.folder.clone(),
            site_packages: None,
            temp: engine_dir.join("tmp"),
            engine_dir,
            identity: None,
            mark: 0,
            probe: false,
        };
        let packages = reload::packages(&bundle, &opened, &python, &launch.engine_dir, install_requirements).await;
        launch.site_packages.clone_from(&packages.folder);
        let standing = walls::probe(&spawner, &launch).await.map_err(PoolError::Launcher)?;
        launch.identity = standing.identity;

        let edition = Arc::new(Edition::new(0, bundle, launch.clone(), packages.errors));
        let pool = Arc::new(Self {
            launch,
            python,
            workspace: opened,
            copies,
            install_requirements,
            editions: AtomicU64::new(1),
            reloading: tokio::sync::Mutex::default(),
            spawner,
            layers: standing.layers,
            cancel_grace,
            roster: Mutex::new(Roster::new(max_workers, spares, runs_per_worker, edition)),
            places: Places::new(MOST_WAITING, MOST_WAITING_PER_SCOPE),
            ended: Mutex::default(),
            changed: Notify::new(),
        });
        pool.first_worker().await;
        let (sdk, python) = (pool.launch.sdk.clone(), pool.python.clone());
        tokio::task::spawn_blocking(move || sdk::compile(&sdk, &python));
        let [reaped, watched, guarded] = [0; 3].map(|_| Arc::downgrade(&pool));
        keep_running("orphans", move || reap_orphans(reaped.clone()));
        keep_running("leftovers", move || leftovers::watch(watched.clone()));
        keep_running("memory", move || memory::guard(guarded.clone(), memory_limit_bytes));
        Ok(pool)
    }

    /// Loads the bundle in one worker before others are started: it is the one that reports.
    async fn first_worker(self: &Arc<Self>) {
        let edition = self.edition();
        let number = super::lock(&self.roster).enroll(&edition);
        self.start_worker(number, Arc::clone(&edition));
        edition.settled().await;
        self.pump();
    }

    /// What new executions belong to.
    pub fn edition(&self) -> Arc<Edition> {
        Arc::clone(super::lock(&self.roster).current())
    }

    pub async fn run(self: Arc<Self>, place: Place, assignment: Assignment, host: Arc<dyn RunHost>) -> Outcome {
        // A task of its own: the caller may hang up without stopping the execution.
        match tokio::spawn(drive::drive(self, place, assignment, host)).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::WorkerLost {
                error_type: "worker_exited",
                message: format!("the host's side of the execution failed: {error}"),
            },
        }
    }

    /// A seat, at once or after waiting in line: the place in it is held until then.
    pub async fn seat(
        self: &Arc<Self>,
        _place: Place,
        edition: Arc<Edition>,
        scope: Scope,
        exclusive: bool,
    ) -> Result<Seat, NotStarted> {
        let incoming = {
            let mut roster = super::lock(&self.roster);
            if roster.closing {
                return Err(NotStarted::ShuttingDown);
            }
            if !roster.line.has(scope)
                && let Some((number, process)) = roster.place(&edition, scope, exclusive)
            {
                drop(roster);
                return Ok(Seat { pool: Arc::clone(self), number, process });
            }
            let (seat, incoming) = oneshot::channel();
            roster.line.push(scope, Waiter { edition, exclusive, seat });
            incoming
        };
        self.pump();
        incoming.await.unwrap_or(Err(NotStarted::ShuttingDown))
    }

    /// Serves the line, then starts and ends workers as needed. Called after every change.
    pub fn pump(self: &Arc<Self>) {
        let mut unwanted = Vec::new();
        let plan = {
            let mut roster = super::lock(&self.roster);
            if !roster.line.is_empty() {
                self.serve(&mut roster, &mut unwanted);
            }
            let plan = roster.plan();
            if !roster.line.is_empty() {
                roster.give_up();
            }
            plan
        };
        // Their seats are given back outside the lock.
        drop(unwanted);
        self.carry_out(plan);
    }

    fn serve(self: &Arc<Self>, roster: &mut Roster, unwanted: &mut Vec<Result<Seat, NotStarted>>) {
        let mut line = std::mem::replace(&mut roster.line, Line::new());
        line.serve(|scope, waiter| {
            if waiter.seat.is_closed() {
                return None;
            }
            let Some((number, process)) = roster.place(&waiter.edition, scope, waiter.exclusive) else {
                return Some(waiter);
            };
            let seat = Seat { pool: Arc::clone(self), number, process };
            unwanted.extend(waiter.seat.send(Ok(seat)).err());
            None
        });
        roster.line = line;
    }

    fn carry_out(self: &Arc<Self>, plan: Plan) {
        for process in plan.retire {
            process.end("worker_killed", "was idle and made room", Signal::SIGKILL);
        }
        for (number, edition) in plan.start {
            self.start_worker(number, edition);
        }
        if let Some(at) = plan.again_at {
            let pool = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep_until(at.into()).await;
                if let Some(pool) = pool.upgrade() {
                    super::lock(&pool.roster).waking = false;
                    pool.pump();
                }
            });
        }
    }

    fn release(self: &Arc<Self>, number: u64) {
        let pump = {
            let mut roster = super::lock(&self.roster);
            roster.release(number) || !roster.line.is_empty() || roster.closing
        };
        if pump {
            self.changed.notify_waiters();
            self.pump();
        }
    }

    /// A worker has imported its bundle.
    pub fn loaded(self: &Arc<Self>, worker: u64) {
        super::lock(&self.roster).loaded(worker);
        self.pump();
    }

    /// A silent loop turns again.
    pub fn recovered(self: &Arc<Self>) {
        if !super::lock(&self.roster).line.is_empty() {
            self.pump();
        }
    }

    pub async fn shutdown(self: &Arc<Self>, grace: Duration) {
        let waiters = {
            let mut roster = super::lock(&self.roster);
            roster.closing = true;
            roster.line.remove(|_, _| true)
        };
        for waiter in waiters {
            let _ = waiter.seat.send(Err(NotStarted::ShuttingDown));
        }
        self.wait_until(grace, |roster| !roster.is_busy()).await;
        let by = Instant::now() + GONE_WITHIN;
        while Instant::now() < by && !super::lock(&self.roster).is_empty() {
            for process in super::lock(&self.roster).processes() {
                process.end("worker_killed", "was ended because the engine shuts down", Signal::SIGKILL);
            }
            self.wait_until(Duration::from_millis(200), Roster::is_empty).await;
        }
    }

    async fn wait_until(&self, at_most: Duration, condition: impl Fn(&Roster) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if condition(&super::lock(&self.roster)) {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(at_most, wait).await;
    }
}

/// Makes the engine's folder and clears what workers of an earlier server left. Others may pass through it, because
/// workers may have another uid, but not list it.
fn prepare(engine_dir: &Path) -> std::io::Result<std::path::PathBuf> {
    let passable = || fs::Permissions::from_mode(0o711);
    fs::create_dir_all(engine_dir)?;
    let engine_dir = engine_dir.canonicalize()?;
    fs::set_permissions(&engine_dir, passable())?;
    let temp = engine_dir.join("tmp");
    match fs::remove_dir_all(&temp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&temp)?,
    }
    fs::set_permissions(&temp, passable())?;
    Ok(engine_dir)
}

/// Orphans that end while their worker lives stay as zombies unless someone reaps them.
async fn reap_orphans(pool: std::sync::Weak<Pool>) {
    use tokio::signal::unix::{SignalKind, signal};
    /// A burst of ends is worth one look.
    const PAUSE: Duration = Duration::from_secs(1);
    let Ok(mut children) = signal(SignalKind::child()) else { return };
    while children.recv().await.is_some() && pool.strong_count() > 0 {
        tokio::time::sleep(PAUSE).await;
        let _ = tokio::task::spawn_blocking(orphans::reap).await;
    }
}
