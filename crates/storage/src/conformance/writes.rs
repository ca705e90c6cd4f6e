//! Single writes and ETags.

use super::{TABLE, assert_error, get, insert, partition, stored};
use crate::{Entity, Etag, IfMatch, StoreError, TableStore, Write};
use chrono::DateTime;
use uuid::Uuid;

pub(super) async fn an_entity_reads_back_as_it_was_written(tables: &dyn TableStore) {
    let partition = partition();
    assert_eq!(get(tables, &partition, "none").await, None, "an entity that was never written is not there");
    let entity = Entity::new(&partition, "a")
        .with("Text", "ä \"quoted\" 'single' \n 𝄞")
        .with("Empty", "")
        .with("Least", i64::MIN)
        .with("Most", i64::MAX)
        .with("Fraction", 0.1)
        .with("Whole", 3.0)
        .with("Yes", true)
        .with("No", false)
        .with("At", DateTime::from_timestamp_millis(1_763_800_000_123).expect("an instant"))
        .with("Early", DateTime::from_timestamp_millis(-1_000).expect("an instant"))
        .with("Id", Uuid::new_v4())
        .with("Bytes", vec![0, 1, 254, 255]);
    let etag = insert(tables, entity.clone()).await;
    assert_eq!(get(tables, &partition, "a").await, stored(entity, etag), "every type reads back as it was written");
}

pub(super) async fn insert_refuses_what_is_there(tables: &dyn TableStore) {
    let partition = partition();
    let first = Entity::new(&partition, "a").with("N", 1_i64);
    let etag = insert(tables, first.clone()).await;
    let again = tables.write(TABLE, Write::Insert(Entity::new(&partition, "a").with("N", 2_i64))).await;
    assert_error!(again, StoreError::AlreadyExists, "a second insert of a key is refused");
    assert_eq!(get(tables, &partition, "a").await, stored(first, etag), "a refused insert changes nothing");
}

pub(super) async fn replace_sets_all_and_merge_keeps_the_others(tables: &dyn TableStore) {
    let partition = partition();
    insert(tables, Entity::new(&partition, "a").with("A", 1_i64).with("B", 1_i64)).await;
    let merge = Write::Merge(Entity::new(&partition, "a").with("B", "two").with("C", 3_i64), IfMatch::Any);
    let etag = tables.write(TABLE, merge).await.expect("merged").expect("a merge answers the ETag");
    let merged = Entity::new(&partition, "a").with("A", 1_i64).with("B", "two").with("C", 3_i64);
    assert_eq!(get(tables, &partition, "a").await, stored(merged, etag.clone()), "a merge keeps what it does not name");

    let replaced = Entity::new(&partition, "a").with("D", 4_i64);
    let replace = Write::Replace(replaced.clone(), IfMatch::Etag(etag));
    let etag = tables.write(TABLE, replace).await.expect("replaced").expect("a replace answers the ETag");
    assert_eq!(get(tables, &partition, "a").await, stored(replaced, etag), "a replace drops what it does not name");

    for write in [
        Write::Replace(Entity::new(&partition, "none"), IfMatch::Any),
        Write::Merge(Entity::new(&partition, "none"), IfMatch::Any),
        Write::Replace(Entity::new(&partition, "none"), IfMatch::Etag(Etag("0".into()))),
    ] {
        assert_error!(tables.write(TABLE, write).await, StoreError::NotFound, "what is not there cannot be changed");
    }
    assert_eq!(get(tables, &partition, "none").await, None, "a refused change inserts nothing");
}

pub(super) async fn upserts_insert_what_is_missing(tables: &dyn TableStore) {
    let partition = partition();
    let first = Entity::new(&partition, "a").with("A", 1_i64);
    tables.write(TABLE, Write::UpsertMerge(first)).await.expect("an upsert inserts");
    let second = Entity::new(&partition, "a").with("B", 2_i64);
    let etag = tables.write(TABLE, Write::UpsertMerge(second)).await.expect("an upsert merges").expect("an ETag");
    let merged = Entity::new(&partition, "a").with("A", 1_i64).with("B", 2_i64);
    assert_eq!(get(tables, &partition, "a").await, stored(merged, etag), "an upsert merge keeps the others");
    let third = Entity::new(&partition, "a").with("C", 3_i64);
    let upsert = Write::UpsertReplace(third.clone());
    let etag = tables.write(TABLE, upsert).await.expect("an upsert replaces").expect("an ETag");
    assert_eq!(get(tables, &partition, "a").await, stored(third, etag), "an upsert replace drops the others");
    let new = Entity::new(&partition, "b");
    let etag = tables.write(TABLE, Write::UpsertReplace(new.clone())).await.expect("inserted").expect("an ETag");
    assert_eq!(get(tables, &partition, "b").await, stored(new, etag), "an upsert replace inserts what is missing");
}

pub(super) async fn delete_removes_and_misses_what_is_gone(tables: &dyn TableStore) {
    let partition = partition();
    insert(tables, Entity::new(&partition, "a")).await;
    let delete = Write::delete(&partition, "a", IfMatch::Any);
    assert_eq!(tables.write(TABLE, delete.clone()).await.expect("deleted"), None, "a delete answers no ETag");
    assert_eq!(get(tables, &partition, "a").await, None, "what was deleted is gone");
    assert_error!(tables.write(TABLE, delete).await, StoreError::NotFound, "what is gone cannot be deleted again");
}

pub(super) async fn every_write_gives_a_new_etag_and_a_stale_one_is_refused(tables: &dyn TableStore) {
    let partition = partition();
    let entity = Entity::new(&partition, "a").with("N", 1_i64);
    let stale = insert(tables, entity.clone()).await;
    let same = Write::Replace(entity.clone(), IfMatch::Etag(stale.clone()));
    let current = tables.write(TABLE, same).await.expect("the current ETag is accepted").expect("an ETag");
    assert_ne!(stale, current, "every write gives a new ETag, also one that changes no value");
    for write in [
        Write::Replace(entity.clone(), IfMatch::Etag(stale.clone())),
        Write::Merge(entity.clone(), IfMatch::Etag(stale.clone())),
        Write::delete(&partition, "a", IfMatch::Etag(stale.clone())),
    ] {
        assert_error!(tables.write(TABLE, write).await, StoreError::PreconditionFailed, "a stale ETag is refused");
    }
    assert_eq!(get(tables, &partition, "a").await, stored(entity, current.clone()), "a refused write changes nothing");
    let delete = Write::delete(&partition, "a", IfMatch::Etag(current));
    tables.write(TABLE, delete).await.expect("the current ETag allows the delete");
}

pub(super) async fn an_etag_does_not_survive_deletion(tables: &dyn TableStore) {
    let partition = partition();
    let entity = Entity::new(&partition, "a").with("N", 1_i64);
    let old = insert(tables, entity.clone()).await;
    tables.write(TABLE, Write::delete(&partition, "a", IfMatch::Any)).await.expect("deleted");
    insert(tables, entity.clone()).await;
    let write = Write::Replace(entity, IfMatch::Etag(old));
    assert_error!(
        tables.write(TABLE, write).await,
        StoreError::PreconditionFailed,
        "the ETag of a deleted entity does not fit the one made again"
    );
}
