//! The Node that builds and checks the browser client.

use crate::workspace::root;
use anyhow::{Context, Result, bail};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

/// The lowest Node the client's tools work with.
const LOWEST: (u32, u32) = (20, 19);
const ADVICE: &str = "Node 20.19 or newer with npm is needed for the browser client: sudo apt install nodejs npm \
                      (where that installs an older one: https://nodejs.org/en/download)";

/// What the built client is made of.
const SOURCES: [&str; 8] = [
    "client/src",
    "client/public",
    "client/build",
    "client/index.html",
    "client/vite.config.ts",
    "client/tsconfig.json",
    "client/package-lock.json",
    "docs/openapi.json",
];

/// Node and npm, new enough.
pub struct Node;

impl Node {
    /// Asks both who they are.
    pub fn find() -> Result<Self> {
        let version = answer_of("node")?;
        answer_of("npm")?;
        let mut numbers = version.trim_start_matches('v').split('.').map(|number| number.parse().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < LOWEST {
            bail!("`node` is {version}. {ADVICE}");
        }
        Ok(Self)
    }

    /// Installs the client's packages when others are locked than were installed; otherwise the network is not asked.
    pub fn install(&self) -> Result<()> {
        let locked = fs::read_to_string(client().join("package-lock.json")).context("client/package-lock.json")?;
        // `npm ci` removes the folder first, and this with it.
        let stamp = client().join("node_modules/.installed-lock.json");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == locked) {
            return Ok(());
        }
        succeed(npm().args(["ci", "--no-audit", "--no-fund"]))?;
        Ok(fs::write(stamp, locked)?)
    }

    /// Builds the client when its sources changed since it was built, so that the program which carries it is not linked
    /// anew each time.
    pub fn build(&self) -> Result<()> {
        self.install()?;
        let built = newest(&client().join("dist/index.html")).ok();
        let changed = SOURCES.iter().map(|source| newest(&root().join(source))).collect::<io::Result<Vec<_>>>()?;
        if built.is_some_and(|built| changed.iter().all(|changed| *changed < built)) {
            return Ok(());
        }
        succeed(&mut self.script("build"))
    }

    /// A script of `client/package.json`, printing plain text.
    pub fn script(&self, name: &str) -> Command {
        let mut command = npm();
        command.args(["run", "--silent", name]).env("NO_COLOR", "1").env_remove("FORCE_COLOR");
        command
    }
}

fn client() -> PathBuf {
    root().join("client")
}

fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(client());
    command
}

fn answer_of(program: &str) -> Result<String> {
    let output = Command::new(program).arg("--version").stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("`{program}` cannot be started. {ADVICE}"))?;
    if !output.status.success() {
        bail!("`{program} --version` failed. {ADVICE}");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// When a file, or anything in a folder, last changed. A folder changes when something in it goes.
fn newest(path: &Path) -> io::Result<SystemTime> {
    let metadata = fs::metadata(path)?;
    let mut latest = metadata.modified()?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            latest = latest.max(newest(&entry?.path())?);
        }
    }
    Ok(latest)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().context("npm cannot be started")?;
    if !status.success() {
        bail!("the browser client does not build; what npm said stands above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_the_client_is_there() {
        for source in SOURCES {
            assert!(newest(&root().join(source)).is_ok(), "{source} is gone; name what replaced it");
        }
    }
}
