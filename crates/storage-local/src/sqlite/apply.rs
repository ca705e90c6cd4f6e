//! One request inside a transaction: check the guards, then write.

use super::scan::{etag_number, etag_text};
use super::{codec, fault};
use msp_storage::{Commit, Entity, Etag, Guard, IfMatch, StoreError, Table, Write};
use rusqlite::{Connection, OptionalExtension as _, ToSql};

/// Answers the new ETag of each write. After an error the caller rolls back.
pub(super) fn apply(connection: &Connection, commit: &Commit) -> Result<Vec<Option<Etag>>, StoreError> {
    for guard in &commit.guards {
        check(connection, guard)?;
    }
    commit.writes.iter().map(|(table, write)| one(connection, *table, write)).collect()
}

fn check(connection: &Connection, guard: &Guard) -> Result<(), StoreError> {
    let stored = stored(connection, guard.table, &guard.partition_key, &guard.row_key)?.map(|(etag, _)| etag);
    let holds = match &guard.etag {
        None => stored.is_none(),
        Some(wanted) => stored.is_some() && stored == etag_number(wanted),
    };
    if holds { Ok(()) } else { Err(StoreError::PreconditionFailed) }
}

fn one(connection: &Connection, table: Table, write: &Write) -> Result<Option<Etag>, StoreError> {
    let (partition_key, row_key) = write.keys();
    let stored = stored(connection, table, partition_key, row_key)?;
    match (write, stored) {
        (Write::Insert(_), Some(_)) => Err(StoreError::AlreadyExists),
        (Write::Insert(entity) | Write::UpsertReplace(entity) | Write::UpsertMerge(entity), None) => {
            insert(connection, table, entity).map(Some)
        }
        (Write::Replace(..) | Write::Merge(..) | Write::Delete { .. }, None) => Err(StoreError::NotFound),
        (Write::UpsertReplace(entity), Some(_)) => {
            update(connection, table, entity, &codec::encode(&entity.properties))
        }
        (Write::UpsertMerge(entity), Some((_, props))) => merge(connection, table, entity, &props),
        (Write::Replace(entity, if_match), Some((etag, _))) => {
            expect(if_match, etag)?;
            update(connection, table, entity, &codec::encode(&entity.properties))
        }
        (Write::Merge(entity, if_match), Some((etag, props))) => {
            expect(if_match, etag)?;
            merge(connection, table, entity, &props)
        }
        (Write::Delete { if_match, .. }, Some((etag, _))) => {
            expect(if_match, etag)?;
            let sql = "DELETE FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3";
            execute(connection, sql, &[&table.name(), &partition_key, &row_key]).map(|()| None)
        }
    }
}

fn expect(if_match: &IfMatch, stored: i64) -> Result<(), StoreError> {
    match if_match {
        IfMatch::Any => Ok(()),
        IfMatch::Etag(etag) if etag_number(etag) == Some(stored) => Ok(()),
        IfMatch::Etag(_) => Err(StoreError::PreconditionFailed),
    }
}

fn stored(
    connection: &Connection,
    table: Table,
    partition_key: &str,
    row_key: &str,
) -> Result<Option<(i64, String)>, StoreError> {
    connection
        .prepare_cached("SELECT etag, props FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3")
        .and_then(|mut statement| {
            statement.query_row((table.name(), partition_key, row_key), |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(fault::of_write)
}

fn insert(connection: &Connection, table: Table, entity: &Entity) -> Result<Etag, StoreError> {
    let etag = fresh_etag()?;
    let props = codec::encode(&entity.properties);
    let sql = "INSERT INTO entities (tbl, pk, rk, etag, props) VALUES (?1, ?2, ?3, ?4, ?5)";
    execute(connection, sql, &[&table.name(), &entity.partition_key, &entity.row_key, &etag, &props])?;
    Ok(etag_text(etag))
}

fn merge(connection: &Connection, table: Table, entity: &Entity, stored: &str) -> Result<Option<Etag>, StoreError> {
    let mut merged = Entity::new(entity.partition_key.clone(), entity.row_key.clone());
    merged.properties = codec::decode(stored)?;
    merged.properties.extend(entity.properties.clone());
    // Each half was within the limits; the whole may not be.
    msp_storage::limits::check_entity(&merged)?;
    update(connection, table, entity, &codec::encode(&merged.properties))
}

fn update(connection: &Connection, table: Table, entity: &Entity, props: &str) -> Result<Option<Etag>, StoreError> {
    let etag = fresh_etag()?;
    let sql = "UPDATE entities SET etag = ?4, props = ?5 WHERE tbl = ?1 AND pk = ?2 AND rk = ?3";
    execute(connection, sql, &[&table.name(), &entity.partition_key, &entity.row_key, &etag, &props])?;
    Ok(Some(etag_text(etag)))
}

fn execute(connection: &Connection, sql: &str, parameters: &[&dyn ToSql]) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(parameters))
        .map(|_| ())
        .map_err(fault::of_write)
}

fn fresh_etag() -> Result<i64, StoreError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::unavailable("the system gave no random numbers"))?;
    Ok(i64::from_be_bytes(bytes))
}
