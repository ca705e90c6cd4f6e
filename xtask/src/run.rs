//! `cargo xtask run`: the whole platform on this machine, with demo organizations and a simulator behind them.

use crate::{
    node::Node,
    platform::{Platform, Running},
    python::Python,
    workspace::{build, root},
};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{fs, net::SocketAddr, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};

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
    let platform = Platform { msp, data, python: python.executable, settings: &[] };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&platform, arguments))
}

async fn serve(platform: &Platform, arguments: &RunArguments) -> Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::default();
    let outcome = tokio::select! {
        outcome = until_a_part_ends(platform, arguments, &mut running) => outcome,
        _ = interrupt.recv() => Ok(true),
        _ = terminate.recv() => Ok(true),
    };
    running.stop().await?;
    outcome
}

async fn until_a_part_ends(platform: &Platform, arguments: &RunArguments, running: &mut Running) -> Result<bool> {
    let flags: Vec<String> = std::iter::once("--watch".to_owned()).chain(arguments.serve.iter().cloned()).collect();
    let started = platform.start(arguments.simulator, &flags, running).await?;
    let link = platform.finish(&["user", "link"]).await?;
    println!("\nDemo organizations:\n{}", started.organizations.trim_end());
    println!("\nThe platform runs at http://{}\nSign in once, within 15 minutes: {}", started.address, link.trim());
    println!("What you save under workflows/ is served at once. Stop it with Ctrl-C.\n");
    eprintln!("{}", running.ended().await);
    Ok(false)
}
