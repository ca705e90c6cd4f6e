//! The supervisor: keeps workers running, hands out seats in them, and ends them.

use super::{
    Assignment, NotStarted, Outcome, PoolError, PoolOptions, RunHost, TargetKind, attend,
    bundle::Bundle,
    drive, environment,
    frames::{Loaded, ToWorker},
    launcher::Launch,
    orphans,
    outgoing::Outgoing,
    process::{Overseer, Process},
    python,
    roster::{Plan, Roster, Waiter},
    sdk,
    spawner::Spawner,
    walls,
};
use msp_domain::{BundleMetadata, FileError, Scope};
use nix::sys::signal::Signal;
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, oneshot, watch};

/// How long killed workers may take to be gone; they are in the kernel's hands then.
const GONE_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Pool {
    launch: Launch,
    bundle: Bundle,
    spawner: Spawner,
    pub layers: Vec<String>,
    pub cancel_grace: Duration,
    roster: Mutex<Roster>,
    metadata: Mutex<Arc<BundleMetadata>>,
    alone: Mutex<HashSet<(TargetKind, String)>>,
    /// Becomes true once the first worker has loaded the bundle, or failed to.
    settled: watch::Sender<bool>,
    /// Something ended.
    changed: Notify,
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
        let PoolOptions { workspace, engine_dir, python, launcher, max_workers, spares, install_requirements } =
            options;
        let found = tokio::task::spawn_blocking(move || python::find(python.as_deref()));
        let bundle = Bundle::read(&workspace).map_err(|source| PoolError::Workspace { path: workspace, source })?;
        let engine_dir = prepare(&engine_dir).map_err(PoolError::EngineDir)?;
        let sdk = sdk::lay_out(&engine_dir).map_err(PoolError::EngineDir)?;
        let python = found.await.map_err(|error| PoolError::Python(error.to_string()))??;

        let mut errors = Vec::new();
        let environment = if install_requirements {
            environment::site_packages(&bundle, &python, &engine_dir).await
        } else {
            environment::existing(&bundle, &python, &engine_dir)
        };
        let site_packages = environment.unwrap_or_else(|message| {
            tracing::warn!("The workspace's requirements are not installed: {message}");
            errors.push(FileError { file: "requirements.txt".to_owned(), line: None, message });
            None
        });
        orphans::adopt();
        let spawner = Spawner::start(launcher).map_err(PoolError::Launcher)?;
        let mut launch = Launch {
            host_pid: i32::try_from(std::process::id()).unwrap_or(i32::MAX),
            python: python.executable.clone(),
            prefixes: python.prefixes.clone(),
            sdk,
            workspace: bundle.workspace.clone(),
            site_packages,
            temp: engine_dir.join("tmp"),
            engine_dir,
            identity: None,
            mark: 0,
            probe: false,
        };
        let standing = walls::probe(&spawner, &launch).await.map_err(PoolError::Launcher)?;
        launch.identity = standing.identity;

        let metadata = BundleMetadata { bundle: bundle.hash.clone(), errors, ..BundleMetadata::default() };
        let pool = Arc::new(Self {
            launch,
            bundle,
            spawner,
            layers: standing.layers,
            cancel_grace,
            roster: Mutex::new(Roster::new(max_workers, spares)),
            metadata: Mutex::new(Arc::new(metadata)),
            alone: Mutex::default(),
            settled: watch::channel(false).0,
            changed: Notify::new(),
        });
        pool.first_worker().await;
        let sdk = pool.launch.sdk.clone();
        tokio::task::spawn_blocking(move || sdk::compile(&sdk, &python));
        tokio::spawn(reap_orphans(Arc::downgrade(&pool)));
        Ok(pool)
    }

    /// Loads the bundle in one worker before others are started: it is the one that reports.
    async fn first_worker(self: &Arc<Self>) {
        let number = super::lock(&self.roster).enroll();
        self.start_worker(number);
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
        self.pump();
    }

    pub fn metadata(&self) -> Arc<BundleMetadata> {
        Arc::clone(&super::lock(&self.metadata))
    }

    pub fn is_saturated(&self, scope: Scope) -> bool {
        super::lock(&self.roster).line.is_full(scope)
    }

    pub async fn run(self: Arc<Self>, assignment: Assignment, host: Arc<dyn RunHost>) -> Outcome {
        // A task of its own: the caller may hang up without stopping the execution.
        match tokio::spawn(drive::drive(self, assignment, host)).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::WorkerLost {
                error_type: "worker_exited",
                message: format!("the host's side of the execution failed: {error}"),
            },
        }
    }

    /// Whether the target was seen to block its loop.
    pub fn runs_alone(&self, kind: TargetKind, name: &str) -> bool {
        let alone = super::lock(&self.alone);
        !alone.is_empty() && alone.contains(&(kind, name.to_owned()))
    }

    /// A seat, at once or after waiting in line.
    pub async fn seat(self: &Arc<Self>, scope: Scope, exclusive: bool) -> Result<Seat, NotStarted> {
        let incoming = {
            let mut roster = super::lock(&self.roster);
            if roster.closing {
                return Err(NotStarted::ShuttingDown);
            }
            if !roster.line.has(scope)
                && let Some((number, process)) = roster.place(scope, exclusive)
            {
                drop(roster);
                return Ok(Seat { pool: Arc::clone(self), number, process });
            }
            if roster.line.is_full(scope) {
                return Err(NotStarted::Saturated);
            }
            let (seat, incoming) = oneshot::channel();
            roster.line.push(scope, Waiter { exclusive, seat });
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
            if !roster.line.is_empty()
                && let Some(fault) = roster.hopeless()
            {
                let stranded: HashSet<Scope> =
                    roster.line.waiting().map(|(scope, _)| scope).filter(|scope| !roster.has_member(*scope)).collect();
                for waiter in roster.line.remove(|scope| stranded.contains(&scope)) {
                    let _ = waiter.seat.send(Err(NotStarted::SpawnFailed(fault.clone())));
                }
            }
            plan
        };
        // Their seats are given back outside the lock.
        drop(unwanted);
        self.carry_out(plan);
    }

    fn serve(self: &Arc<Self>, roster: &mut Roster, unwanted: &mut Vec<Result<Seat, NotStarted>>) {
        let mut line = std::mem::replace(&mut roster.line, super::line::Line::new());
        line.serve(|scope, waiter| {
            if waiter.seat.is_closed() {
                return None;
            }
            let Some((number, process)) = roster.place(scope, waiter.exclusive) else { return Some(waiter) };
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
        for number in plan.start {
            self.start_worker(number);
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
        let (ended, waiting) = {
            let mut roster = super::lock(&self.roster);
            let ended = roster.release(number);
            (ended, !roster.line.is_empty() || roster.closing)
        };
        let pump = waiting || ended.is_some();
        if let Some(process) = ended {
            process.end("worker_killed", "made room for another organization", Signal::SIGKILL);
        }
        if pump {
            self.changed.notify_waiters();
            self.pump();
        }
    }

    fn start_worker(self: &Arc<Self>, number: u64) {
        tokio::spawn(Arc::clone(self).tend(number));
    }

    /// One worker from its start to the last trace of it.
    async fn tend(self: Arc<Self>, number: u64) {
        let failed = match self.host_worker(number).await {
            Ok(ended) => (!ended.loaded).then_some(ended.loss.message),
            Err(error) => Some(error.to_string()),
        };
        // A spare that a shutdown meets while it loads is no fault of the workspace.
        let closing = super::lock(&self.roster).closing;
        if let Some(fault) = failed.as_ref().filter(|_| !closing) {
            self.report_failed_load(fault);
        }
        super::lock(&self.roster).ended(number, failed);
        self.changed.notify_waiters();
        self.pump();
    }

    async fn host_worker(self: &Arc<Self>, number: u64) -> std::io::Result<attend::Ended> {
        let (launch, spawned) = walls::spawn(&self.spawner, &self.launch).await?;
        let (control, outgoing) = spawned.control.into_split();
        let overseer: Arc<dyn Overseer> = Arc::new(Arc::clone(self));
        let process = Arc::new(Process::new(number, spawned.kin, Outgoing::new(outgoing), overseer));
        super::lock(&self.roster).runs(number, Arc::clone(&process));
        let Launch { workspace, site_packages, .. } = &launch;
        let load = ToWorker::Load { workspace, site_packages: site_packages.as_deref(), bundle: &self.bundle.hash };
        process.send(&load).map_err(std::io::Error::other)?;
        let wires = attend::Wires { child: spawned.child, control, stdout: spawned.stdout, stderr: spawned.stderr };
        let ended = attend::attend(&process, wires).await;
        let kin = process.kin.clone();
        let _ = tokio::task::spawn_blocking(move || {
            orphans::sweep(&kin);
            let _ = fs::remove_dir_all(&kin.temp);
        })
        .await;
        Ok(ended)
    }

    fn report_failed_load(&self, fault: &str) {
        tracing::error!("A worker did not start: {fault}");
        self.settle(|metadata| {
            let message = format!("The workspace could not be loaded: {fault}");
            metadata.errors.push(FileError { file: "workflows".to_owned(), line: None, message });
        });
    }

    /// What the first worker reports is what the bundle offers; the reports of later ones are the same.
    fn settle(&self, report: impl FnOnce(&mut BundleMetadata)) {
        let mut metadata = super::lock(&self.metadata);
        if !*self.settled.borrow() {
            report(Arc::make_mut(&mut metadata));
            self.settled.send_replace(true);
        }
    }

    pub async fn shutdown(self: &Arc<Self>, grace: Duration) {
        let waiters = {
            let mut roster = super::lock(&self.roster);
            roster.closing = true;
            roster.line.remove(|_| true)
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

impl Overseer for Arc<Pool> {
    fn loaded(&self, worker: u64, loaded: Loaded) {
        self.settle(|metadata| {
            metadata.workflows = loaded.workflows;
            metadata.option_generators = loaded.option_generators;
            metadata.errors.extend(loaded.errors);
            metadata.warnings = loaded.warnings;
        });
        super::lock(&self.roster).loaded(worker);
        self.pump();
    }

    fn recovered(&self) {
        if !super::lock(&self.roster).line.is_empty() {
            self.pump();
        }
    }

    fn blocks(&self, kind: TargetKind, name: &str) {
        if !super::lock(&self.alone).insert((kind, name.to_owned())) {
            return;
        }
        tracing::warn!("`{name}` blocks the event loop: it runs in a process of its own from now on");
        let mut metadata = super::lock(&self.metadata);
        let metadata = Arc::make_mut(&mut metadata);
        let exclusive = match kind {
            TargetKind::Workflow => {
                metadata.workflows.iter_mut().find(|one| one.name == name).map(|one| &mut one.exclusive)
            }
            TargetKind::Options => {
                metadata.option_generators.iter_mut().find(|one| one.name == name).map(|one| &mut one.exclusive)
            }
        };
        if let Some(exclusive) = exclusive {
            *exclusive = true;
        }
    }

    fn stands_in(&self, kind: TargetKind, name: &str, file: &str) -> bool {
        let metadata = self.metadata();
        let own = match kind {
            TargetKind::Workflow => metadata.workflow(name).map(|one| one.file.as_str()),
            TargetKind::Options => metadata.option_generator(name).map(|one| one.file.as_str()),
        };
        let relative = Path::new(file).strip_prefix(&self.bundle.workspace).unwrap_or(Path::new(file));
        own.is_some_and(|own| Path::new(own) == relative)
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
