//! Opening a data folder.

use crate::backup::restore;
use crate::blobs::LocalBlobs;
use crate::folder;
use crate::master_key::MasterKey;
use crate::metrics::StoreMetrics;
use crate::queue::LocalQueue;
use crate::rotation;
use crate::secrets::{self, LocalSecrets};
use crate::sqlite::{SqliteTables, snapshot};
use msp_domain::Clock;
use msp_storage::repositories::Stores;
use msp_storage::{StoreError, TableStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a data folder cannot be used. Each sentence says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing was ever installed there, and making something was not asked for.
    #[error("there is no installation in {data}; start the server once, or name another folder with --data")]
    NoInstallation {
        /// The folder.
        data: PathBuf,
    },
    /// The key file is missing while the database holds secrets of its key.
    #[error(
        "the key file {path} is missing, but the database was made with one; restore it from a backup (a new key \
         could read none of the stored secrets)"
    )]
    KeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key is not the one the database was made with.
    #[error("the key in {path} is not the one this database was made with; restore the right key file from a backup")]
    KeyWrong {
        /// The key file.
        path: PathBuf,
    },
    /// Others can read the key.
    #[error("the key file {path} has mode {mode:03o}, so other users can read it; run: chmod 600 {path}")]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds no key.
    #[error("the key file {path} does not hold 32 bytes in base64; restore it from a backup")]
    KeyMalformed {
        /// The key file.
        path: PathBuf,
    },
    /// The database was written by a newer version.
    #[error("{path} has format {found}, this version knows formats up to {known}; use the newer version of msp")]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest this version knows.
        known: i64,
    },
    /// The file is no database of ours.
    #[error("{path} is not a database of this platform; name another folder with --data")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A restore began and did not end.
    #[error(
        "a restore into {data} was interrupted, so what is in it is not complete; remove what is in the folder and \
         restore again"
    )]
    RestoreUnfinished {
        /// The folder.
        data: PathBuf,
    },
    /// Another engine runs on the folder.
    #[error("another engine {}is running on {data}; stop it, or use another folder with --data", pid_text(*.pid))]
    EngineRunning {
        /// The folder.
        data: PathBuf,
        /// Its process, if known.
        pid: Option<u32>,
    },
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
    #[error("{path} cannot be opened: {cause}")]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
    /// The database opened, but could not be read or written.
    #[error("the store could not be prepared: {0}")]
    Store(#[from] StoreError),
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!("(process {pid}) "))
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), cause }
    }

    pub(crate) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |cause| Self::Database { path: path.to_owned(), cause }
    }
}

/// Which folder to open, and how.
#[derive(Clone)]
pub struct LocalOptions {
    /// The data folder.
    pub data: PathBuf,
    /// Where the master key is; `None`: `master.key` in the data folder.
    pub master_key_file: Option<PathBuf>,
    /// Whether to make what is missing. Without it, a folder without installation is refused.
    pub create: bool,
    /// Tells the queue the time.
    pub clock: Arc<dyn Clock>,
}

/// An open data folder. When the last user of its stores is gone, what was queued is written and the write-ahead log
/// emptied.
pub struct LocalHome {
    /// The four stores.
    pub stores: Stores,
    /// The master key, to derive others from.
    pub master_key: MasterKey,
    /// What the store counts.
    pub metrics: StoreMetrics,
}

impl LocalHome {
    /// What SQLite finds wrong with the database, before anything else reads it; nothing if it is sound.
    ///
    /// # Errors
    /// [`OpenError::NoInstallation`], or the file cannot be read.
    pub async fn faults(data: &Path) -> Result<Vec<String>, OpenError> {
        let database = data.join("msp.db");
        if !database.exists() {
            return Err(OpenError::NoInstallation { data: data.to_owned() });
        }
        let check = move || snapshot::faults(&database).map_err(OpenError::database(&database));
        tokio::task::spawn_blocking(check).await.map_err(|error| OpenError::Store(StoreError::unavailable(error)))?
    }

    /// Opens a data folder.
    ///
    /// # Errors
    /// [`OpenError`]. With a missing, wrong or exposed key nothing is written.
    pub async fn open(options: LocalOptions) -> Result<Self, OpenError> {
        tokio::task::spawn_blocking(move || Self::open_blocking(&options))
            .await
            .map_err(|error| OpenError::Store(StoreError::unavailable(error)))?
    }

    fn open_blocking(options: &LocalOptions) -> Result<Self, OpenError> {
        let data = &options.data;
        let database = data.join("msp.db");
        restore::refuse_unfinished(data)?;
        let key_file = options.master_key_file.clone().unwrap_or_else(|| data.join("master.key"));
        let (key, check) = rotation::key_and_check(data, &key_file)?;
        let master_key = match (key, check) {
            (Some(key), Some(check)) if !secrets::key_fits(&key, &check) => {
                return Err(OpenError::KeyWrong { path: key_file });
            }
            (Some(key), _) => {
                folder::prepare(data, options.create)?;
                key
            }
            (None, Some(_)) => return Err(OpenError::KeyMissing { path: key_file }),
            (None, None) => {
                folder::prepare(data, options.create)?;
                MasterKey::create(&key_file)?
            }
        };
        folder::make_private_file(&database)?;
        let tables = SqliteTables::open(&database)?;
        // Another process may have been first, with another key file.
        let check = tables.keep_key_check(&secrets::key_check(&master_key)?)?;
        if !secrets::key_fits(&master_key, &check) {
            return Err(OpenError::KeyWrong { path: key_file });
        }
        let metrics = tables.metrics();
        let tables: Arc<dyn TableStore> = Arc::new(tables);
        let stores = Stores {
            blobs: Arc::new(LocalBlobs::open(&data.join("blobs"))?),
            secrets: Arc::new(LocalSecrets::new(Arc::clone(&tables), &master_key)),
            queue: Arc::new(LocalQueue::new(Arc::clone(&options.clock))),
            tables,
        };
        Ok(Self { stores, master_key, metrics })
    }
}
