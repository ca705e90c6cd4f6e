//! The table store: one SQLite database in write-ahead mode.
//!
//! A rowid table with a unique index rather than `WITHOUT ROWID`, whose rows of a kilobyte would spill into overflow
//! pages, and 4 KiB pages, because whole pages go through the log.

mod apply;
mod checkpoint;
mod codec;
mod fault;
mod group;
mod log;
mod readers;
pub(crate) mod rewrite;
mod scan;
pub(crate) mod schema;
pub(crate) mod snapshot;
mod writer;

use crate::OpenError;
use crate::metrics::StoreMetrics;
use async_trait::async_trait;
use msp_storage::{Commit, Entity, Etag, Page, Query, StoreError, Table, TableStore, Timeline, Write, limits};
use readers::Readers;
use std::path::Path;
use writer::Writer;

/// The tables of one database file.
pub(crate) struct SqliteTables {
    // Dropped in this order: the writer empties the log only when no reader is left in this process.
    readers: Readers,
    writer: Writer,
}

impl SqliteTables {
    /// Opens the database, making its schema where it is empty.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        schema::prepare(path)?;
        Ok(Self { readers: Readers::open(path)?, writer: Writer::open(path)? })
    }

    /// What is counted of the writes.
    pub(crate) fn metrics(&self) -> StoreMetrics {
        self.writer.metrics()
    }

    /// The key check of a database that is not open yet, without changing anything.
    pub(crate) fn peek_key_check(path: &Path) -> Result<Option<String>, OpenError> {
        schema::peek_key_check(path)
    }

    /// Keeps a key check unless there is one, and answers the one that is kept.
    pub(crate) fn keep_key_check(&self, check: &str) -> Result<String, OpenError> {
        self.writer.keep_key_check(check)
    }
}

#[async_trait]
impl TableStore for SqliteTables {
    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        limits::check_keys(partition_key, row_key)?;
        // In place: a read of one row never waits for a writer and takes microseconds, less than a change of thread.
        self.readers.here(|connection| scan::get(connection, table, partition_key, row_key)).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        limits::check_query(&query)?;
        self.readers.aside(move |connection| scan::page(connection, table, &query)).await
    }

    async fn across(
        &self,
        timeline: Timeline,
        from: &str,
        before: &str,
        limit: usize,
    ) -> Result<Option<Vec<Entity>>, StoreError> {
        let (from, before) = (from.to_owned(), before.to_owned());
        self.readers.aside(move |connection| scan::across(connection, timeline, &from, &before, limit)).await.map(Some)
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        limits::check_write(&write)?;
        Ok(self.writer.commit(Commit::of(vec![(table, write)])).await?.into_iter().next().flatten())
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        limits::check_batch(&writes)?;
        let writes = writes.into_iter().map(|write| (table, write)).collect();
        self.writer.commit(Commit::of(writes)).await.map(|_| ())
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.commit_etags(commit).await.map(|_| ())
    }

    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        limits::check_commit(&commit)?;
        self.writer.commit(commit).await
    }

    fn commits_whole(&self) -> bool {
        true
    }
}
