//! The Python SDK the binary carries, laid out where workers can import it.

use super::python::Python;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Every file of `sdk/python/msp_sdk`, by its path below `sdk/python` (see `build.rs`).
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));

/// Writes the SDK to `engine_dir/sdk/<content hash>` unless it is there, and says where that is.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn lay_out(engine_dir: &Path) -> io::Result<PathBuf> {
    let home = engine_dir.join("sdk");
    let target = home.join(content_hash());
    if target.is_dir() {
        return Ok(target);
    }
    fs::create_dir_all(&home)?;
    // Written aside and renamed: a half-written SDK is never found under its hash.
    let aside = home.join(format!(".new-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple()));
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true).mode(0o755);
    for (name, content) in FILES {
        let path = aside.join(name);
        if let Some(folder) = path.parent() {
            folders.create(folder)?;
        }
        fs::write(&path, content)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    match fs::rename(&aside, &target) {
        Err(_) if target.is_dir() => {
            fs::remove_dir_all(&aside)?;
            Ok(target)
        }
        renamed => renamed.map(|()| target),
    }
}

/// Compiles the SDK, which workers may not write, so that each starts sooner. Blocks; done once per SDK and Python.
pub(super) fn compile(sdk: &Path, python: &Python) {
    let done = sdk.join(format!("msp_sdk/__pycache__/__init__.{}.pyc", python.cache_tag));
    if done.is_file() {
        return;
    }
    let compiled = Command::new(&python.executable)
        .args(["-I", "-S", "-m", "compileall", "-q"])
        .arg(sdk)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !compiled.is_ok_and(|status| status.success()) {
        tracing::info!("The SDK could not be compiled ahead of time; workers start a little slower");
    }
}

fn content_hash() -> String {
    let mut hash = Sha256::new();
    for (name, content) in FILES {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    super::hex(&hash.finalize())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_laid_out_once_under_its_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = lay_out(folder.path()).expect("laid out");
        assert!(first.join("msp_sdk/py.typed").is_file());
        assert_eq!(lay_out(folder.path()).expect("found"), first);
        assert_eq!(fs::read_dir(folder.path().join("sdk")).expect("listed").count(), 1);
    }
}
