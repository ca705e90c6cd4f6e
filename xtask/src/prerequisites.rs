//! What has to be on the machine, and the command that installs what is not.

use crate::workspace::cargo;
use anyhow::{Result, bail};
use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Where Debian's package puts it.
const CHROMIUM: &str = "/usr/bin/chromium";

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

/// The Chromium the journeys are made in: `MSP_CHROMIUM`, or Debian's, which is installed when nobody has to be asked for
/// a password.
pub fn chromium() -> Result<PathBuf> {
    if let Some(chosen) = env::var_os("MSP_CHROMIUM") {
        let chosen = PathBuf::from(chosen);
        if !answers(Command::new(&chosen).arg("--version")) {
            bail!("`{}`, named by MSP_CHROMIUM, does not answer to --version", chosen.display());
        }
        return Ok(chosen);
    }
    if answers(Command::new(CHROMIUM).arg("--version")) || (nix::unistd::geteuid().is_root() && install_chromium()) {
        return Ok(CHROMIUM.into());
    }
    bail!(
        "Chromium is needed for the journeys of the browser client: sudo apt install chromium \
         (another one is chosen with MSP_CHROMIUM=/path/to/chromium)"
    );
}

fn install_chromium() -> bool {
    println!("Chromium is missing; running: apt-get install --yes chromium");
    let run =
        |arguments: &[&str]| Command::new("apt-get").args(arguments).status().is_ok_and(|status| status.success());
    // Lists of packages grow old: the installation is tried before they are fetched anew.
    let install = || run(&["install", "--yes", "chromium"]);
    (install() || (run(&["update"]) && install())) && answers(Command::new(CHROMIUM).arg("--version"))
}

fn answers(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
