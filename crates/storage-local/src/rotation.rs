//! Another master key, in three steps of which each may be the last: the new key lies beside the old one; every secret
//! is sealed with it in one transaction; it takes the place of the old one. Between the second and the third the key
//! file does not fit the database, and whoever opens the folder finishes what was begun.

use crate::master_key::MasterKey;
use crate::sqlite::{SqliteTables, rewrite};
use crate::{EngineLock, OpenError, lock_engine, secrets};
use msp_storage::{StoreError, Table, TableWrite};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long a rotation takes from its commit to its end, with much to spare; whoever opens the folder just then waits.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Why the master key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// A secret would be lost.
    #[error(
        "the secret `{row}` of {scope} does not open with the present key, so nothing was changed; set it again or \
         delete it, then change the key"
    )]
    Unreadable {
        /// Its partition.
        scope: String,
        /// Its row.
        row: String,
    },
    /// The store failed.
    #[error("the secrets could not be written, and the old key stays: {0}")]
    Store(#[from] StoreError),
    /// A key file could not be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A rotation whose new key is on disk and not in use yet.
#[derive(Debug)]
pub struct KeyRotation<'a> {
    database: PathBuf,
    key_file: PathBuf,
    old: MasterKey,
    new: MasterKey,
    /// No engine runs meanwhile, and no other rotation.
    _lock: &'a EngineLock,
}

impl<'a> KeyRotation<'a> {
    /// Puts a new key beside the old one. What an earlier attempt left there was never used, and goes.
    ///
    /// # Errors
    /// [`OpenError::KeyWrong`], or the folder of the key cannot be written to.
    pub fn begin(data: &Path, master_key_file: Option<&Path>, lock: &'a EngineLock) -> Result<Self, OpenError> {
        let key_file = master_key_file.map_or_else(|| data.join("master.key"), Path::to_owned);
        // Through links: they stay what they are.
        let key_file = fs::canonicalize(&key_file).map_err(OpenError::io(&key_file))?;
        let database = data.join("msp.db");
        let old = MasterKey::read(&key_file)?.ok_or_else(|| OpenError::KeyMissing { path: key_file.clone() })?;
        if !fits(Some(&old), SqliteTables::peek_key_check(&database)?.as_ref()) {
            return Err(OpenError::KeyWrong { path: key_file });
        }
        let next = next_to(&key_file);
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&next)(error)),
            _ => {}
        }
        let new = MasterKey::random().map_err(OpenError::io(&next))?;
        new.write(&next)?;
        Ok(Self { database, key_file, old, new, _lock: lock })
    }

    /// Seals every secret with the new key, in one transaction with the audit row; answers how many there are.
    ///
    /// # Errors
    /// [`RotationError::Unreadable`] names a secret that the old key does not open; nothing was changed then.
    pub fn commit(&self, audit: TableWrite) -> Result<usize, RotationError> {
        let change = |row| {
            secrets::reseal(&row, &self.old, &self.new)?
                .ok_or(RotationError::Unreadable { scope: row.partition_key, row: row.row_key })
        };
        let rows = rewrite::every_row(&self.database, Table::Secrets, change, audit);
        if matches!(rows, Err(RotationError::Unreadable { .. })) {
            // Nothing was sealed with it. After any other error that is not certain.
            let _ = fs::remove_file(next_to(&self.key_file));
        }
        let rows = rows?;
        // One of them is the check of the key itself.
        Ok(rows.saturating_sub(1))
    }

    /// Puts the new key in the place of the old one, which then is nowhere any more.
    ///
    /// # Errors
    /// What the file system says; whoever opens the folder next does it then.
    pub fn finish(self) -> Result<(), OpenError> {
        take_place(&self.key_file)
    }
}

/// The key in a file and the check in the database. Where they do not fit because a rotation was interrupted between
/// its commit and its end, it is ended first.
pub(crate) fn key_and_check(data: &Path, key_file: &Path) -> Result<(Option<MasterKey>, Option<String>), OpenError> {
    let database = data.join("msp.db");
    let look = || -> Result<_, OpenError> {
        let key = MasterKey::read(key_file)?;
        let check = if database.exists() { SqliteTables::peek_key_check(&database)? } else { None };
        Ok((key, check))
    };
    let resolved = fs::canonicalize(key_file).unwrap_or_else(|_| key_file.to_owned());
    let mut waited = Duration::ZERO;
    loop {
        let begun = next_to(&resolved).exists();
        let (key, check) = look()?;
        if check.is_none() || fits(key.as_ref(), check.as_ref()) || !begun || waited >= PATIENCE {
            return Ok((key, check));
        }
        match lock_engine(data) {
            // Nobody else ends it, and no other rotation begins.
            Ok(_lock) => {
                let next = MasterKey::read(&next_to(&resolved))?;
                let (key, check) = look()?;
                if !fits(key.as_ref(), check.as_ref()) && fits(next.as_ref(), check.as_ref()) {
                    take_place(&resolved)?;
                }
                return look();
            }
            // It is being ended right now.
            Err(OpenError::EngineRunning { .. }) => {
                thread::sleep(LOOK_EVERY);
                waited += LOOK_EVERY;
            }
            Err(error) => return Err(error),
        }
    }
}

fn fits(key: Option<&MasterKey>, check: Option<&String>) -> bool {
    key.zip(check).is_some_and(|(key, check)| secrets::key_fits(key, check))
}

fn next_to(key_file: &Path) -> PathBuf {
    let mut name = key_file.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

fn take_place(key_file: &Path) -> Result<(), OpenError> {
    let folder = key_file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::rename(next_to(key_file), key_file)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(OpenError::io(key_file))
}
