//! The Python that runs workers and Python checks, and the virtual environment of the checks.

use crate::workspace::{root, scratch};
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The files that say what the Python checks need.
const REQUIREMENTS: [&str; 2] = ["sdk/python/requirements-dev.txt", "workflows/requirements.txt"];

/// The lowest Python that authors and workers may rely on.
const LOWEST: (u32, u32) = (3, 11);

/// An interpreter that is new enough and can make virtual environments.
pub struct Python {
    /// The executable itself, not a shim in front of it.
    pub executable: PathBuf,
    version: String,
}

impl Python {
    /// Asks `MSP_PYTHON`, or else `python3`, who it is.
    pub fn find() -> Result<Self> {
        let name = env::var("MSP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let advice = "Python 3.11 or newer with `venv` is needed: sudo apt install python3 python3-venv \
                      (another one is chosen with MSP_PYTHON=/path/to/python3)";
        let question = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1], sys.version.split()[0], \
                        sys.executable, sep='\\n')";
        let output = Command::new(&name)
            .args(["-c", question])
            .output()
            .with_context(|| format!("`{name}` cannot be started. {advice}"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("`{name}` is not usable: {}. {advice}", words.lines().last().unwrap_or("it failed"));
        }
        let answer = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = answer.lines().collect();
        let [major, minor, version, executable] = lines[..] else {
            bail!("`{name}` did not answer like a Python interpreter. {advice}");
        };
        if (major.parse().unwrap_or(0), minor.parse().unwrap_or(0)) < LOWEST {
            bail!("`{name}` is Python {version}. {advice}");
        }
        Ok(Self { executable: executable.into(), version: version.to_owned() })
    }

    /// The virtual environment holding everything the checks need.
    pub fn environment(&self) -> Result<Environment> {
        self.install("python", &REQUIREMENTS, |environment| {
            // The Rust tests let the server install these; from this folder it can do so without a network.
            let mut download = environment.python();
            download.args(["-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--dest"]);
            succeed(download.arg(&environment.wheels).args(["-r", REQUIREMENTS[1]]))
        })
    }

    /// A virtual environment of this name, holding what these files require.
    pub fn packages(&self, name: &str, requirements: &[&str]) -> Result<Environment> {
        self.install(name, requirements, |_| Ok(()))
    }

    /// Makes an environment anew when interpreter or requirements changed; otherwise it is used as it is, without asking
    /// the network.
    fn install(
        &self,
        name: &str,
        requirements: &[&str],
        complete: impl FnOnce(&Environment) -> Result<()>,
    ) -> Result<Environment> {
        let home = scratch().join(name);
        let environment = Environment { bin: home.join("venv/bin"), wheels: home.join("wheels") };
        let mut wanted = format!("{} {}\n", self.version, self.executable.display());
        for file in requirements {
            wanted += &fs::read_to_string(root().join(file)).with_context(|| format!("{file} cannot be read"))?;
        }
        let stamp = home.join("installed.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(environment);
        }
        if home.exists() {
            fs::remove_dir_all(&home).context("the old environment cannot be removed")?;
        }
        fs::create_dir_all(&home)?;
        succeed(Command::new(&self.executable).args(["-m", "venv"]).arg(home.join("venv")))?;
        let mut install = environment.python();
        install.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]);
        for file in requirements {
            install.arg("-r").arg(file);
        }
        succeed(&mut install)?;
        complete(&environment)?;
        fs::write(&stamp, wanted)?;
        Ok(environment)
    }
}

/// A virtual environment.
pub struct Environment {
    bin: PathBuf,
    /// The packages the example workspace requires, as files.
    pub wheels: PathBuf,
}

impl Environment {
    /// Where its Python is.
    pub fn executable(&self) -> PathBuf {
        self.bin.join("python")
    }

    /// Its Python, in the repository's root.
    pub fn python(&self) -> Command {
        let mut command = Command::new(self.executable());
        command.current_dir(root());
        command
    }

    /// A program that one of its packages installed, in the repository's root.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(root());
        command
    }

    /// One of its modules as a program.
    pub fn module(&self, name: &str) -> Command {
        let mut command = self.python();
        command.args(["-m", name]);
        command
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("failed ({status}): {program} {}", arguments.join(" "));
    }
    Ok(())
}
