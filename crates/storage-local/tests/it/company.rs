//! Writers that have company: in this process, and in others.

use crate::support::TestHome;
use msp_storage::{Entity, IfMatch, StoreError, Table, Write};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;

fn insert(row: &str) -> Write {
    Write::Insert(Entity::new("P", row).with("Value", 1_i64))
}

#[tokio::test]
async fn while_another_process_writes_a_commit_waits_and_holds_up_nothing_else() {
    let home = TestHome::new().await;
    let tables = Arc::clone(&home.repositories.stores.tables);
    let other = Connection::open(home.folder.path().join("msp.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("begins");

    let commit = tokio::spawn({
        let tables = Arc::clone(&tables);
        async move { tables.write(Table::Platform, insert("waits")).await }
    });
    // One thread runs all of this test: if the commit waited on it, nothing here would go on.
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(tables.get(Table::Platform, "P", "waits").await.expect("read").is_none());
    }
    assert!(!commit.is_finished());
    other.execute_batch("COMMIT").expect("ends");
    commit.await.expect("no panic").expect("written");
    assert!(tables.get(Table::Platform, "P", "waits").await.expect("read").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_at_once_each_gets_its_own_outcome() {
    const WRITERS: usize = 32;
    const ROUNDS: usize = 25;
    let home = TestHome::new().await;
    let tables = Arc::clone(&home.repositories.stores.tables);
    let writers = (0..WRITERS).map(|writer| {
        let tables = Arc::clone(&tables);
        tokio::spawn(async move {
            let mut refused = 0;
            for round in 0..ROUNDS {
                tables.write(Table::Platform, insert(&format!("{writer}-{round}"))).await.expect("written");
                // Everybody wants this one.
                match tables.write(Table::Platform, insert(&format!("shared-{round}"))).await {
                    Ok(etag) => drop(etag.expect("an ETag")),
                    Err(StoreError::AlreadyExists) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
                let missing = Write::Merge(Entity::new("P", "nobody"), IfMatch::Any);
                assert!(matches!(tables.write(Table::Platform, missing).await, Err(StoreError::NotFound)));
            }
            refused
        })
    });
    let refused: usize =
        futures::future::join_all(writers).await.into_iter().map(|refused| refused.expect("no panic")).sum();
    assert_eq!(refused, (WRITERS - 1) * ROUNDS, "each shared row was inserted once");
    let stored = tables.query_all(Table::Platform, msp_storage::Query::partition("P")).await.expect("read");
    assert_eq!(stored.len(), WRITERS * ROUNDS + ROUNDS);
}
