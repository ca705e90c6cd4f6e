//! The platform's programs, started and stopped together.

use crate::workspace::root;
use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long a part may take until it is ready: the packages of a workspace may have to be downloaded first.
const START_WITHIN: Duration = Duration::from_secs(600);
/// How long a stopped child may take to end before it is killed; longer than the server's own grace for running work.
const STOP_WITHIN: Duration = Duration::from_secs(45);
/// How often a starting child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// An installation, and the program that serves it.
pub struct Platform {
    /// The program.
    pub msp: PathBuf,
    /// Its folder.
    pub data: PathBuf,
    /// The interpreter of its workers.
    pub python: PathBuf,
    /// Settings other than the usual ones.
    pub settings: &'static [(&'static str, &'static str)],
}

/// What runs, in the order in which it starts.
#[derive(Default)]
pub struct Running {
    simulator: Option<Child>,
    server: Option<Child>,
}

/// Where a started platform is, and what is in it.
pub struct Started {
    /// Host and port of the server.
    pub address: String,
    /// The demo organizations, one line each: id and name.
    pub organizations: String,
}

impl Platform {
    /// Starts the simulator, adds the demo organizations, and starts the server until it takes runs. What was started
    /// stands in `running`, also after a failure.
    pub async fn start(&self, simulator: SocketAddr, serve: &[String], running: &mut Running) -> Result<Started> {
        if TcpStream::connect(simulator).await.is_ok() {
            bail!("something listens on {simulator} already; stop it, or choose another address with --simulator");
        }
        let address = simulator.to_string();
        let play = self
            .msp(&["simulate", "--listen", &address, "--state"])
            .arg(self.data.join("simulator"))
            .spawn()
            .context("the simulator cannot be started")?;
        let play = running.simulator.insert(play);
        self.until("the simulator", play, async || TcpStream::connect(simulator).await.is_ok()).await?;
        let organizations = self.finish(&["seed", "--simulator", &address]).await?;

        let address_file = self.data.join("server.json");
        let serve =
            self.msp(&["serve", "--no-sign-in-link"]).args(serve).spawn().context("the server cannot be started")?;
        let serve = running.server.insert(serve);
        let pid = serve.id();
        let ready = async || match address_of(&address_file, pid) {
            Some(address) => is_ready(&address).await,
            None => false,
        };
        self.until("the server", serve, ready).await?;
        let address = address_of(&address_file, pid).context("the server left no address")?;
        Ok(Started { address, organizations })
    }

    /// `msp` with this installation's folder, in a process group of its own: Ctrl-C reaches only this tool, which
    /// then stops its children in order.
    fn msp(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.msp);
        command
            .args(arguments)
            .current_dir(root())
            .env("MSP_PYTHON", &self.python)
            .envs(self.settings.iter().copied())
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        if arguments[0] != "simulate" {
            command.arg("--data").arg(&self.data);
        }
        command
    }

    /// Runs one `msp` command to its end and answers what it printed.
    pub async fn finish(&self, arguments: &[&str]) -> Result<String> {
        let output = self.msp(arguments).stderr(Stdio::inherit()).output().await?;
        if !output.status.success() {
            bail!("`msp {}` failed", arguments.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until a child does what it was started for, and not past its end.
    async fn until(&self, name: &str, child: &mut Child, ready: impl AsyncFn() -> bool) -> Result<()> {
        let give_up = Instant::now() + START_WITHIN;
        while !ready().await {
            if let Some(status) = child.try_wait()? {
                bail!("{name} did not start ({status}); what it said stands above");
            }
            if Instant::now() > give_up {
                bail!("{name} did not start within {} seconds", START_WITHIN.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

/// The address in the server's file, once this very process wrote it.
fn address_of(file: &Path, pid: Option<u32>) -> Option<String> {
    let content: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    if content["pid"].as_u64() != pid.map(u64::from) {
        return None;
    }
    Some(content["url"].as_str()?.strip_prefix("http://")?.to_owned())
}

/// Whether the server has loaded its workflows and takes runs.
async fn is_ready(address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask.await.unwrap_or(false)
}

impl Running {
    /// Waits until a part ends by itself, and says which.
    pub async fn ended(&mut self) -> String {
        let (name, status) = tokio::select! {
            status = wait_for(&mut self.simulator) => ("the simulator", status),
            status = wait_for(&mut self.server) => ("the server", status),
        };
        match status {
            Ok(status) => format!("{name} ended by itself: {status}"),
            Err(error) => format!("{name} cannot be waited for: {error}"),
        }
    }

    /// Stops everything. The server first: runs that are ending may still need the simulator.
    pub async fn stop(&mut self) -> Result<()> {
        for child in [&mut self.server, &mut self.simulator].into_iter().flatten() {
            stop(child).await?;
        }
        Ok(())
    }
}

async fn wait_for(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

async fn stop(child: &mut Child) -> Result<()> {
    let Some(id) = child.id() else { return Ok(()) };
    if let Ok(id) = i32::try_from(id) {
        // It may have ended this instant; then there is nobody left to tell.
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
    if timeout(STOP_WITHIN, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}
