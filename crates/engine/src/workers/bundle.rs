//! What of the author's workspace makes a bundle: which files, and a cheap sign that one of them has changed.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The server's own settings may lie beside the workflows; they are no part of them.
const SETTINGS_FILE: &str = "local.settings.json";
/// Tests never run on the platform: editing one changes nothing.
const TESTS: &str = "tests";
/// What tools leave behind.
const CACHES: [&str; 2] = ["__pycache__", "node_modules"];
/// More files than any workspace has. Beyond it, somebody named the wrong folder.
const MOST_FILES: usize = 20_000;
/// More than all files of a workspace together: a bundle is copied whole.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// One file of a bundle.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    /// Its path below the workspace.
    pub name: String,
    /// Where its content is: elsewhere in the workspace, if it is a link.
    pub path: PathBuf,
}

/// An author's workspace.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    /// Absolute, links resolved.
    pub root: PathBuf,
    /// The data folder, which may lie inside the workspace and is no part of it.
    data: PathBuf,
}

impl Workspace {
    /// A workspace beside, around or outside the data folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(root: &Path, data: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        fs::read_dir(&root)?;
        Ok(Self { root, data: data.to_owned() })
    }

    /// The files of the bundle, sorted by name: all but hidden ones, caches, tests, the server's settings and data,
    /// and links that lead out of the workspace or to what is left out.
    ///
    /// # Errors
    /// When a folder cannot be read, or there is too much of everything.
    pub fn sources(&self) -> io::Result<Vec<Source>> {
        let mut found = Vec::new();
        self.collect(&self.root, &mut found)?;
        found.sort();
        Ok(found)
    }

    /// A number that is another one as soon as a file was written, added, renamed or removed. Reads no content.
    ///
    /// # Errors
    /// As [`Self::sources`].
    pub fn sign(&self) -> io::Result<u64> {
        let mut sign = DefaultHasher::new();
        for Source { name, path } in self.sources()? {
            name.hash(&mut sign);
            match fs::metadata(&path) {
                // The time of the last change of the entry itself cannot be set back by tools that keep old times.
                Ok(found) => (found.ino(), found.size(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            .hash(&mut sign);
        }
        Ok(sign.finish())
    }

    fn collect(&self, folder: &Path, found: &mut Vec<Source>) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            // Removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != self.root => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if !self.belongs(&path) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                // A virtual environment of the author's.
                if !path.join("pyvenv.cfg").is_file() {
                    self.collect(&path, found)?;
                }
            } else if kind.is_file() {
                found.push(Source { name: self.name(&path), path });
            } else if kind.is_symlink()
                && let Ok(target) = path.canonicalize()
                && target.is_file()
                && self.belongs(&target)
            {
                // The server reads on behalf of authors: a link must not show them what is not theirs. Linked folders
                // may lead back to themselves.
                found.push(Source { name: self.name(&path), path: target });
            }
            if found.len() > MOST_FILES {
                return Err(io::Error::other(format!("it holds more than {MOST_FILES} files")));
            }
        }
        Ok(())
    }

    fn belongs(&self, path: &Path) -> bool {
        let Ok(inside) = path.strip_prefix(&self.root) else { return false };
        let is_part = |name: &str| !name.starts_with('.') && !CACHES.contains(&name);
        !path.starts_with(&self.data)
            && !inside.starts_with(TESTS)
            && inside != Path::new(SETTINGS_FILE)
            && inside.components().all(|part| is_part(&part.as_os_str().to_string_lossy()))
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    fn names(root: &Path) -> Vec<String> {
        let workspace = Workspace::open(root, &root.join("data")).expect("a workspace");
        workspace.sources().expect("listed").into_iter().map(|source| source.name).collect()
    }

    #[test]
    fn data_hidden_files_caches_tests_settings_and_links_out_are_no_part_of_a_bundle() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        for name in ["workflows/a.py", "workflows/tests/a.py", "templates/mail.txt", "requirements.txt"] {
            write(&root, name, "kept");
        }
        for name in [
            ".git/config",
            ".env",
            "data/master.key",
            "local.settings.json",
            "tests/test_a.py",
            "workflows/__pycache__/a.pyc",
            "workflows/.a.py.swp",
            "venv/pyvenv.cfg",
            "venv/lib/huge.py",
        ] {
            write(&root, name, "left out");
        }
        for (link, target) in [
            ("workflows/linked.py", "workflows/a.py"),
            ("workflows/key.py", "data/master.key"),
            ("workflows/env.py", ".env"),
            ("loop", "."),
        ] {
            std::os::unix::fs::symlink(root.join(target), root.join(link)).expect("linked");
        }
        std::os::unix::fs::symlink("/etc/hosts", root.join("hosts.txt")).expect("linked");
        assert_eq!(
            names(&root),
            ["requirements.txt", "templates/mail.txt", "workflows/a.py", "workflows/linked.py", "workflows/tests/a.py"]
        );
    }

    #[test]
    fn the_sign_changes_with_every_write_and_rename_and_only_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "workflows/a.py", "one");
        let workspace = Workspace::open(root, &root.join("data")).expect("a workspace");
        let sign = || workspace.sign().expect("looked");
        let first = sign();
        write(root, "tests/test_a.py", "noise");
        assert_eq!(sign(), first);
        write(root, "workflows/a.py", "three");
        let second = sign();
        assert_ne!(second, first);
        fs::rename(root.join("workflows/a.py"), root.join("workflows/b.py")).expect("renamed");
        assert_ne!(sign(), second);
    }
}
