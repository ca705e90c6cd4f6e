//! `msp simulate`.

use crate::{cli::Simulate, failure::UsageError, serving};
use anyhow::{Context, Result};
use msp_simulator::Simulator;
use tokio::net::TcpListener;

/// Plays the services until it is told to stop.
pub async fn simulate(arguments: &Simulate) -> Result<()> {
    if !arguments.listen.ip().is_loopback() {
        // It has no sign-in and hands out its journal with bearer tokens in it.
        return Err(UsageError(format!("the simulator listens on loopback only, not on {}", arguments.listen)).into());
    }
    let simulator = Simulator::open(Some(arguments.state.clone()))?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", arguments.listen))?;
    let stop = serving::stop_signal()?;
    println!("The simulator listens on {}", listener.local_addr()?);
    msp_simulator::serve(listener, simulator, stop).await.context("the simulator failed")
}
