//! A pool over a throw-away workspace, and a host that remembers what it was told.

use async_trait::async_trait;
use msp_domain::{ExecutionId, OrgId, Scope};
use msp_engine::masking::Masker;
use msp_engine::workers::{
    Assignment, CallRefusal, Outcome, PoolOptions, RUNS_PER_WORKER, RawLine, RunHost, TargetKind, WorkerPool,
};
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Short enough for tests that wait for SIGTERM and SIGKILL, long enough for a busy machine.
pub const GRACE: Duration = Duration::from_millis(700);

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub pool: WorkerPool,
}

/// What a pool is started with besides its files.
pub struct Setup {
    pub max_workers: usize,
    pub spares: usize,
    pub memory_limit_bytes: u64,
    pub runs_per_worker: u64,
    pub python: Option<PathBuf>,
    pub install_requirements: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            max_workers: 6,
            spares: 1,
            memory_limit_bytes: 1 << 30,
            runs_per_worker: RUNS_PER_WORKER,
            python: None,
            install_requirements: false,
        }
    }
}

impl Bench {
    pub async fn new(workflows: &str) -> Self {
        Self::with(&[("workflows/all.py", workflows)], Setup::default()).await
    }

    pub async fn with(files: &[(&str, &str)], setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("msp-workers-").tempdir().expect("a folder");
        let root = folder.path();
        // As an installation that lets workers have a uid of their own.
        open_to_others(root);
        for (name, text) in files {
            let path = root.join("workspace").join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("written");
        }
        std::fs::create_dir_all(root.join("data/engine")).expect("a folder");
        std::fs::write(root.join("data/master.key"), "canary-master-key").expect("written");
        std::fs::write(root.join("data/msp.db"), "canary-database").expect("written");
        let pool = WorkerPool::start_with_grace(
            PoolOptions {
                workspace: root.join("workspace"),
                engine_dir: root.join("data/engine"),
                python: setup.python,
                launcher: PathBuf::from(env!("CARGO_BIN_EXE_msp-worker-launcher")),
                max_workers: setup.max_workers,
                spares: setup.spares,
                memory_limit_bytes: setup.memory_limit_bytes,
                runs_per_worker: setup.runs_per_worker,
                install_requirements: setup.install_requirements,
            },
            GRACE,
        )
        .await
        .expect("a pool");
        let bench = Self { folder, pool };
        let errors = bench.pool.metadata().errors.clone();
        if !errors.is_empty() {
            eprintln!("the workspace has errors: {errors:#?}");
        }
        bench
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file of the workspace, as an author who saves it.
    pub fn save(&self, name: &str, text: &str) {
        let path = self.folder.path().join("workspace").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    pub fn run(&self, scope: Scope, name: &str, arguments: Value) -> Run {
        Run::new(self, scope, name, arguments).spawn()
    }

    pub async fn outcome(&self, scope: Scope, name: &str, arguments: Value) -> Outcome {
        self.run(scope, name, arguments).outcome().await
    }

    pub async fn value(&self, scope: Scope, name: &str, arguments: Value) -> Value {
        returned(self.outcome(scope, name, arguments).await)
    }
}

fn open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[track_caller]
pub fn returned(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Returned(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("did not return: {other:?}"),
    }
}

pub fn org() -> Scope {
    Scope::Org(OrgId::random())
}

/// One execution being set up.
pub struct Run {
    pool: WorkerPool,
    pub assignment: Assignment,
    pub host: Arc<Recorder>,
    task: Option<tokio::task::JoinHandle<Outcome>>,
}

impl Run {
    pub fn new(bench: &Bench, scope: Scope, name: &str, arguments: Value) -> Self {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let metadata = bench.pool.metadata();
        let context = json!({
            "org": scope.org().map(|org| json!({"id": org.key(), "name": "Contoso", "tenant_id": "t"})),
            "config": {"greeting": "hello"},
            "caller": {"user_id": "u", "email": "tech@example.com", "name": "Tech"},
        });
        let edition = bench.pool.edition();
        let assignment = Assignment {
            edition,
            scope,
            execution_id: ExecutionId::at(chrono::Utc::now()),
            kind: TargetKind::Workflow,
            name: name.to_owned(),
            arguments,
            context,
            exclusive: metadata.workflow(name).is_some_and(|workflow| workflow.exclusive),
            timeout: Duration::from_secs(60),
            cancel: CancellationToken::new(),
        };
        Self { pool: bench.pool.clone(), assignment, host: Arc::default(), task: None }
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.assignment.timeout = timeout;
        self
    }

    pub fn spawn(mut self) -> Self {
        let (pool, assignment, host) = (self.pool.clone(), self.assignment.clone(), Arc::clone(&self.host));
        self.task = Some(tokio::spawn(async move { pool.run(assignment, host).await }));
        self
    }

    pub async fn outcome(&mut self) -> Outcome {
        let task = self.task.take().expect("spawned, and asked once");
        tokio::time::timeout(Duration::from_secs(60), task).await.expect("an outcome in time").expect("no panic")
    }

    /// Waits until the execution wrote a line that holds this text, and gives the line.
    pub async fn line(&self, holds: &str) -> String {
        eventually(&format!("a line with {holds:?}"), || {
            self.host.lines().into_iter().map(|line| line.message).find(|message| message.contains(holds))
        })
        .await
    }
}

/// Polls a condition, with a bound.
#[track_caller]
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    let what = what.to_owned();
    let started = Instant::now();
    async move {
        loop {
            if let Some(found) = condition() {
                return found;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

#[derive(Default)]
pub struct Recorder {
    pub started: std::sync::atomic::AtomicBool,
    pub lines: Mutex<Vec<RawLine>>,
    pub bytes: std::sync::atomic::AtomicUsize,
    pub progress: Mutex<Vec<(Option<f64>, Option<String>)>>,
    pub calls: Mutex<Vec<(String, Map<String, Value>)>>,
}

impl Recorder {
    pub fn lines(&self) -> Vec<RawLine> {
        self.lines.lock().expect("unpoisoned").clone()
    }

    pub fn messages(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.message).collect()
    }
}

#[async_trait]
impl RunHost for Recorder {
    fn masker(&self) -> Masker {
        Masker::default()
    }

    async fn starting(&self) {
        self.started.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    async fn log(&self, lines: Vec<RawLine>) {
        // Like the real host, keep a part of a flood only.
        const KEPT: usize = 20_000;
        let bytes: usize = lines.iter().map(|line| line.message.len()).sum();
        self.bytes.fetch_add(bytes, std::sync::atomic::Ordering::SeqCst);
        let mut kept = self.lines.lock().expect("unpoisoned");
        let room = KEPT.saturating_sub(kept.len());
        kept.extend(lines.into_iter().take(room));
    }

    async fn progress(&self, percent: Option<f64>, message: Option<String>) {
        self.progress.lock().expect("unpoisoned").push((percent, message));
    }

    async fn call(&self, method: &str, arguments: Map<String, Value>) -> Result<Value, CallRefusal> {
        self.calls.lock().expect("unpoisoned").push((method.to_owned(), arguments.clone()));
        match method {
            "secret.get" if arguments.get("name") == Some(&json!("halo_key")) => Ok(json!("s3cret-value")),
            "secret.get" => Err(CallRefusal {
                code: "secret_not_found".to_owned(),
                message: "no such secret".to_owned(),
                status: None,
            }),
            _ => Err(CallRefusal { code: "unknown_method".to_owned(), message: method.to_owned(), status: None }),
        }
    }
}
