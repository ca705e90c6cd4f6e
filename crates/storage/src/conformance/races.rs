//! Of several who race, exactly one wins.

use super::{OTHER, TABLE, insert, partition};
use crate::{Commit, Entity, Guard, IfMatch, StoreError, TableStore, Write};
use std::future::Future;
use std::sync::Arc;

const RACERS: i64 = 16;

/// Runs the racers at the same time on threads of their own where there are any; answers who won.
async fn winners<F, T>(racer: impl Fn(i64) -> F, loses_with: fn(&StoreError) -> bool) -> Vec<i64>
where
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    let racers: Vec<_> = (0..RACERS).map(|number| (number, tokio::spawn(racer(number)))).collect();
    let mut winners = Vec::new();
    for (number, racer) in racers {
        match racer.await.expect("a racer does not panic") {
            Ok(_) => winners.push(number),
            Err(error) => assert!(loses_with(&error), "who loses a race is told so, not {error:?}"),
        }
    }
    winners
}

pub(super) async fn of_racing_inserts_one_wins(store: Arc<dyn TableStore>) {
    let partition = partition();
    let racer = |number| {
        let (store, entity) = (store.clone(), Entity::new(&partition, "a").with("By", number));
        async move { store.write(TABLE, Write::Insert(entity)).await }
    };
    let winners = winners(racer, |error| matches!(error, StoreError::AlreadyExists)).await;
    assert_eq!(winners.len(), 1, "of racing inserts exactly one wins");
    let stored = store.get(TABLE, &partition, "a").await.expect("readable").expect("there");
    assert_eq!(stored.int("By").expect("a number"), winners[0], "what is stored is what the winner wrote");
}

pub(super) async fn of_racing_updates_one_wins(store: Arc<dyn TableStore>) {
    let partition = partition();
    let etag = insert(store.as_ref(), Entity::new(&partition, "a").with("By", -1_i64)).await;
    let racer = |number| {
        let (store, etag) = (store.clone(), IfMatch::Etag(etag.clone()));
        let entity = Entity::new(&partition, "a").with("By", number);
        async move { store.write(TABLE, Write::Merge(entity, etag)).await }
    };
    let winners = winners(racer, |error| matches!(error, StoreError::PreconditionFailed)).await;
    assert_eq!(winners.len(), 1, "of racing updates of one version exactly one wins");
    let stored = store.get(TABLE, &partition, "a").await.expect("readable").expect("there");
    assert_eq!(stored.int("By").expect("a number"), winners[0], "what is stored is what the winner wrote");
}

pub(super) async fn of_racing_guarded_commits_one_wins(store: Arc<dyn TableStore>) {
    let partition = partition();
    let etag = insert(store.as_ref(), Entity::new(&partition, "generation")).await;
    let guard = Guard {
        table: TABLE,
        partition_key: partition.clone(),
        row_key: "generation".into(),
        etag: Some(etag.clone()),
    };
    let racer = |number: i64| {
        // The guarded row is written under the same version, which is what decides where guards are only checked.
        let commit = Commit {
            writes: vec![
                (TABLE, Write::Replace(Entity::new(&partition, "generation"), IfMatch::Etag(etag.clone()))),
                (OTHER, Write::Insert(Entity::new(&partition, number.to_string()))),
            ],
            guards: vec![guard.clone()],
        };
        let store = store.clone();
        async move { store.commit(commit).await }
    };
    let winners = winners(racer, |error| matches!(error, StoreError::PreconditionFailed)).await;
    assert_eq!(winners.len(), 1, "of racing commits under one guard exactly one wins");
    let written = store.query_all(OTHER, crate::Query::partition(&partition)).await.expect("readable");
    assert_eq!(written.len(), 1, "only the winner's writes are there");
}
