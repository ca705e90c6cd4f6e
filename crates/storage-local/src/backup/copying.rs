//! Files and folders that only we can read, copied and hashed in one reading.

use super::manifest::BackedUpFile;
use aws_lc_rs::digest::{Context, SHA256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

const CHUNK: usize = 256 * 1024;

/// A new file.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A folder with those it lies in, where they are missing.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Copies a file, durably; answers what was copied.
pub(super) fn copy(from: &Path, to: &Path, path: &str) -> io::Result<BackedUpFile> {
    let mut source = File::open(from)?;
    let mut out = create(to)?;
    let file = read_through(&mut source, path, |chunk| out.write_all(chunk))?;
    out.sync_all()?;
    Ok(file)
}

/// What a file holds.
pub(super) fn describe(file: &Path, path: &str) -> io::Result<BackedUpFile> {
    read_through(&mut File::open(file)?, path, |_| Ok(()))
}

fn read_through(
    source: &mut File,
    path: &str,
    mut see: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<BackedUpFile> {
    let mut hash = Context::new(&SHA256);
    let mut size_bytes = 0;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        size_bytes += read as u64;
        see(&buffer[..read])?;
    }
    let sha256 = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(BackedUpFile { path: path.to_owned(), size_bytes, sha256 })
}

/// Makes the names in a folder, and in the folders in it, durable.
pub(super) fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Whether a folder holds nothing. What a file system puts into its root is nothing.
pub(super) fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}
