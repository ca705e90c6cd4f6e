//! What has to be on the machine, and the command that installs what is not.

use crate::workspace::cargo;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// Fails with every missing tool at once, unless `rustup` can add it.
pub fn check_rust_tools() -> Result<()> {
    let mut missing = Vec::new();
    if !answers(Command::new("cc").arg("--version")) {
        missing.push("a C compiler (`cc`): sudo apt install build-essential".to_owned());
    }
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if answers(cargo().args([subcommand, "--version"])) {
            continue;
        }
        println!("{component} is missing; running: rustup component add {component}");
        let added = Command::new("rustup").args(["component", "add", component]).status();
        if !added.is_ok_and(|status| status.success()) {
            missing.push(format!("{component}: rustup component add {component}"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("missing on this machine:\n  {}", missing.join("\n  "));
}

/// Whether `cargo nextest` is installed; without it plain `cargo test` does the work.
pub fn has_nextest() -> bool {
    answers(cargo().args(["nextest", "--version"]))
}

fn answers(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
