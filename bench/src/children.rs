//! Processes that are measured: started, waited for, looked at, ended.

use crate::http::{Connection, request};
use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    env, fs,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long anything may take to start or end before the run is given up: only reached by a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition that is waited for is looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much of a log is shown when its process failed.
const LAST_LINES: usize = 15;

/// A command that knows nothing of the user's own settings of the platform.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("MSP_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end and answers what it printed.
pub async fn finish(command: &mut Command) -> Result<String> {
    let name = command.as_std().get_program().display().to_string();
    let output = command.output().await.with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A process in the background; killed when it is dropped.
pub struct Background {
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts it; what it prints goes into a file.
    pub fn start(command: &mut Command, log: PathBuf) -> Result<Self> {
        let file = File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;
        let name = command.as_std().get_program().display().to_string();
        let child = command
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { child, log })
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("a process has ended:\n{}", self.last_words()))
    }

    /// The end of what it printed.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Waits until `look` sees something, and not past the end of the process.
    pub async fn until<T>(&mut self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look().await {
                return Ok(seen);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{what}: the process ended ({status}):\n{}", self.last_words());
            }
            if Instant::now() > give_up {
                bail!("{what} did not happen within {} s:\n{}", PATIENCE.as_secs(), self.last_words());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.id()?)?;
        kill(Pid::from_raw(id), Signal::SIGTERM)?;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.with_context(|| format!("a process did not stop:\n{}", self.last_words()))??;
        Ok(())
    }
}

/// Whether `GET /readyz` is answered with 200.
pub async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.ask(&request(address, "GET", "/readyz", &[], "")).await.is_ok_and(|answer| answer.status == 200)
}

/// A port nobody listens on. Somebody may take it before it is used; then the start fails and says so.
pub fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Resident memory of a process, in MiB.
pub fn resident_mib(id: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).context("this system does not tell resident memory")?;
    resident_in(&text).with_context(|| format!("process {id} has no resident memory"))
}

fn resident_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The processes a process has started, over all its threads.
pub fn started_by(id: u32) -> Result<Vec<u32>> {
    let mut started = Vec::new();
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread may have ended since it was listed.
        let text = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        started.extend(text.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    }
    Ok(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_mib() {
        let status = "Name:\tmsp\nVmHWM:\t  40960 kB\nVmRSS:\t   30720 kB\n";
        assert_eq!(resident_in(status), Some(30.0));
        assert_eq!(resident_in("Name:\tkthreadd\n"), None);
    }

    #[tokio::test]
    async fn a_process_that_ends_instead_of_starting_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut background = Background::start(
            command(Path::new("sh")).args(["-c", "echo no such luck; exit 3"]),
            folder.path().join("log"),
        )
        .expect("sh starts");
        let error = background.until("the start", async || None::<()>).await.expect_err("it ended");
        assert!(error.to_string().contains("no such luck"), "{error:#}");
    }
}
