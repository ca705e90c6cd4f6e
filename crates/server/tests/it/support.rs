//! An installation in a temporary folder, and the program that works on it.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take on a busy machine before the test gives up: generous, because it is only reached by a
/// failure.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Waits for something that will happen, and gives up when it does not.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up, "{what} did not happen within {PATIENCE:?}");
        sleep(LOOK_EVERY);
    }
}

/// A data folder and a workspace.
pub struct Installation {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Installation {
    /// Without workflows.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("reachable for workers");
        // Storms of requests come from one token here.
        let environment = vec![("MSP_REQUESTS_PER_MINUTE", u32::MAX.to_string())];
        let installation = Self { folder, environment };
        installation.write("workflows/.keep", "");
        installation
    }

    /// With the example workspace of the repository. Its packages are left out: what needs them is tested apart, and the
    /// other workflows must not wait for an installation.
    pub fn with_examples() -> Self {
        let installation = Self::new();
        copy_folder(&repository().join("workflows"), &installation.workspace());
        fs::remove_file(installation.workspace().join("requirements.txt")).expect("the examples have requirements");
        installation
    }

    /// Gives the program a variable from now on.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.push((name, value.into()));
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Writes a file of the workspace.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.workspace().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, content).expect("the file");
    }

    /// The program, told about this installation and nothing of the tester's settings.
    pub fn msp(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msp"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if (name.starts_with("MSP_") && name != "MSP_PYTHON") || name == "RUST_LOG" {
                command.env_remove(&*name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).args(arguments);
        if arguments.first() != Some(&"simulate") {
            command.arg("--data").arg(self.data()).arg("--workspace").arg(self.workspace());
        }
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(self.msp(arguments))
    }

    /// Runs a command that must succeed, and answers what it printed.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments);
        assert_eq!(finished.code, Some(0), "msp {arguments:?}: {finished:#?}");
        finished.stdout.trim().to_owned()
    }

    /// A server on a free port, ready to run workflows.
    pub fn serve(&self) -> Server {
        let server = self.serve_with(&["--listen", "127.0.0.1:0"]);
        server.wait_until_ready();
        server
    }

    /// A server with these flags, as soon as it listens.
    pub fn serve_with(&self, flags: &[&str]) -> Server {
        self.serve_by(self.msp(&[&["serve"], flags].concat()))
    }

    /// A server started by this command, as soon as it listens.
    pub fn serve_by(&self, command: Command) -> Server {
        let process = Background::spawn(self, "serve", command);
        let file = self.data().join("server.json");
        let url = process.wait_for("the server listens", || {
            let content: Value = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
            (content["pid"] == process.id()).then(|| content["url"].as_str().map(str::to_owned))?
        });
        Server { process, url }
    }

    /// The simulator on a free port, and where it listens.
    pub fn simulate(&self) -> (Background, String) {
        let state = self.data().join("simulator");
        let state = state.to_str().expect("a readable path");
        let process = Background::start(self, "simulate", &["simulate", "--listen", "127.0.0.1:0", "--state", state]);
        let address = process.wait_for("the simulator listens", || {
            Some(process.stdout().trim().strip_prefix("The simulator listens on ")?.to_owned())
        });
        (process, address)
    }

    /// A command in the background.
    pub fn begin(&self, name: &str, arguments: &[&str]) -> Background {
        Background::start(self, name, arguments)
    }

    /// What the simulator keeps of this installation.
    pub fn simulated(&self) -> Value {
        let text = fs::read(self.data().join("simulator/simulator.json")).expect("the simulator's state");
        serde_json::from_slice(&text).expect("JSON")
    }
}

impl Finished {
    fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program starts");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// With something on standard input.
    pub fn with_input(mut command: Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A program in the background; killed when it goes out of scope.
pub struct Background {
    child: std::sync::Mutex<Child>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Background {
    fn start(installation: &Installation, name: &str, arguments: &[&str]) -> Self {
        Self::spawn(installation, name, installation.msp(arguments))
    }

    fn spawn(installation: &Installation, name: &str, mut command: Command) -> Self {
        // Each start has files of its own: a later server must not be taken for an earlier one.
        let unique = uuid::Uuid::new_v4();
        let file = |kind: &str| installation.folder.path().join(format!("{name}-{unique}.{kind}"));
        let (stdout, stderr) = (file("out"), file("err"));
        let child = command
            .stdout(File::create(&stdout).expect("a file"))
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("the program starts");
        Self { child: std::sync::Mutex::new(child), stdout, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.lock().expect("not poisoned").id()
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.stdout).expect("its output")
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).expect("its log")
    }

    /// Waits for something this program does, and not past its end.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        eventually(what, || {
            if let Some(seen) = look() {
                return Some(seen);
            }
            let ended = self.child.lock().expect("not poisoned").try_wait().expect("a child");
            assert!(ended.is_none(), "{what}: ended with {ended:?}\n{}\n{}", self.stdout(), self.stderr());
            None
        })
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("it runs");
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(&self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Waits for its end.
    pub fn end(&self) -> ExitStatus {
        eventually("the end of the program", || self.child.lock().expect("not poisoned").try_wait().expect("a child"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A server in the background.
pub struct Server {
    pub process: Background,
    pub url: String,
}

impl Server {
    /// Waits until workflows can run.
    pub fn wait_until_ready(&self) {
        self.process
            .wait_for("the engine is ready", || self.process.stderr().contains("The engine is ready").then_some(()));
    }

    /// The one-time link it printed.
    pub fn link(&self) -> Option<String> {
        let output = self.process.stdout();
        output.lines().find_map(|line| Some(line.strip_prefix("Sign in once, within 15 minutes: ")?.to_owned()))
    }

    /// A request without credential.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.request(method, format!("{}{path}", self.url))
    }

    /// What a path answers to this token.
    pub async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let response = self.request(reqwest::Method::GET, path).bearer_auth(token).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
            continue;
        }
        let target = to.join(name);
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
