//! The virtual environment a bundle's `requirements.txt` asks for: built once per lock, never at run time.

use super::{copies::Bundle, python::Python};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// How long creating the environment and downloading may take together.
const BUILD_WITHIN: Duration = Duration::from_secs(600);
/// Lines of the installer shown to the author.
const SHOWN_LINES: usize = 8;
/// Parts of names of settings that hold secrets; the installer's own `PIP_...` and proxies are needed and stay.
const SECRET_NAMES: [&str; 7] = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "_KEY", "CONNECTIONSTRING", "CREDENTIAL"];

/// The folder of installed packages for this bundle of `workspace`, built if it is not there yet.
///
/// # Errors
/// What to tell the author: the installer's last lines.
pub(super) async fn site_packages(
    bundle: &Bundle,
    workspace: &Path,
    python: &Python,
    engine_dir: &Path,
) -> Result<Option<PathBuf>, String> {
    let Some(target) = target(bundle, python, engine_dir) else { return Ok(None) };
    if target.is_dir() {
        return Ok(Some(packages(&target, python)));
    }
    let home = engine_dir.join("environments");
    fs::create_dir_all(&home).map_err(|error| format!("{} cannot be written: {error}", home.display()))?;
    // Built aside and renamed: what stands under the hash is complete. Scripts in `bin` keep the old path, so
    // only `site-packages` is handed to workers.
    let aside = tempfile_in(&home);
    let built = tokio::time::timeout(BUILD_WITHIN, build(bundle, workspace, python, &aside))
        .await
        .unwrap_or_else(|_| Err(format!("the packages were not installed within {} s", BUILD_WITHIN.as_secs())));
    let settled = built.and_then(|()| match fs::rename(&aside, &target) {
        Err(error) if !target.is_dir() => Err(format!("{} cannot be written: {error}", target.display())),
        _ => Ok(()),
    });
    let _ = fs::remove_dir_all(&aside);
    settled.map(|()| Some(packages(&target, python)))
}

/// The folder of installed packages, if it was built before.
///
/// # Errors
/// What to tell the author when it was not.
pub(super) fn existing(bundle: &Bundle, python: &Python, engine_dir: &Path) -> Result<Option<PathBuf>, String> {
    match target(bundle, python, engine_dir) {
        None => Ok(None),
        Some(target) if target.is_dir() => Ok(Some(packages(&target, python))),
        Some(_) => Err("the packages are not installed, and this server may not install any".to_owned()),
    }
}

fn target(bundle: &Bundle, python: &Python, engine_dir: &Path) -> Option<PathBuf> {
    let mut hash = Sha256::new();
    hash.update(bundle.requirements.as_ref()?.as_bytes());
    hash.update([0]);
    hash.update(python.version.as_bytes());
    Some(engine_dir.join("environments").join(&super::hex(&hash.finalize())[..32]))
}

fn packages(root: &Path, python: &Python) -> PathBuf {
    root.join("lib").join(&python.library).join("site-packages")
}

fn tempfile_in(home: &Path) -> PathBuf {
    home.join(format!(".new-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple()))
}

async fn build(bundle: &Bundle, workspace: &Path, python: &Python, aside: &Path) -> Result<(), String> {
    let mut venv = Command::new(&python.executable);
    venv.args(["-I", "-m", "venv"]).arg(aside);
    run(venv, "the virtual environment cannot be made (is the `venv` module installed?)").await?;
    let mut pip = Command::new(aside.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r"])
        .arg(bundle.folder.join("requirements.txt"))
        // Paths of packages in it are meant from where the author's file is.
        .current_dir(workspace);
    run(pip, "the packages cannot be installed").await
}

async fn run(mut command: Command, what: &str) -> Result<(), String> {
    for (name, _) in std::env::vars_os() {
        if is_withheld(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    let output = command
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    let lines: Vec<&str> = words.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Err(format!("{what}: {}", lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")))
}

/// Whether a setting of the host is none of the installer's business.
fn is_withheld(name: &str) -> bool {
    let upper = name.to_uppercase();
    let needed = upper.starts_with("PIP_") || upper.ends_with("_PROXY");
    !needed
        && (upper.starts_with("MSP_")
            || upper.starts_with("AZURE")
            || upper.starts_with("KEYVAULT")
            || SECRET_NAMES.iter().any(|part| upper.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installer_gets_proxies_and_its_own_settings_but_no_secrets() {
        for name in ["MSP_MASTER_KEY_FILE", "AzureAd__ClientSecret", "TableStorageConnectionString", "GITHUB_TOKEN"] {
            assert!(is_withheld(name), "{name}");
        }
        for name in ["PATH", "HOME", "PIP_INDEX_URL", "HTTPS_PROXY", "PIP_KEYRING_PROVIDER"] {
            assert!(!is_withheld(name), "{name}");
        }
    }
}
