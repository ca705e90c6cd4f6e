//! What the author's workspace holds: its content hash and its requirements.

use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The parts of a workspace that make a bundle (design section 6, "Bundle").
const PARTS: [&str; 4] = ["workflows", "options", "shared", "requirements.txt"];

/// The bundle in a workspace folder.
#[derive(Debug, Clone)]
pub(super) struct Bundle {
    /// The workspace, absolute, links resolved.
    pub workspace: PathBuf,
    /// SHA-256 over sorted relative paths and contents, hexadecimal.
    pub hash: String,
    /// The text of `requirements.txt`, if it asks for anything.
    pub requirements: Option<String>,
}

impl Bundle {
    /// Reads the workspace.
    ///
    /// # Errors
    /// When the folder or a file of it cannot be read.
    pub fn read(workspace: &Path) -> io::Result<Self> {
        let workspace = workspace.canonicalize()?;
        fs::read_dir(&workspace)?;
        let mut files = Vec::new();
        for part in PARTS {
            collect(&workspace.join(part), &mut files)?;
        }
        files.sort();
        let mut hash = Sha256::new();
        for file in &files {
            let name = file.strip_prefix(&workspace).unwrap_or(file).to_string_lossy();
            let content = fs::read(file)?;
            // Lengths keep `a` + `bc` and `ab` + `c` apart.
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name.as_bytes());
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(&content);
        }
        let requirements = match fs::read_to_string(workspace.join("requirements.txt")) {
            Ok(text) => Some(text).filter(|text| asks_for_something(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { workspace, hash: super::hex(&hash.finalize()), requirements })
    }
}

fn asks_for_something(requirements: &str) -> bool {
    requirements.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if kind.is_file() {
        files.push(path.to_owned());
    } else if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            let ignored = name.to_string_lossy().starts_with('.') || name == "__pycache__";
            // A linked folder may lead back to itself; a linked file is read like any other.
            let looping = entry.file_type()?.is_symlink() && entry.path().is_dir();
            if !ignored && !looping {
                collect(&entry.path(), files)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn the_hash_follows_content_and_names_and_ignores_caches_and_hidden_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "workflows/a.py", "one");
        let first = Bundle::read(root).expect("read").hash;

        write(root, "workflows/__pycache__/a.pyc", "noise");
        write(root, "workflows/.a.py.swp", "noise");
        write(root, "README.md", "noise");
        assert_eq!(Bundle::read(root).expect("read").hash, first);

        write(root, "shared/b.py", "two");
        let second = Bundle::read(root).expect("read").hash;
        assert_ne!(second, first);
        fs::rename(root.join("shared/b.py"), root.join("shared/c.py")).expect("renamed");
        assert_ne!(Bundle::read(root).expect("read").hash, second);
    }

    #[test]
    fn requirements_of_comments_only_ask_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "requirements.txt", "# later\n\n");
        assert_eq!(Bundle::read(folder.path()).expect("read").requirements, None);
    }
}
