//! The way back: everything is put together in a folder inside the data folder and checked there. The database is moved
//! to its place last, so a data folder either holds a whole installation or says that it does not.

use super::manifest::{BackedUpFile, Manifest};
use super::{BLOBS, BackupError, DATABASE, copying};
use crate::folder;
use crate::master_key::MasterKey;
use crate::sqlite::SqliteTables;
use crate::{OpenError, secrets};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Where a restore works, in the data folder.
const STAGING: &str = "restoring";
const MASTER_KEY: &str = "master.key";

/// Refuses a folder in which a restore did not get to its end.
pub(crate) fn refuse_unfinished(data: &Path) -> Result<(), OpenError> {
    if data.join(STAGING).exists() && !data.join(DATABASE).exists() {
        return Err(OpenError::RestoreUnfinished { data: data.to_owned() });
    }
    Ok(())
}

/// A backup that may be restored: its manifest is readable and the data folder is empty.
#[derive(Debug)]
pub struct Restore {
    backup: PathBuf,
    data: PathBuf,
    manifest: Manifest,
}

/// A restore whose files are complete and right, but not in their place. Dropped without [`Restoring::finish`], it
/// leaves nothing behind.
#[derive(Debug)]
pub struct Restoring {
    data: PathBuf,
    staging: PathBuf,
    made: bool,
    finished: bool,
}

impl Restore {
    /// Looks at a backup and at where it is to go. Nothing is changed.
    ///
    /// # Errors
    /// [`BackupError::NoBackup`], [`BackupError::TooNew`], [`BackupError::ManifestInvalid`]; [`BackupError::NotEmpty`] for the data folder.
    pub fn read(backup: &Path, data: &Path) -> Result<Self, BackupError> {
        let manifest = Manifest::read(backup)?;
        refuse_unfinished(data)?;
        match copying::is_empty(data) {
            Ok(true) => {}
            Ok(false) => return Err(BackupError::NotEmpty { path: data.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::io(data)(error)),
        }
        Ok(Self { backup: backup.to_owned(), data: data.to_owned(), manifest })
    }

    /// What is restored.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Copies every file, checking each against the manifest, and checks that the key in `key_file` is the one of the
    /// database. With `keep_key` the key becomes `master.key` of the data folder. Blocks for as long as copying takes.
    ///
    /// # Errors
    /// [`BackupError::FileMissing`], [`BackupError::FileChanged`]; [`OpenError::KeyMissing`], [`OpenError::KeyWrong`]
    /// and others about the key. The data folder is then as it was.
    pub fn copy(&self, key_file: &Path, keep_key: bool) -> Result<Restoring, BackupError> {
        let key = MasterKey::read(key_file)?.ok_or_else(|| OpenError::KeyMissing { path: key_file.to_owned() })?;
        let restoring = Restoring::begin(&self.data)?;
        let staging = &restoring.staging;
        let (databases, blobs): (Vec<_>, Vec<_>) = self.manifest.files.iter().partition(|file| file.path == DATABASE);
        for file in databases {
            self.copy_file(staging, file)?;
        }
        let database = staging.join(DATABASE);
        let check = SqliteTables::peek_key_check(&database)?.unwrap_or_default();
        if !secrets::key_fits(&key, &check) {
            return Err(OpenError::KeyWrong { path: key_file.to_owned() }.into());
        }
        for file in blobs {
            self.copy_file(staging, file)?;
        }
        if keep_key {
            key.write(&staging.join(MASTER_KEY))?;
        }
        folder::prepare(staging, false)?;
        Ok(restoring)
    }

    fn copy_file(&self, staging: &Path, file: &BackedUpFile) -> Result<(), BackupError> {
        let (from, to) = (self.backup.join(&file.path), staging.join(&file.path));
        if let Some(folder) = to.parent() {
            copying::create_folder(folder).map_err(BackupError::io(folder))?;
        }
        let copied = match copying::copy(&from, &to, &file.path) {
            Ok(copied) => copied,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => {
                return Err(BackupError::FileMissing { path: from });
            }
            Err(error) => return Err(BackupError::io(&to)(error)),
        };
        if copied == *file { Ok(()) } else { Err(BackupError::FileChanged { path: from }) }
    }
}

impl Restoring {
    fn begin(data: &Path) -> Result<Self, BackupError> {
        let staging = data.join(STAGING);
        let made = !data.exists();
        let make = || {
            fs::create_dir_all(data)?;
            DirBuilder::new().mode(0o700).create(&staging)
        };
        match make() {
            Ok(()) => Ok(Self { data: data.to_owned(), staging, made, finished: false }),
            // Another restore was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(BackupError::NotEmpty { path: data.to_owned() })
            }
            Err(error) => Err(BackupError::io(&staging)(error)),
        }
    }

    /// A complete data folder, to be opened and set right before anybody else sees it.
    pub fn folder(&self) -> &Path {
        &self.staging
    }

    /// Moves everything to its place, the database last. Nobody may have the folder open any more.
    ///
    /// # Errors
    /// What the file system says; the folder is then refused as unfinished.
    pub fn finish(mut self) -> Result<(), BackupError> {
        let failed = BackupError::io(&self.data);
        let log = self.staging.join("msp.db-wal");
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(failed(io::Error::other("the restored database is still in use")));
        }
        if self.data.join(DATABASE).exists() {
            // Made by somebody who began before us.
            return Err(BackupError::NotEmpty { path: self.data.clone() });
        }
        // From here on what was copied is all there is, and is never removed.
        self.finished = true;
        folder::admit(&self.data)?;
        copying::sync_folders(&self.staging).map_err(&failed)?;
        for name in [BLOBS, "engine", MASTER_KEY, DATABASE] {
            match fs::rename(self.staging.join(name), self.data.join(name)) {
                Err(error) if name == MASTER_KEY && error.kind() == io::ErrorKind::NotFound => {}
                outcome => outcome.map_err(&failed)?,
            }
            // Before the next: the database must never be seen without what belongs to it.
            File::open(&self.data).and_then(|folder| folder.sync_all()).map_err(&failed)?;
        }
        fs::remove_dir_all(&self.staging).map_err(&failed)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let removed = fs::remove_dir_all(&self.staging).and_then(|()| match self.made {
            true => fs::remove_dir(&self.data),
            false => Ok(()),
        });
        if let Err(error) = removed {
            tracing::warn!(error = %error, folder = %self.staging.display(), "What a failed restore copied could not be removed");
        }
    }
}
