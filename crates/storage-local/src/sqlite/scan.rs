//! Reading rows and pages.

use super::{codec, fault};
use msp_storage::{Continuation, Entity, Etag, Page, Query, StoreError, Table, Timeline, limits};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};

/// Most rows a filtered query looks at for one page, so that no call holds a reader for long: pages may be short.
const SCANNED_PER_PAGE: usize = 1000;

/// ETags are random: a row that is deleted and made again never repeats one.
pub(super) fn etag_text(etag: i64) -> Etag {
    Etag(format!("{etag:016x}"))
}

/// An ETag some other store made, or nobody, fits no row.
pub(super) fn etag_number(etag: &Etag) -> Option<i64> {
    u64::from_str_radix(&etag.0, 16).ok().map(u64::cast_signed)
}

pub(super) fn get(
    connection: &Connection,
    table: Table,
    partition_key: &str,
    row_key: &str,
) -> Result<Option<Entity>, StoreError> {
    let found: Option<(i64, String)> = connection
        .prepare_cached("SELECT etag, props FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3")
        .and_then(|mut statement| {
            statement.query_row((table.name(), partition_key, row_key), |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(fault::of_read)?;
    found
        .map(|(etag, props)| {
            Ok(Entity {
                partition_key: partition_key.to_owned(),
                row_key: row_key.to_owned(),
                etag: Some(etag_text(etag)),
                properties: codec::decode(&props)?,
            })
        })
        .transpose()
}

pub(super) fn page(connection: &Connection, table: Table, query: &Query) -> Result<Page, StoreError> {
    let limit = if query.limit == 0 { limits::MAX_PAGE } else { query.limit };
    let whole_table = query.partition_key.is_none();
    let filtered = query.filter.is_some() || (whole_table && (query.row_from.is_some() || query.row_before.is_some()));
    let scanned = if filtered { SCANNED_PER_PAGE } else { limit };
    // One more, to know where the next page starts.
    let fetched = i64::try_from(scanned + 1).unwrap_or(i64::MAX);
    let (partition_key, row_from) = start(query)?;
    let row_before = query.row_before.as_deref().filter(|_| !whole_table);

    let table_name = table.name();
    let mut parameters: Vec<&dyn ToSql> = vec![&table_name, &partition_key, &row_from, &fetched];
    let sql = match (&row_before, whole_table) {
        (_, true) => {
            "SELECT pk, rk, etag, props FROM entities
             WHERE tbl = ?1 AND (pk, rk) >= (?2, ?3) ORDER BY pk, rk LIMIT ?4"
        }
        (None, false) => {
            "SELECT pk, rk, etag, props FROM entities
             WHERE tbl = ?1 AND pk = ?2 AND rk >= ?3 ORDER BY rk LIMIT ?4"
        }
        (Some(row_before), false) => {
            parameters.push(row_before);
            "SELECT pk, rk, etag, props FROM entities
             WHERE tbl = ?1 AND pk = ?2 AND rk >= ?3 AND rk < ?5 ORDER BY rk LIMIT ?4"
        }
    };
    let mut statement = connection.prepare_cached(sql).map_err(fault::of_read)?;
    let mut rows = statement.query(parameters.as_slice()).map_err(fault::of_read)?;
    let mut page = Page::default();
    let mut seen = 0;
    while let Some(row) = rows.next().map_err(fault::of_read)? {
        if seen == scanned || page.entities.len() == limit {
            let (partition_key, row_key) = (text(row, 0)?.to_owned(), text(row, 1)?.to_owned());
            page.continuation = Some(Continuation { partition_key, row_key });
            break;
        }
        seen += 1;
        let entity = read(row)?;
        if matches(query, &entity) {
            page.entities.push(entity);
        }
    }
    Ok(page)
}

/// The first rows of all partitions together.
pub(super) fn across(
    connection: &Connection,
    timeline: Timeline,
    from: &str,
    before: &str,
    limit: usize,
) -> Result<Vec<Entity>, StoreError> {
    // The index is one of some rows only, so its condition must stand here word for word.
    let sql = match timeline {
        Timeline::Executions => {
            "SELECT pk, rk, etag, props FROM entities INDEXED BY executions_in_time
             WHERE tbl = 'WorkflowExecutions' AND rk >= ?1 AND rk < ?2 ORDER BY rk LIMIT ?3"
        }
        Timeline::Audit => {
            "SELECT pk, rk, etag, props FROM entities INDEXED BY audit_in_time
             WHERE tbl = 'AuditLogs' AND rk >= ?1 AND rk < ?2 ORDER BY rk LIMIT ?3"
        }
        Timeline::Batches => {
            "SELECT pk, rk, etag, props FROM entities INDEXED BY batches_in_time
             WHERE tbl = 'Batches' AND rk >= ?1 AND rk < ?2 ORDER BY rk LIMIT ?3"
        }
    };
    let mut statement = connection.prepare_cached(sql).map_err(fault::of_read)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((from, before, limit)).map_err(fault::of_read)?;
    let mut entities = Vec::new();
    while let Some(row) = rows.next().map_err(fault::of_read)? {
        entities.push(read(row)?);
    }
    Ok(entities)
}

/// The keys a page starts at.
fn start(query: &Query) -> Result<(&str, &str), StoreError> {
    match (&query.partition_key, &query.continuation) {
        (Some(partition_key), Some(next)) if next.partition_key != *partition_key => {
            Err(StoreError::Limit("the continuation belongs to another partition".to_owned()))
        }
        (_, Some(next)) => Ok((&next.partition_key, &next.row_key)),
        (Some(partition_key), None) => Ok((partition_key, query.row_from.as_deref().unwrap_or(""))),
        (None, None) => Ok(("", "")),
    }
}

/// The conditions that are not part of the statement.
fn matches(query: &Query, entity: &Entity) -> bool {
    query.row_from.as_ref().is_none_or(|from| entity.row_key >= *from)
        && query.row_before.as_ref().is_none_or(|before| entity.row_key < *before)
        && query.filter.as_ref().is_none_or(|filter| filter.matches(entity))
}

fn read(row: &Row<'_>) -> Result<Entity, StoreError> {
    Ok(Entity {
        partition_key: text(row, 0)?.to_owned(),
        row_key: text(row, 1)?.to_owned(),
        etag: Some(etag_text(row.get(2).map_err(fault::of_read)?)),
        // Among others, a damaged row has its keys and nothing else: nobody reads it, and it takes nobody along.
        properties: codec::decode(text(row, 3)?).unwrap_or_default(),
    })
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, StoreError> {
    let value = row.get_ref(column).map_err(fault::of_read)?;
    value.as_str().map_err(|error| StoreError::Corrupt(error.to_string()))
}
