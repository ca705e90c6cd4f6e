//! Writing every row of a table anew, in one transaction.

use super::{apply, fault, scan, schema};
use msp_storage::{Commit, Entity, Query, StoreError, Table, TableWrite, Write};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Replaces every row of a table by what `change` makes of it, together with one more write; answers how many rows there
/// were. What stood there before is overwritten in the file, not only given free. The table must fit into memory.
pub(crate) fn every_row<E: From<StoreError>>(
    database: &Path,
    table: Table,
    mut change: impl FnMut(Entity) -> Result<Entity, E>,
    also: TableWrite,
) -> Result<usize, E> {
    let written = |error| E::from(fault::of_write(error));
    let mut connection = schema::connect(database).map_err(written)?;
    connection.pragma_update(None, "secure_delete", true).map_err(written)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(written)?;
    let mut writes = Vec::new();
    let mut query = Query::default();
    loop {
        let page = scan::page(&transaction, table, &query)?;
        for row in page.entities {
            writes.push((table, Write::UpsertReplace(change(row)?)));
        }
        match page.continuation {
            Some(next) => query.continuation = Some(next),
            None => break,
        }
    }
    let rows = writes.len();
    writes.push(also);
    apply::apply(&transaction, &Commit::of(writes))?;
    transaction.commit().map_err(written)?;
    empty_log(&connection);
    Ok(rows)
}

/// The old rows are in the log as well. A reader in the way keeps them there until the log is emptied the next time.
fn empty_log(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(error = %error, "The database log could not be emptied yet");
    }
}
