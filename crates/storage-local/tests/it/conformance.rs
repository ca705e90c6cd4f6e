//! The suite every home passes, over this one.

use msp_domain::SystemClock;
use msp_storage::{StoreError, conformance};
use msp_storage_local::{LocalHome, LocalOptions};
use std::sync::Arc;
use tempfile::TempDir;

async fn home() -> (TempDir, LocalHome) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = LocalOptions {
        data: folder.path().to_owned(),
        master_key_file: None,
        create: true,
        clock: Arc::new(SystemClock),
    };
    let home = LocalHome::open(options).await.expect("opens");
    (folder, home)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables() {
    let (_folder, home) = home().await;
    conformance::tables(home.stores.tables.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_fails_midway_writes_nothing_at_all() {
    use msp_storage::{Commit, Entity, IfMatch, Table, Write};
    let (_folder, home) = home().await;
    let tables = &home.stores.tables;
    let commit = Commit::of(vec![
        (Table::Platform, Write::Insert(Entity::new("P", "a"))),
        (Table::AuditLogs, Write::delete("P", "missing", IfMatch::Any)),
    ]);
    assert!(matches!(tables.commit(commit).await, Err(StoreError::NotFound)));
    assert_eq!(tables.get(Table::Platform, "P", "a").await.expect("read"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn blobs() {
    let (_folder, home) = home().await;
    conformance::blobs(home.stores.blobs.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets() {
    let (_folder, home) = home().await;
    conformance::secrets(home.stores.secrets.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queue() {
    let (_folder, home) = home().await;
    conformance::queue(home.stores.queue.clone()).await;
}
