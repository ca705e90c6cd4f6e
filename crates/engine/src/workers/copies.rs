//! Immutable copies of the workspace, one per content: workers import these, so that a file saved later never runs
//! under the name of an earlier bundle.

use super::bundle::{MOST_BYTES, Source, Workspace};
use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// `engine_dir/bundles`: a copy stands under its hash for as long as somebody uses it.
pub(super) struct Copies {
    home: PathBuf,
    users: Mutex<HashMap<String, usize>>,
}

/// A copy of the workspace as it was at one moment. The last user of a copy removes it.
pub(super) struct Bundle {
    /// Where it stands.
    pub folder: PathBuf,
    /// SHA-256 over sorted relative paths and contents, hexadecimal.
    pub hash: String,
    /// The files in it, by their path below the workspace, and whether each holds more than white space.
    pub files: BTreeMap<String, bool>,
    /// Whether `requirements.txt` asks for anything, and what.
    pub requirements: Option<String>,
    copies: Arc<Copies>,
}

impl Copies {
    /// The copies of this engine folder, which one engine uses at a time: what is left of an earlier one is removed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(engine_dir: &Path) -> io::Result<Arc<Self>> {
        let home = engine_dir.join("bundles");
        match fs::remove_dir_all(&home) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&home)?,
        }
        // Workers may have another uid: they pass through, and list nothing.
        fs::set_permissions(&home, fs::Permissions::from_mode(0o711))?;
        Ok(Arc::new(Self { home, users: Mutex::default() }))
    }

    /// Copies the workspace as it is now, unless this very content stands already. Blocks.
    ///
    /// # Errors
    /// When it cannot be read, is far too large, or the copy cannot be written.
    pub fn take(self: &Arc<Self>, workspace: &Workspace) -> io::Result<Bundle> {
        let aside = self.home.join(format!(".new-{}", uuid::Uuid::new_v4().simple()));
        let taken = self.copy(workspace, &aside).and_then(|(hash, files)| self.settle(&aside, hash, files));
        // What was renamed is not there any more.
        let _ = fs::remove_dir_all(&aside);
        taken
    }

    /// Copies and hashes in one reading, so that the hash is the copy's whatever is written meanwhile.
    fn copy(&self, workspace: &Workspace, aside: &Path) -> io::Result<(String, BTreeMap<String, bool>)> {
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true).mode(0o755);
        folders.create(aside)?;
        open_folder(aside)?;
        let mut hash = Sha256::new();
        let mut files = BTreeMap::new();
        let mut room = MOST_BYTES;
        for Source { name, path } in workspace.sources()? {
            let at_fault = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
            let (content, is_program) = match read(&path, room) {
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read.map_err(at_fault)?,
            };
            room -= content.len() as u64;
            // Lengths keep `a` + `bc` and `ab` + `c` apart.
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name.as_bytes());
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(&content);
            let target = aside.join(&name);
            let mut missing = target.parent().unwrap_or(aside);
            folders.create(missing)?;
            while missing != aside {
                open_folder(missing)?;
                missing = missing.parent().unwrap_or(aside);
            }
            fs::write(&target, &content)?;
            fs::set_permissions(&target, fs::Permissions::from_mode(if is_program { 0o555 } else { 0o444 }))?;
            files.insert(name, !content.trim_ascii().is_empty());
        }
        Ok((super::hex(&hash.finalize()), files))
    }

    fn settle(self: &Arc<Self>, aside: &Path, hash: String, files: BTreeMap<String, bool>) -> io::Result<Bundle> {
        let requirements = match fs::read_to_string(aside.join("requirements.txt")) {
            Ok(text) => Some(text).filter(|text| asks_for_something(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io::Error::new(error.kind(), format!("requirements.txt: {error}"))),
        };
        let folder = self.home.join(&hash);
        // Held while files move: a copy is never taken up while its last user removes it.
        let mut users = super::lock(&self.users);
        let count = users.entry(hash.clone()).or_default();
        if *count == 0 {
            // What an earlier removal could not finish.
            let _ = fs::remove_dir_all(&folder);
            fs::rename(aside, &folder)?;
        }
        *count += 1;
        drop(users);
        Ok(Bundle { folder, hash, files, requirements, copies: Arc::clone(self) })
    }
}

impl Bundle {
    /// Files that are still there, hold nothing, and held something in an earlier copy.
    pub fn emptied(&self, earlier: &Self) -> BTreeSet<&str> {
        let holds_nothing = self.files.iter().filter(|(_, holds_something)| !**holds_something);
        let names = holds_nothing.map(|(name, _)| name.as_str());
        names.filter(|name| earlier.files.get(*name) == Some(&true)).collect()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let mut users = super::lock(&self.copies.users);
        let left = users.get(&self.hash).copied().unwrap_or_default().saturating_sub(1);
        if left > 0 {
            users.insert(self.hash.clone(), left);
            return;
        }
        users.remove(&self.hash);
        // What cannot be removed now goes at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Readable for workers, whatever the server's umask says.
fn open_folder(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// A file's content and whether it is a program. Never through a link, which could be exchanged after the look at it.
fn read(path: &Path, room: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file =
        fs::OpenOptions::new().read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)?;
    let found = file.metadata()?;
    let mut content = Vec::new();
    (&mut file).take(room + 1).read_to_end(&mut content)?;
    if content.len() as u64 > room {
        return Err(io::Error::other(format!("the workspace holds more than {} MiB", MOST_BYTES >> 20)));
    }
    Ok((content, found.permissions().mode() & 0o111 != 0))
}

fn asks_for_something(requirements: &str) -> bool {
    requirements.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        copies: Arc<Copies>,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["workspace/workflows", "data/engine"] {
                fs::create_dir_all(folder.path().join(name)).expect("made");
            }
            let copies = Copies::open(&folder.path().join("data/engine")).expect("opened");
            Self { folder, copies }
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join("workspace").join(name), text).expect("written");
        }

        fn take(&self) -> Bundle {
            let root = self.folder.path();
            let workspace = Workspace::open(&root.join("workspace"), &root.join("data")).expect("a workspace");
            self.copies.take(&workspace).expect("copied")
        }

        fn standing(&self) -> usize {
            fs::read_dir(self.folder.path().join("data/engine/bundles")).expect("listed").count()
        }
    }

    #[test]
    fn a_copy_keeps_what_it_was_made_of_and_goes_with_its_last_user() {
        let place = Place::new();
        place.write("workflows/a.py", "one");
        let first = place.take();
        let same = place.take();
        assert_eq!((&first.hash, &first.folder), (&same.hash, &same.folder));
        place.write("workflows/a.py", "two");
        let second = place.take();
        assert_ne!(second.hash, first.hash);
        assert_eq!(fs::read_to_string(first.folder.join("workflows/a.py")).expect("read"), "one");
        assert_eq!(place.standing(), 2);

        drop(first);
        assert!(same.folder.join("workflows/a.py").is_file());
        drop(same);
        assert_eq!(place.standing(), 1);
        place.write("workflows/a.py", "one");
        assert_eq!(fs::read_to_string(place.take().folder.join("workflows/a.py")).expect("read"), "one");
        assert_eq!(place.standing(), 1);
    }

    #[test]
    fn requirements_of_comments_only_ask_for_nothing() {
        let place = Place::new();
        place.write("requirements.txt", "# later\n\n");
        assert_eq!(place.take().requirements, None);
    }
}
