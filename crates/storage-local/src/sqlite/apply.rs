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
    let stored = etag(connection, guard.table, &guard.partition_key, &guard.row_key)?;
    let holds = match &guard.etag {
        None => stored.is_none(),
        Some(wanted) => stored.is_some() && stored == etag_number(wanted),
    };
    if holds { Ok(()) } else { Err(StoreError::PreconditionFailed) }
}

fn one(connection: &Connection, table: Table, write: &Write) -> Result<Option<Etag>, StoreError> {
    match write {
        Write::Insert(entity) => insert(connection, table, entity).map(Some),
        Write::UpsertReplace(entity) => upsert(connection, table, entity).map(Some),
        Write::UpsertMerge(entity) => match stored(connection, table, entity)? {
            Some(stored) => merge(connection, entity, &stored).map(Some),
            None => insert(connection, table, entity).map(Some),
        },
        Write::Replace(entity, if_match) => {
            let fresh = fresh_etag()?;
            let props = codec::encode(&entity.properties);
            let sql = "UPDATE entities SET etag = ?5, props = ?6
                       WHERE tbl = ?1 AND pk = ?2 AND rk = ?3 AND etag = coalesce(?4, etag)";
            changed(connection, table, write, if_match, sql, &[&fresh, &props]).map(|()| Some(etag_text(fresh)))
        }
        Write::Merge(entity, if_match) => {
            let stored = stored(connection, table, entity)?.ok_or(StoreError::NotFound)?;
            match if_match {
                IfMatch::Etag(wanted) if etag_number(wanted) != Some(stored.etag) => {
                    Err(StoreError::PreconditionFailed)
                }
                IfMatch::Any | IfMatch::Etag(_) => merge(connection, entity, &stored).map(Some),
            }
        }
        Write::Delete { if_match, .. } => {
            let sql = "DELETE FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3 AND etag = coalesce(?4, etag)";
            changed(connection, table, write, if_match, sql, &[]).map(|()| None)
        }
    }
}

/// Runs a statement that changes the entity of this version, and says why it changed nothing.
fn changed(
    connection: &Connection,
    table: Table,
    write: &Write,
    if_match: &IfMatch,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<(), StoreError> {
    let (partition_key, row_key) = write.keys();
    let wanted = match if_match {
        IfMatch::Any => None,
        IfMatch::Etag(wanted) => Some(etag_number(wanted).ok_or(StoreError::PreconditionFailed)?),
    };
    let table_name = table.name();
    let mut parameters: Vec<&dyn ToSql> = vec![&table_name, &partition_key, &row_key, &wanted];
    parameters.extend(values);
    if execute(connection, sql, &parameters)? > 0 {
        return Ok(());
    }
    match etag(connection, table, partition_key, row_key)? {
        Some(_) => Err(StoreError::PreconditionFailed),
        None => Err(StoreError::NotFound),
    }
}

fn etag(connection: &Connection, table: Table, partition_key: &str, row_key: &str) -> Result<Option<i64>, StoreError> {
    connection
        .prepare_cached("SELECT etag FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3")
        .and_then(|mut statement| {
            statement.query_row((table.name(), partition_key, row_key), |row| row.get(0)).optional()
        })
        .map_err(fault::of_write)
}

/// A row as it stands.
struct Stored {
    id: i64,
    etag: i64,
    props: String,
}

fn stored(connection: &Connection, table: Table, entity: &Entity) -> Result<Option<Stored>, StoreError> {
    connection
        .prepare_cached("SELECT id, etag, props FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3")
        .and_then(|mut statement| {
            statement
                .query_row((table.name(), &entity.partition_key, &entity.row_key), |row| {
                    Ok(Stored { id: row.get(0)?, etag: row.get(1)?, props: row.get(2)? })
                })
                .optional()
        })
        .map_err(fault::of_write)
}

fn insert(connection: &Connection, table: Table, entity: &Entity) -> Result<Etag, StoreError> {
    let fresh = fresh_etag()?;
    let sql = "INSERT INTO entities (tbl, pk, rk, etag, props) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    match put(connection, table, entity, fresh, sql)? {
        0 => Err(StoreError::AlreadyExists),
        _ => Ok(etag_text(fresh)),
    }
}

fn upsert(connection: &Connection, table: Table, entity: &Entity) -> Result<Etag, StoreError> {
    let fresh = fresh_etag()?;
    let sql = "INSERT INTO entities (tbl, pk, rk, etag, props) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET etag = excluded.etag, props = excluded.props";
    put(connection, table, entity, fresh, sql).map(|_| etag_text(fresh))
}

fn put(connection: &Connection, table: Table, entity: &Entity, etag: i64, sql: &str) -> Result<usize, StoreError> {
    let props = codec::encode(&entity.properties);
    execute(connection, sql, &[&table.name(), &entity.partition_key, &entity.row_key, &etag, &props])
}

fn merge(connection: &Connection, entity: &Entity, stored: &Stored) -> Result<Etag, StoreError> {
    let mut merged = Entity::new(entity.partition_key.clone(), entity.row_key.clone());
    merged.properties = codec::decode(&stored.props)?;
    merged.properties.extend(entity.properties.clone());
    // Each half was within the limits; the whole may not be.
    msp_storage::limits::check_entity(&merged)?;
    let fresh = fresh_etag()?;
    let props = codec::encode(&merged.properties);
    execute(connection, "UPDATE entities SET etag = ?2, props = ?3 WHERE id = ?1", &[&stored.id, &fresh, &props])?;
    Ok(etag_text(fresh))
}

/// Runs a statement; answers how many rows it changed.
fn execute(connection: &Connection, sql: &str, parameters: &[&dyn ToSql]) -> Result<usize, StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters)).map_err(fault::of_write)
}

fn fresh_etag() -> Result<i64, StoreError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::unavailable("the system gave no random numbers"))?;
    Ok(i64::from_be_bytes(bytes))
}
