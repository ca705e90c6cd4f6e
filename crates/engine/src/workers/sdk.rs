//! The Python SDK the binary carries, laid out where workers can import it.

use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
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
    for (name, content) in FILES {
        let path = aside.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)?;
    }
    match fs::rename(&aside, &target) {
        Err(_) if target.is_dir() => {
            fs::remove_dir_all(&aside)?;
            Ok(target)
        }
        renamed => renamed.map(|()| target),
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
