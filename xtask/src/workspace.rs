//! Where things are in this repository.

use anyhow::{Context, Result, anyhow, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root of the repository.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where this tool keeps what it downloads and installs: inside cargo's target folder, so `cargo clean` takes it along.
pub fn scratch() -> PathBuf {
    target().join("xtask")
}

/// The cargo that runs this tool, in the repository's root.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds programs of this workspace and answers where they are.
pub fn build<const N: usize>(arguments: &[&str], programs: [&str; N]) -> Result<[PathBuf; N]> {
    let output = cargo()
        .args(["build", "--bins", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("this does not build; what cargo said stands above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let built: Vec<serde_json::Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut found = Vec::with_capacity(N);
    for program in programs {
        let mut artifacts = built.iter().filter(|message| message["target"]["name"] == program);
        let executable = artifacts.find_map(|message| message["executable"].as_str());
        found.push(executable.with_context(|| format!("cargo did not say where it put `{program}`"))?.into());
    }
    found.try_into().map_err(|_| anyhow!("not every program was built"))
}
