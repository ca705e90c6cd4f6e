//! Azure's limits, as refusals that write nothing.

use super::{TABLE, assert_limit, get, insert, partition};
use crate::{Commit, Comparison, Entity, Filter, IfMatch, Property, Query, TableStore, Write};

async fn refused(tables: &dyn TableStore, entity: Entity, rule: &str) {
    for write in [Write::Insert(entity.clone()), Write::UpsertMerge(entity.clone())] {
        assert_limit(&tables.write(TABLE, write).await, rule);
    }
}

pub(super) async fn values_and_entities_have_a_size(tables: &dyn TableStore) {
    let partition = partition();
    let entity = |row: &str| Entity::new(&partition, row);
    let longest = entity("fits")
        .with("Text", "x".repeat(32 * 1024))
        .with("Wide", "𝄞".repeat(16 * 1024))
        .with("Bytes", vec![7; 64 * 1024]);
    insert(tables, longest).await;
    refused(tables, entity("a").with("Text", "x".repeat(32 * 1024 + 1)), "a text has at most 32 Ki UTF-16 units").await;
    let wide = entity("a").with("Text", "𝄞".repeat(16 * 1024 + 1));
    refused(tables, wide, "a character beyond the basic plane counts twice").await;
    refused(tables, entity("a").with("Bytes", vec![0; 64 * 1024 + 1]), "a binary has at most 64 KiB").await;

    let many = |count: usize| (0..count).fold(entity("many"), |entity, n| entity.with(&format!("P{n}"), 1_i64));
    insert(tables, many(252)).await;
    refused(tables, many(253), "an entity has at most 252 properties").await;
    let one_more = Write::Merge(entity("many").with("Extra", 1_i64), IfMatch::Any);
    assert_limit(&tables.write(TABLE, one_more).await, "a merge must not exceed 252 properties either");

    let heavy = (0..17).fold(entity("a"), |entity, n| entity.with(&format!("P{n}"), "x".repeat(32 * 1024)));
    refused(tables, heavy, "an entity has at most 1 MiB, two bytes a character").await;
    let ancient = chrono::DateTime::from_timestamp(-20_000_000_000, 0).expect("an instant");
    refused(tables, entity("a").with("At", ancient), "an instant lies after 1601").await;
    assert_eq!(get(tables, &partition, "a").await, None, "a refused entity is not written");
}

pub(super) async fn names_and_keys_have_an_alphabet(tables: &dyn TableStore) {
    let partition = partition();
    insert(tables, Entity::new(&partition, "Az09._:~-").with("_under9", 1_i64)).await;
    insert(tables, Entity::new(&partition, "k".repeat(512))).await;
    for name in ["", "9lives", "with space", "with-dash", "ä", "PartitionKey", "RowKey", "Timestamp", "odata.etag"] {
        refused(tables, Entity::new(&partition, "a").with(name, 1_i64), "a property is named like a C# identifier")
            .await;
    }
    let long = "n".repeat(256);
    refused(tables, Entity::new(&partition, "a").with(&long, 1_i64), "a property name has at most 255 characters")
        .await;
    let overlong = "k".repeat(513);
    for key in ["", "a/b", "a\\b", "a#b", "a?b", "a b", "a'b", "a%b", "a\u{0}b", "ä", overlong.as_str()] {
        refused(tables, Entity::new(&partition, key), "a row key stays in the alphabet").await;
        refused(tables, Entity::new(key, "a"), "a partition key stays in the alphabet").await;
        assert_limit(&tables.get(TABLE, &partition, key).await, "reading refuses a key no entity can have");
        let delete = Write::delete(&partition, key, IfMatch::Any);
        assert_limit(&tables.write(TABLE, delete).await, "deleting refuses a key no entity can have");
    }
}

pub(super) async fn batches_are_bounded(tables: &dyn TableStore) {
    let partition = partition();
    let row = |n: usize| Write::Insert(Entity::new(&partition, format!("{n:04}")));
    assert_limit(&tables.batch(TABLE, Vec::new()).await, "a batch has at least one write");
    assert_limit(&tables.batch(TABLE, (0..101).map(row).collect()).await, "a batch has at most 100 writes");
    let elsewhere = Write::Insert(Entity::new(super::partition(), "a"));
    assert_limit(&tables.batch(TABLE, vec![row(0), elsewhere]).await, "a batch stays in one partition");
    assert_limit(&tables.batch(TABLE, vec![row(0), row(0)]).await, "a batch names each entity once");
    let heavy = |n: usize| {
        let entity = Entity::new(&partition, format!("{n:04}"));
        let texts = (0..4).fold(entity, |entity, p| entity.with(&format!("P{p}"), "x".repeat(32 * 1024)));
        Write::Insert(texts)
    };
    assert_limit(&tables.batch(TABLE, (0..17).map(heavy).collect()).await, "a batch has at most 4 MiB");
    let found = tables.query(TABLE, Query::partition(&partition)).await.expect("a page");
    assert!(found.entities.is_empty(), "a refused batch writes nothing");
    tables.batch(TABLE, (0..100).map(row).collect()).await.expect("100 writes are accepted");
    let commit = |range: std::ops::Range<usize>| Commit::of(range.map(|n| (TABLE, row(n))).collect());
    tables.commit(commit(100..350)).await.expect("a commit takes several batches");
    let all = tables.query_all(TABLE, Query::partition(&partition)).await.expect("read");
    assert_eq!(all.len(), 350, "all of a commit is written");
    assert_limit(&tables.commit(commit(350..12_351)).await, "a commit has at most 12,000 writes");
}

pub(super) async fn queries_are_bounded(tables: &dyn TableStore) {
    let partition = partition();
    let compare = |n: usize| Filter::Compare(format!("P{n}"), Comparison::Eq, Property::Int(1));
    let query = |n| Query { filter: Some(Filter::Or((0..n).map(compare).collect())), ..Query::partition(&partition) };
    tables.query(TABLE, query(14)).await.expect("14 comparisons beside the partition key are accepted");
    assert_limit(&tables.query(TABLE, query(15)).await, "a query has at most 15 comparisons, its keys included");
    let empty = Query { filter: Some(Filter::And(Vec::new())), ..Query::partition(&partition) };
    assert_limit(&tables.query(TABLE, empty).await, "a filter joins at least one condition");
    let bad = Query {
        filter: Some(Filter::Compare("a b".into(), Comparison::Eq, true.into())),
        ..Query::partition(&partition)
    };
    assert_limit(&tables.query(TABLE, bad).await, "a filter names properties that can exist");
    assert_limit(
        &tables.query(TABLE, Query::partition(&partition).limit(1001)).await,
        "a page has at most 1000 entities",
    );
}
