//! `cargo xtask bench`: builds and installs what the benchmark needs, then becomes it.

use crate::{
    python::Python,
    workspace::{build, root, target},
};
use anyhow::{Context, Result};
use clap::Args;
use std::{ffi::OsString, os::unix::process::CommandExt as _, path::PathBuf, process::Command};

/// The packages of the service it compares with.
const SERVICE_REQUIREMENTS: &str = "bench/fastapi/requirements.txt";

/// What `cargo xtask bench` can be told.
#[derive(Args)]
pub struct BenchArguments {
    /// Where data folders are made: on the disk that is to be measured [default: target/bench]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Flags of the benchmark: `--quick`, `--only PART`, `--strict`; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    flags: Vec<OsString>,
}

/// Prepares, and hands over. Returns only when that fails.
pub fn bench(arguments: &BenchArguments) -> Result<bool> {
    let python = Python::find()?;
    let arguments_of_build = ["--release", "--package", "msp-server", "--package", "msp-bench"];
    let [msp, bench] = build(&arguments_of_build, ["msp", "msp-bench"])?;
    if arguments.flags.iter().any(|flag| flag == "--help" || flag == "-h") {
        return hand_over(Command::new(bench).args(["run", "--help"]));
    }
    let service = python.packages("bench-python", &[SERVICE_REQUIREMENTS])?;
    let home = target().join("bench");
    let mut command = Command::new(bench);
    command.arg("run").arg("--msp").arg(msp).arg("--python").arg(&python.executable);
    command.arg("--service-python").arg(service.executable()).arg("--sources").arg(root().join("bench"));
    command.arg("--folder").arg(arguments.folder.as_deref().unwrap_or(&home));
    command.arg("--json").arg(home.join("latest.json")).args(&arguments.flags);
    hand_over(&mut command)
}

/// Becomes the command, so that Ctrl-C reaches it alone and it can clean up.
fn hand_over(command: &mut Command) -> Result<bool> {
    Err(command.exec()).context("the benchmark cannot be started")
}
