//! Blobs as files of a folder.

use crate::OpenError;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _, future};
use msp_storage::{BlobStore, StoreError};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path as ObjectPath};
use std::io;
use std::path::Path;

/// Deepest path; repositories use three segments.
const MAX_SEGMENTS: usize = 8;
/// Longest segment; file systems end at 255 bytes, and the library adds to it while writing.
const MAX_SEGMENT: usize = 200;

pub(crate) struct LocalBlobs {
    files: LocalFileSystem,
}

impl LocalBlobs {
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        // Without fsync a blob could be gone after a power cut while the row that refers to it is there.
        let files = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| OpenError::io(folder)(io::Error::other(error)))?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self { files })
    }
}

/// Whether a name may be a segment of a path. The files the library writes to before it renames them are none.
pub(crate) fn is_plain(segment: &str) -> bool {
    !segment.is_empty()
        && segment.len() <= MAX_SEGMENT
        && !segment.starts_with('.')
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A path whose segments are plain names: no `..`, nothing hidden, nothing the library would encode.
fn checked(path: &str) -> Result<ObjectPath, StoreError> {
    let refusal = || StoreError::Limit(format!("`{}` is no blob path", path.chars().take(100).collect::<String>()));
    if path.split('/').count() > MAX_SEGMENTS || !path.split('/').all(is_plain) {
        return Err(refusal());
    }
    ObjectPath::parse(path).map_err(|_| refusal())
}

fn failed(error: object_store::Error) -> StoreError {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<io::Error>()
            && matches!(
                error.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
                    | io::ErrorKind::ReadOnlyFilesystem
            )
        {
            return StoreError::Full(error.to_string());
        }
        cause = inner.source();
    }
    StoreError::unavailable(error)
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn put(&self, path: &str, content: Bytes) -> Result<(), StoreError> {
        self.files.put(&checked(path)?, content.into()).await.map(|_| ()).map_err(failed)
    }

    async fn get(&self, path: &str) -> Result<Option<Bytes>, StoreError> {
        match self.files.get(&checked(path)?).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.files.delete(&checked(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn walk<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<String, StoreError>> {
        let folder = prefix
            .strip_suffix('/')
            .ok_or_else(|| StoreError::Limit("blobs are listed by a prefix that ends in `/`".to_owned()))
            .and_then(checked);
        match folder {
            Ok(folder) => {
                self.files.list(Some(&folder)).map_ok(|blob| blob.location.to_string()).map_err(failed).boxed()
            }
            Err(error) => stream::once(future::ready(Err(error))).boxed(),
        }
    }
}
