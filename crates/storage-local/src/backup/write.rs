//! Making a backup while others read and write.

use super::manifest::{BackedUpFile, Manifest};
use super::{BLOBS, BackupError, DATABASE, copying};
use crate::blobs::is_plain;
use crate::sqlite::snapshot;
use crate::{OpenError, folder};
use chrono::{DateTime, Utc};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A backup about to be made: its folder is there, empty and private.
#[derive(Debug)]
pub struct NewBackup {
    data: PathBuf,
    target: PathBuf,
}

/// A backup that was made.
#[derive(Debug)]
pub struct Written {
    /// What it consists of.
    pub manifest: Manifest,
    /// Blobs that rows name and that were not in the data folder.
    pub lost_blobs: Vec<String>,
}

impl NewBackup {
    /// Makes the folder, unless there is an empty one.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`], [`BackupError::Inside`], or what the file system says.
    pub fn begin(data: &Path, target: &Path) -> Result<Self, BackupError> {
        if !data.join(DATABASE).exists() {
            return Err(OpenError::NoInstallation { data: data.to_owned() }.into());
        }
        let made = !target.exists();
        copying::create_folder(target).map_err(BackupError::io(target))?;
        let resolve = |path: &Path| fs::canonicalize(path).map_err(BackupError::io(path));
        let (data, resolved) = (resolve(data)?, resolve(target)?);
        if resolved.starts_with(&data) {
            if made {
                // A folder that turned out to be in the wrong place; one with something in it stays.
                let _ = fs::remove_dir(target);
            }
            return Err(BackupError::Inside { target: target.to_owned(), data });
        }
        if !copying::is_empty(target).map_err(BackupError::io(target))? {
            return Err(BackupError::NotEmpty { path: target.to_owned() });
        }
        Ok(Self { data, target: resolved })
    }

    /// Where it is being made.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes it: the database as it is at one moment, then the blobs, so that every blob a row names has been there
    /// before; blobs that come or go meanwhile do no harm. The manifest comes last. Blocks for as long as copying
    /// takes.
    ///
    /// # Errors
    /// [`BackupError`]; what was written until then is no backup.
    pub fn write(self, program: &str, now: DateTime<Utc>) -> Result<Written, BackupError> {
        let copy = self.target.join(DATABASE);
        folder::make_private_file(&copy)?;
        snapshot::copy(&self.data.join(DATABASE), &copy)?;
        if let Some(fault) = snapshot::faults(&copy).map_err(BackupError::database(&copy))?.into_iter().next() {
            return Err(BackupError::Damaged { path: self.data.join(DATABASE), fault });
        }
        fs::File::open(&copy).and_then(|file| file.sync_all()).map_err(BackupError::io(&copy))?;
        let mut files = vec![copying::describe(&copy, DATABASE).map_err(BackupError::io(&copy))?];
        copy_blobs(&self.data.join(BLOBS), &self.target.join(BLOBS), BLOBS, &mut files)?;
        let mut lost_blobs = Vec::new();
        let blobs = self.target.join(BLOBS);
        let look = |path: &str| {
            if !path.split('/').all(is_plain) || !blobs.join(path).exists() {
                lost_blobs.push(path.to_owned());
            }
        };
        snapshot::named_blobs(&copy, look).map_err(BackupError::database(&copy))?;
        copying::sync_folders(&self.target).map_err(BackupError::io(&self.target))?;
        let manifest = Manifest::new(program, now, files);
        manifest.write(&self.target)?;
        Ok(Written { manifest, lost_blobs })
    }
}

/// Copies every blob that is still there when its turn comes.
fn copy_blobs(from: &Path, to: &Path, path: &str, files: &mut Vec<BackedUpFile>) -> Result<(), BackupError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        // The library removes folders that became empty.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackupError::io(from)(error)),
    };
    copying::create_folder(to).map_err(BackupError::io(to))?;
    for entry in entries {
        let entry = entry.map_err(BackupError::io(from))?;
        let name = entry.file_name();
        // Not a blob but one that is being written, or something foreign.
        let Some(name) = name.to_str().filter(|name| is_plain(name)) else { continue };
        let (source, copy, path) = (from.join(name), to.join(name), format!("{path}/{name}"));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_blobs(&source, &copy, &path, files)?,
            Ok(kind) if kind.is_file() => match copying::copy(&source, &copy, &path) {
                Ok(file) => files.push(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !source.exists() => {}
                Err(error) => return Err(BackupError::io(&copy)(error)),
            },
            _ => {}
        }
    }
    Ok(())
}
