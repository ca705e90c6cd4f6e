//! Large values: inputs, results, exports.

use crate::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt as _, stream::BoxStream};

/// A property of a row holds the path of a blob exactly if its name ends in this: a backup and a repair go by it.
pub const NAMES_A_BLOB: &str = "Blob";

/// A store of byte strings by path (`executions/{id}/result.json`). Paths are made by repositories only.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores a blob, replacing one of the same path. Durable when the call returns.
    async fn put(&self, path: &str, content: Bytes) -> Result<(), StoreError>;

    /// The blob at a path.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, StoreError>;

    /// Removes a blob; removing one that is not there is no error.
    async fn delete(&self, path: &str) -> Result<(), StoreError>;

    /// The paths that start with a prefix ending in `/`, in any order, however many there are.
    fn walk<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<String, StoreError>>;

    /// The same, sorted, for a prefix that few share.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut paths: Vec<_> = self.walk(prefix).try_collect().await?;
        paths.sort();
        Ok(paths)
    }
}
