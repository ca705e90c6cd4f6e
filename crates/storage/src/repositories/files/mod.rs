//! Files: uploads that wait for an execution (table `Uploads`, PK user) and the files of executions (table
//! `ExecutionFiles`, PK execution). Their bytes are blobs `files/{file}/{part:4}`, each part named by the row.
//!
//! A row is there before the first byte, as [`State::Partial`]: whatever interrupts the writing, what it left behind has a
//! row by which it is found and removed. What is removed becomes partial first, loses its blobs, and then its row.

mod of_executions;
mod rows;
mod uploads;
mod writer;

pub(in crate::repositories) use of_executions::taken;
pub use of_executions::{ExecutionFile, FileSource, MAX_FILES, MAX_TOTAL_BYTES, NewOutput, OutputError};
pub(in crate::repositories) use rows::{FOLDER, State, file_of_path, path as part_path};
pub(in crate::repositories) use uploads::check_upload;
pub use uploads::{KEPT, MAX_WAITING, MAX_WAITING_BYTES, NewUpload, TakenUpload, Upload, UploadError};
pub use writer::{FileWriter, PART_BYTES, WriteError};

use super::{Journal, Stores};
use crate::{BlobStore, StoreError};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use uuid::Uuid;

/// Uploads and the files of executions.
#[derive(Clone)]
pub struct Files {
    journal: Journal,
    blobs: Arc<dyn BlobStore>,
}

/// A file on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What whoever sent it says it is.
    pub content_type: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// The blobs of its bytes, in order; each but the last holds [`PART_BYTES`].
    pub parts: Vec<String>,
}

impl Files {
    pub(super) fn new(journal: Journal, stores: &Stores) -> Self {
        Self { journal, blobs: Arc::clone(&stores.blobs) }
    }

    /// A part of a file.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the file has no such part; [`StoreError::Corrupt`] when its blob is gone.
    pub async fn part(&self, file: &StoredFile, part: usize) -> Result<Bytes, StoreError> {
        let path = file.parts.get(part).ok_or(StoreError::NotFound)?;
        self.blobs.get(path).await?.ok_or_else(|| StoreError::Corrupt(format!("{path} is gone")))
    }

    /// Writes the bytes of a file that may be of any size and whose row is another repository's.
    pub(in crate::repositories) fn unlimited_writer(&self, id: Uuid) -> FileWriter {
        FileWriter::new(self.blobs.clone(), id, u64::MAX)
    }

    /// Removes every byte of a file.
    pub(in crate::repositories) async fn remove_parts(&self, id: Uuid) -> Result<(), StoreError> {
        for path in self.blobs.list(&format!("{}{id}/", rows::FOLDER)).await? {
            self.blobs.delete(&path).await?;
        }
        Ok(())
    }

    /// An id whose time is now, so that lists by id are lists by age.
    fn new_id(&self) -> Uuid {
        msp_domain::ExecutionId::at(self.journal.clock.now()).as_uuid()
    }
}
