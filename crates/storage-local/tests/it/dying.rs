//! A process that dies between two of its writes.

use crate::support::TestHome;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use msp_domain::{Clock, Scope};
use msp_storage::{
    BlobStore, Commit, Entity, Etag, Guard, Page, Query, Repositories, SecretAddress, SecretChange, SecretNamespace,
    SecretStore, SecretValue, StoreError, Table, TableStore, TableWrite, Write, limits,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What survives of a process that dies at its n-th write: the writes before it, and that one too if only its answer is lost.
struct Dying {
    tables: Arc<dyn TableStore>,
    blobs: Arc<dyn BlobStore>,
    secrets: Arc<dyn SecretStore>,
    writes_left: AtomicUsize,
    loses_only_the_answer: bool,
    /// Whether its home makes no transaction of a commit.
    is_torn: bool,
}

impl Dying {
    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>> + Send) -> Result<T, StoreError> {
        let dead = || StoreError::unavailable("the process died here");
        let left =
            self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)));
        match left.expect("always some") {
            0 => Err(dead()),
            1 if self.loses_only_the_answer => write.await.and_then(|_| Err(dead())),
            1 => Err(dead()),
            _ => write.await,
        }
    }
}

#[async_trait]
impl TableStore for Dying {
    fn commits_whole(&self) -> bool {
        !self.is_torn
    }

    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        self.write(self.tables.write(table, write)).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.write(self.tables.batch(table, writes)).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        if !self.is_torn {
            return self.write(self.tables.commit(commit)).await;
        }
        for Guard { table, partition_key, row_key, etag } in &commit.guards {
            let found = self.tables.get(*table, partition_key, row_key).await?;
            if found.and_then(|row| row.etag) != *etag {
                return Err(StoreError::PreconditionFailed);
            }
        }
        let is_one_batch = |a: &TableWrite, b: &TableWrite| a.0 == b.0 && a.1.keys().0 == b.1.keys().0;
        let batches = commit.writes.chunk_by(is_one_batch);
        for batch in batches.flat_map(|batch| batch.chunks(limits::MAX_BATCH_WRITES)) {
            let writes = batch.iter().map(|(_, write)| write.clone()).collect();
            self.write(self.tables.batch(batch[0].0, writes)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl BlobStore for Dying {
    async fn put(&self, path: &str, content: Bytes) -> Result<(), StoreError> {
        self.write(self.blobs.put(path, content)).await
    }

    async fn get(&self, path: &str) -> Result<Option<Bytes>, StoreError> {
        self.blobs.get(path).await
    }

    async fn delete(&self, path: &str) -> Result<(), StoreError> {
        self.write(self.blobs.delete(path)).await
    }

    fn walk<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<String, StoreError>> {
        self.blobs.walk(prefix)
    }
}

#[async_trait]
impl SecretStore for Dying {
    async fn set(&self, address: &SecretAddress, value: &SecretValue) -> Result<(), StoreError> {
        self.write(self.secrets.set(address, value)).await
    }

    async fn get(&self, address: &SecretAddress) -> Result<Option<SecretValue>, StoreError> {
        self.secrets.get(address).await
    }

    async fn delete(&self, address: &SecretAddress) -> Result<(), StoreError> {
        self.write(self.secrets.delete(address)).await
    }

    async fn within(&self, changes: &[SecretChange]) -> Result<Option<Commit>, StoreError> {
        // A home without transactions keeps its secrets elsewhere, too.
        if self.is_torn { Ok(None) } else { self.secrets.within(changes).await }
    }

    async fn names(&self, namespace: SecretNamespace, scope: Scope) -> Result<Vec<String>, StoreError> {
        self.secrets.names(namespace, scope).await
    }
}

/// The repositories of a process that dies at its n-th write.
pub fn dying(home: &TestHome, at: usize, loses_only_the_answer: bool) -> Repositories {
    over(home, at, loses_only_the_answer, false)
}

/// The same over a home that makes no transaction of a commit, as Azure: guards are checked first, then the writes go in
/// their order, those that follow each other into one partition as one batch.
pub fn torn(home: &TestHome, at: usize) -> Repositories {
    over(home, at, false, true)
}

fn over(home: &TestHome, at: usize, loses_only_the_answer: bool, is_torn: bool) -> Repositories {
    let dying = Arc::new(Dying {
        tables: home.home.stores.tables.clone(),
        blobs: home.home.stores.blobs.clone(),
        secrets: home.home.stores.secrets.clone(),
        writes_left: AtomicUsize::new(at),
        loses_only_the_answer,
        is_torn,
    });
    let mut stores = home.home.stores.clone();
    stores.tables = dying.clone();
    stores.blobs = dying.clone();
    stores.secrets = dying;
    Repositories::new(stores, Arc::clone(&home.clock) as Arc<dyn Clock>)
}
