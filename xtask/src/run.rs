//! `cargo xtask run`: the whole platform on this machine, with demo organizations and a simulator behind them.

use crate::{
    node::Node,
    python::Python,
    workspace::{build, root},
};
use anyhow::{Context, Result, bail};
use clap::Args;
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
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep, timeout},
};

/// How long a part may take until it is ready: the packages of a workspace may have to be downloaded first.
const START_WITHIN: Duration = Duration::from_secs(600);
/// How long a stopped child may take to end before it is killed; longer than the server's own grace for running work.
const STOP_WITHIN: Duration = Duration::from_secs(45);
/// How often a starting child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What `cargo xtask run` can be told.
#[derive(Args)]
pub struct RunArguments {
    /// Folder of the installation; kept between starts
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Where the simulator of Microsoft Graph and HaloPSA listens
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7073")]
    simulator: SocketAddr,
    /// Flags for `msp serve`, such as `-- --listen 127.0.0.1:8080`
    #[arg(last = true, value_name = "SERVE FLAGS")]
    serve: Vec<String>,
}

/// Builds, seeds, starts, and waits until somebody stops it. `false` when a part ended by itself.
pub fn run(arguments: &RunArguments) -> Result<bool> {
    if arguments.serve.iter().any(|flag| flag == "--data" || flag.starts_with("--data=")) {
        bail!("the data folder is named before `--`, because every part uses it: cargo xtask run --data DIR");
    }
    let python = Python::find()?;
    // First, because the program carries it.
    Node::find()?.build()?;
    let [msp] = build(&["--package", "msp-server"], ["msp"])?;
    let data = root().join(&arguments.data);
    fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
    let platform = Platform { msp, data, python: python.executable };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(platform.run(arguments))
}

struct Platform {
    msp: PathBuf,
    data: PathBuf,
    python: PathBuf,
}

impl Platform {
    async fn run(&self, arguments: &RunArguments) -> Result<bool> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        if TcpStream::connect(arguments.simulator).await.is_ok() {
            bail!(
                "something listens on {} already; stop it, or choose another address with --simulator",
                arguments.simulator
            );
        }
        let mut simulator = self
            .msp(&["simulate", "--listen", &arguments.simulator.to_string(), "--state"])
            .arg(self.data.join("simulator"))
            .spawn()
            .context("the simulator cannot be started")?;
        let mut server = None;
        let outcome = tokio::select! {
            outcome = self.start(arguments, &mut simulator, &mut server) => outcome,
            _ = interrupt.recv() => Ok(true),
            _ = terminate.recv() => Ok(true),
        };
        let outcome = match outcome {
            Ok(false) => tokio::select! {
                status = simulator.wait() => ended("the simulator", status),
                status = wait_for(&mut server) => ended("the server", status),
                _ = interrupt.recv() => Ok(true),
                _ = terminate.recv() => Ok(true),
            },
            stopped_or_failed => stopped_or_failed,
        };
        // The server first: runs that are ending may still need the simulator.
        if let Some(server) = &mut server {
            stop(server).await?;
        }
        stop(&mut simulator).await?;
        outcome
    }

    /// Starts everything; `Ok(false)` means it runs and nobody has asked it to stop.
    async fn start(&self, arguments: &RunArguments, simulator: &mut Child, server: &mut Option<Child>) -> Result<bool> {
        self.until("the simulator", simulator, async || TcpStream::connect(arguments.simulator).await.is_ok()).await?;
        let organizations = self.finish(&["seed", "--simulator", &arguments.simulator.to_string()]).await?;

        let address_file = self.data.join("server.json");
        let serve = self
            .msp(&["serve", "--watch", "--no-sign-in-link"])
            .args(&arguments.serve)
            .spawn()
            .context("the server cannot be started")?;
        let serve = server.insert(serve);
        let pid = serve.id();
        let ready = async || match address_of(&address_file, pid) {
            Some(address) => is_ready(&address).await,
            None => false,
        };
        self.until("the server", serve, ready).await?;
        let address = address_of(&address_file, pid).context("the server left no address")?;
        let link = self.finish(&["user", "link"]).await?;
        println!("\nDemo organizations:\n{}", organizations.trim_end());
        println!("\nThe platform runs at http://{address}\nSign in once, within 15 minutes: {}", link.trim());
        println!("What you save under workflows/ is served at once. Stop it with Ctrl-C.\n");
        Ok(false)
    }

    /// `msp` with this installation's folder, in a process group of its own: Ctrl-C reaches only this tool, which
    /// then stops its children in order.
    fn msp(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.msp);
        command
            .args(arguments)
            .current_dir(root())
            .env("MSP_PYTHON", &self.python)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        if arguments[0] != "simulate" {
            command.arg("--data").arg(&self.data);
        }
        command
    }

    /// Runs one `msp` command to its end and answers what it printed.
    async fn finish(&self, arguments: &[&str]) -> Result<String> {
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

async fn wait_for(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

fn ended(name: &str, status: io::Result<ExitStatus>) -> Result<bool> {
    eprintln!("{name} ended by itself: {}", status?);
    Ok(false)
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
