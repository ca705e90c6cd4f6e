//! `cargo xtask soak`: the long forms of tests, on the release build.

use crate::{python::Python, workspace::cargo};
use anyhow::{Context, Result};
use clap::Args;

/// What `cargo xtask soak` can be told.
#[derive(Args)]
pub struct SoakArguments {
    /// Stop the steady part after this many minutes
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// Requests of the steady part [default: 100000, or no end with --minutes]
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Repeat what a seed did
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs every test that is left out of `cargo xtask test` because it takes long. `false` when one failed.
pub fn soak(arguments: &SoakArguments) -> Result<bool> {
    let python = Python::find()?;
    let mut command = cargo();
    // One at a time: they measure.
    command
        .args(["test", "--release", "--package", "msp-server", "--test", "it", "--"])
        .args(["--ignored", "--nocapture", "--test-threads", "1"])
        .env("MSP_PYTHON", &python.executable);
    for (name, value) in
        [("SOAK_MINUTES", arguments.minutes), ("SOAK_RUNS", arguments.runs), ("FAULT_SEED", arguments.seed)]
    {
        if let Some(value) = value {
            command.env(name, value.to_string());
        }
    }
    Ok(command.status().context("cargo cannot be started")?.success())
}
