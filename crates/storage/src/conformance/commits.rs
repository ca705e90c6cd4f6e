//! Batches, commits and guards.

use super::{OTHER, TABLE, assert_error, get, insert, partition, stored};
use crate::{Commit, Entity, Etag, Guard, IfMatch, StoreError, TableStore, Write};

async fn row_keys(tables: &dyn TableStore, partition: &str) -> Vec<String> {
    let found = tables.query_all(TABLE, crate::Query::partition(partition)).await.expect("a query answers");
    found.into_iter().map(|entity| entity.row_key).collect()
}

pub(super) async fn a_batch_is_all_or_nothing(tables: &dyn TableStore) {
    let partition = partition();
    let etag = insert(tables, Entity::new(&partition, "kept").with("N", 1_i64)).await;
    insert(tables, Entity::new(&partition, "gone")).await;
    let changes = |last| {
        vec![
            Write::Insert(Entity::new(&partition, "new")),
            Write::Merge(Entity::new(&partition, "kept").with("N", 2_i64), IfMatch::Etag(etag.clone())),
            Write::delete(&partition, "gone", IfMatch::Any),
            last,
        ]
    };
    let stale = Write::Replace(Entity::new(&partition, "missing"), IfMatch::Any);
    assert_error!(tables.batch(TABLE, changes(stale)).await, StoreError::NotFound, "a batch fails with its last write");
    assert_eq!(row_keys(tables, &partition).await, ["gone", "kept"], "a failed batch writes nothing");
    let kept = Entity::new(&partition, "kept").with("N", 1_i64);
    assert_eq!(get(tables, &partition, "kept").await, stored(kept, etag.clone()), "a failed batch changes nothing");

    let last = Write::UpsertReplace(Entity::new(&partition, "last"));
    tables.batch(TABLE, changes(last)).await.expect("a batch without fault is written");
    assert_eq!(row_keys(tables, &partition).await, ["kept", "last", "new"], "a batch is written as a whole");
}

pub(super) async fn a_commit_is_all_or_nothing_over_tables(tables: &dyn TableStore) {
    let (one, two) = (partition(), partition());
    let writes = |last| {
        vec![
            (TABLE, Write::Insert(Entity::new(&one, "a"))),
            (OTHER, Write::Insert(Entity::new(&two, "a"))),
            (TABLE, last),
        ]
    };
    let failing = Write::delete(&two, "missing", IfMatch::Any);
    let outcome = tables.commit(Commit::of(writes(failing))).await;
    if outcome.is_err() && get(tables, &one, "a").await.is_none() {
        assert_eq!(
            tables.get(OTHER, &two, "a").await.expect("readable"),
            None,
            "a commit that wrote nothing to its first table wrote nothing to its second"
        );
    }
    assert!(outcome.is_err(), "a commit whose last write fails is an error");

    let (one, two) = (partition(), partition());
    let commit = Commit::of(vec![
        (TABLE, Write::Insert(Entity::new(&one, "a"))),
        (OTHER, Write::Insert(Entity::new(&two, "a"))),
    ]);
    tables.commit(commit.clone()).await.expect("a commit over tables is written");
    assert!(get(tables, &one, "a").await.is_some(), "the first table has its write");
    assert!(tables.get(OTHER, &two, "a").await.expect("readable").is_some(), "the second table has its write");
    assert_error!(tables.commit(commit).await, StoreError::AlreadyExists, "a commit says which rule its write broke");
}

pub(super) async fn guards_hold_or_nothing_is_written(tables: &dyn TableStore) {
    let partition = partition();
    let guard = |row_key: &str, etag: Option<Etag>| Guard {
        table: TABLE,
        partition_key: partition.clone(),
        row_key: row_key.to_owned(),
        etag,
    };
    let old = insert(tables, Entity::new(&partition, "watched").with("N", 1_i64)).await;
    let touch = Write::Merge(Entity::new(&partition, "watched").with("N", 1_i64), IfMatch::Any);
    let current = tables.write(TABLE, touch).await.expect("merged").expect("an ETag");
    let commit = |row_key: &str, guards| Commit {
        writes: vec![(OTHER, Write::Insert(Entity::new(&partition, row_key)))],
        guards,
    };
    for (guards, rule) in [
        (vec![guard("watched", Some(old))], "a guard with a stale ETag fails"),
        (vec![guard("watched", None)], "a guard that wants absence fails when the entity is there"),
        (vec![guard("missing", Some(current.clone()))], "a guard with an ETag fails when the entity is missing"),
        (
            vec![guard("watched", Some(current.clone())), guard("watched", None)],
            "every guard must hold, not just the first",
        ),
    ] {
        match tables.commit(commit("a", guards)).await {
            Err(StoreError::PreconditionFailed) => {}
            other => panic!("{rule}: got {other:?}"),
        }
        assert_eq!(tables.get(OTHER, &partition, "a").await.expect("readable"), None, "{rule}, and nothing is written");
    }
    let holding = vec![guard("watched", Some(current)), guard("missing", None)];
    tables.commit(commit("a", holding)).await.expect("guards that hold let the commit through");
}

pub(super) async fn a_commit_answers_etags_that_fit(tables: &dyn TableStore) {
    let partition = partition();
    insert(tables, Entity::new(&partition, "gone")).await;
    let commit = Commit::of(vec![
        (TABLE, Write::Insert(Entity::new(&partition, "a"))),
        (TABLE, Write::delete(&partition, "gone", IfMatch::Any)),
        (OTHER, Write::UpsertReplace(Entity::new(&partition, "b"))),
    ]);
    let etags = tables.commit_etags(commit).await.expect("committed");
    for (index, table, row_key) in [(0, TABLE, "a"), (2, OTHER, "b")] {
        if let Some(Some(etag)) = etags.get(index) {
            let entity = tables.get(table, &partition, row_key).await.expect("readable").expect("written");
            assert_eq!(entity.etag.as_ref(), Some(etag), "the ETag a commit answers is the one that is stored");
        }
    }
    assert_eq!(etags.get(1).cloned().flatten(), None, "a delete has no ETag");
}
