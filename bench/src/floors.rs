//! What the machine itself costs: a bare web server (H), the disk (F), a Python process. E is in `echo.rs`.

use crate::{
    children::{Background, command, free_address, is_ready},
    http::request,
    load::Target,
    samples::{Latencies, nanoseconds},
};
use anyhow::{Context, Result};
use axum::{Router, routing::get};
use std::{
    env,
    fs::OpenOptions,
    io::Write,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};
use tokio::net::TcpListener;

/// Where [`serve_hello`] listens.
const HELLO_ADDRESS: &str = "BENCH_HELLO_ADDRESS";
/// What one append writes: a page of the database.
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// Appends of one round; each waits for the disk.
const APPENDS: usize = 300;

/// A process that answers `hello`, with axum and nothing else.
pub struct Hello {
    background: Background,
    /// What to ask it.
    pub target: Target,
}

impl Hello {
    /// Starts it.
    pub async fn start(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let program = env::current_exe().context("this program does not know where it is")?;
        let mut start = command(&program);
        start.arg("hello").env(HELLO_ADDRESS, address.to_string());
        let mut background = Background::start(&mut start, folder.join("hello.log"))?;
        background.until("the bare web server", async || is_ready(address).await.then_some(())).await?;
        let requests = vec![request(address, "GET", "/", &[], "")];
        Ok(Self { background, target: Target::new("the bare web server", address, requests) })
    }

    /// Ends it.
    pub async fn stop(self) -> Result<()> {
        self.background.stop().await
    }
}

/// The other side of [`Hello`]: a process of its own, with the threads axum has by default.
pub fn serve_hello() -> Result<()> {
    let address: SocketAddr = env::var(HELLO_ADDRESS).context("this is started by the benchmark")?.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let router = Router::new().route("/", get(async || "hello")).route("/readyz", get(async || "ready"));
        axum::serve(TcpListener::bind(address).await?, router).await?;
        Ok(())
    })
}

/// Appends of 4 KiB, each followed by `fdatasync`, in a file of this folder.
pub fn appends(folder: &Path) -> Result<Latencies> {
    let path = folder.join("append");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let mut samples = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let began = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        samples.push(nanoseconds(began.elapsed()));
    }
    std::fs::remove_file(&path)?;
    Ok(Latencies::of(samples))
}

/// How long a Python process takes that imports what a worker cannot do without and runs a loop once, in milliseconds.
pub fn python_start(python: &Path) -> Result<f64> {
    let began = Instant::now();
    let status = Command::new(python)
        .args(["-S", "-I", "-c", "import asyncio, json; asyncio.run(asyncio.sleep(0))"])
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{} cannot be started", python.display()))?;
    anyhow::ensure!(status.success(), "{} failed ({status})", python.display());
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}
