//! `manifest.json`: what belongs to a backup.

use super::{BLOBS, BackupError, DATABASE};
use crate::blobs::is_plain;
use crate::sqlite::schema;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

const NAME: &str = "manifest.json";
/// The layout this version writes.
const FORMAT: u32 = 1;

/// What a backup is and consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of the backup.
    pub format: u32,
    /// The version of msp that made it.
    pub program: String,
    /// The format of its database.
    pub database_format: i64,
    /// The moment it shows.
    pub created_at: DateTime<Utc>,
    /// Its files.
    pub files: Vec<BackedUpFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUpFile {
    /// Its path in the backup, with `/`.
    pub path: String,
    /// How long it is.
    pub size_bytes: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// What can be told of any manifest, whatever its layout.
#[derive(Deserialize)]
struct Origin {
    format: u32,
    program: String,
}

impl Manifest {
    pub(super) fn new(program: &str, created_at: DateTime<Utc>, files: Vec<BackedUpFile>) -> Self {
        Self { format: FORMAT, program: program.to_owned(), database_format: schema::FORMAT, created_at, files }
    }

    /// Bytes of all files together.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// Writes it into a backup whose files are durable already: it appears whole or not at all.
    pub(super) fn write(&self, backup: &Path) -> Result<(), BackupError> {
        let (staged, path) = (backup.join("manifest.json.partial"), backup.join(NAME));
        let write = || -> io::Result<()> {
            let mut out = BufWriter::new(super::copying::create(&staged)?);
            serde_json::to_writer_pretty(&mut out, self)?;
            out.write_all(b"\n")?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(backup)?.sync_all()
        };
        write().map_err(BackupError::io(&path))
    }

    /// Reads and checks it.
    pub(super) fn read(backup: &Path) -> Result<Self, BackupError> {
        let path = backup.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::NoBackup { backup: backup.to_owned() });
            }
            Err(error) => return Err(BackupError::io(&path)(error)),
        };
        let invalid = |reason: String| BackupError::ManifestInvalid { path: path.clone(), reason };
        let text: Box<serde_json::value::RawValue> =
            serde_json::from_reader(BufReader::new(file)).map_err(|error| invalid(error.to_string()))?;
        let origin: Origin = serde_json::from_str(text.get()).map_err(|error| invalid(error.to_string()))?;
        let too_new = |program: &str| BackupError::TooNew { backup: backup.to_owned(), program: program.to_owned() };
        if origin.format > FORMAT {
            return Err(too_new(&origin.program));
        }
        let manifest: Self = serde_json::from_str(text.get()).map_err(|error| invalid(error.to_string()))?;
        if manifest.database_format > schema::FORMAT {
            return Err(too_new(&manifest.program));
        }
        if let Some(stray) = manifest.files.iter().find(|file| !belongs(&file.path)) {
            return Err(invalid(format!("it lists {:?}", stray.path)));
        }
        match manifest.files.iter().filter(|file| file.path == DATABASE).count() {
            1 => Ok(manifest),
            count => Err(invalid(format!("it lists {count} databases"))),
        }
    }
}

/// Whether a backup may have a file of this path. Nothing else is ever written to, whatever a manifest says.
fn belongs(path: &str) -> bool {
    path == DATABASE
        || path
            .strip_prefix(BLOBS)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|blob| blob.split('/').all(is_plain))
}
