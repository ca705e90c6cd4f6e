//! Backups: a copy of the database and the blobs with a list of what belongs to it, and the way back.
//!
//! The list (`manifest.json`) is written last, so a folder without it is no backup. The master key is never part of
//! one: whoever finds a backup cannot read its secrets.

mod copying;
mod manifest;
pub(crate) mod restore;
mod write;

pub use manifest::Manifest;
pub use restore::{Restore, Restoring};
pub use write::{NewBackup, Written};

use crate::OpenError;
use std::io;
use std::path::{Path, PathBuf};

/// The database in a data folder and in a backup.
const DATABASE: &str = "msp.db";
/// The folder of blobs in a data folder and in a backup.
const BLOBS: &str = "blobs";

/// Why a backup was not made or not restored. Each sentence says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder to be filled has something in it.
    #[error("{path} is not empty; name a new folder, so that nothing is overwritten or mixed")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A backup in the folder it protects would be lost with it.
    #[error("{target} lies in the data folder {data}, and would be lost with it; name a folder elsewhere")]
    Inside {
        /// Where the backup was to go.
        target: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// The folder holds no complete backup.
    #[error("{backup} has no manifest.json: it holds no backup, or one that was interrupted; use another backup")]
    NoBackup {
        /// The folder.
        backup: PathBuf,
    },
    /// The manifest is not one this program writes.
    #[error("{path} is not the manifest of a backup ({reason}); use another backup")]
    ManifestInvalid {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The backup was made by a newer version.
    #[error("{backup} was made by msp {program}, which is newer than this version can read; use that version of msp")]
    TooNew {
        /// The backup.
        backup: PathBuf,
        /// The version that made it.
        program: String,
    },
    /// A file of the backup is not there.
    #[error("{path} belongs to the backup and is missing; use another backup")]
    FileMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file of the backup is not what was backed up.
    #[error(
        "{path} is not the file that was backed up: its size or SHA-256 differs from manifest.json; use another backup"
    )]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("{path} is damaged ({fault}); restore an earlier backup")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite found first.
        fault: String,
    },
    /// Not every name can be handed to SQLite.
    #[error("{path} is not readable as text (UTF-8); name another folder")]
    Unreadable {
        /// The path.
        path: PathBuf,
    },
    /// The installation could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file system refused something.
    #[error("{path}: {cause}")]
    Io {
        /// What was to be used.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// SQLite refused something.
    #[error("{path} cannot be used: {cause}")]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
}

impl BackupError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), cause }
    }

    pub(crate) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |cause| Self::Database { path: path.to_owned(), cause }
    }
}
