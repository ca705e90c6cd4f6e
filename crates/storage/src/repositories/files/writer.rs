//! Writing the bytes of a file: part after part, never more than one of them in memory.

use super::rows;
use crate::{BlobStore, StoreError};
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of a part. A download, and a worker that reads a file, hold one at a time.
pub const PART_BYTES: usize = 1024 * 1024;

/// Why bytes were not taken.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There are more than were announced, or than a file may have.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that is being written. Dropping it leaves a partial file behind, which has a row to be found by.
pub struct FileWriter {
    blobs: Arc<dyn BlobStore>,
    id: Uuid,
    limit: u64,
    waiting: BytesMut,
    parts: Vec<String>,
    size_bytes: u64,
    hash: Sha256,
}

/// What was written.
pub(in crate::repositories) struct Written {
    pub parts: Vec<String>,
    pub size_bytes: u64,
    pub sha256: String,
}

impl FileWriter {
    pub(super) fn new(blobs: Arc<dyn BlobStore>, id: Uuid, limit: u64) -> Self {
        let hash = Sha256::new();
        Self { blobs, id, limit, waiting: BytesMut::new(), parts: Vec::new(), size_bytes: 0, hash }
    }

    /// The id of the file.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Most bytes there may be.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Adds bytes; every full part is durable when this returns.
    ///
    /// # Errors
    /// [`WriteError::TooLarge`], and then the bytes were not taken; [`WriteError::Store`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let size = self.size_bytes.saturating_add(bytes.len() as u64);
        if size > self.limit {
            return Err(WriteError::TooLarge(self.limit));
        }
        self.size_bytes = size;
        self.hash.update(bytes);
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= PART_BYTES {
            let part = self.waiting.split_to(PART_BYTES).freeze();
            self.put(part).await?;
        }
        Ok(())
    }

    pub(in crate::repositories) async fn finish(mut self) -> Result<Written, StoreError> {
        if !self.waiting.is_empty() {
            let part = std::mem::take(&mut self.waiting).freeze();
            self.put(part).await?;
        }
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Written { parts: self.parts, size_bytes: self.size_bytes, sha256 })
    }

    async fn put(&mut self, part: Bytes) -> Result<(), StoreError> {
        let path = rows::path(self.id, self.parts.len());
        self.blobs.put(&path, part).await?;
        self.parts.push(path);
        Ok(())
    }
}
