//! The file format: its version, and how every connection is set up.

use super::codec;
use crate::OpenError;
use msp_storage::{Property, Table};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// The format this version writes (`PRAGMA user_version`).
pub(crate) const FORMAT: i64 = 1;
/// `MSPA` (`PRAGMA application_id`): tells our files from other SQLite databases.
const APPLICATION_ID: i64 = 0x4d53_5041;
/// How long one process waits for another's commit. Commits take milliseconds; a checkpoint of a full log may take
/// a second on a slow disk.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) const KEY_CHECK_PARTITION: &str = "KEY";
pub(crate) const KEY_CHECK_ROW: &str = "check";
pub(crate) const KEY_CHECK_PROPERTY: &str = "Sealed";

const CREATE: &str = "
    CREATE TABLE entities (
        id INTEGER PRIMARY KEY,
        tbl TEXT NOT NULL,
        pk TEXT NOT NULL,
        rk TEXT NOT NULL,
        etag INTEGER NOT NULL,
        props TEXT NOT NULL,
        UNIQUE (tbl, pk, rk)
    );
    PRAGMA application_id = 0x4d535041;
    PRAGMA user_version = 1;
";

/// The order of rows over all partitions ([`msp_storage::Timeline`]). Files of earlier versions get it when they are opened,
/// and earlier versions keep it up: the format stays the same.
const CREATE_TIMELINES: &str = "
    CREATE INDEX IF NOT EXISTS executions_in_time ON entities (rk) WHERE tbl = 'WorkflowExecutions';
    CREATE INDEX IF NOT EXISTS audit_in_time ON entities (rk) WHERE tbl = 'AuditLogs';
    CREATE INDEX IF NOT EXISTS batches_in_time ON entities (rk) WHERE tbl = 'Batches';
";

/// A connection to an existing file, set up the way every one is.
pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The checkpoint thread does it, so that no commit has to wait for one.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Makes the schema in an empty file; refuses files that are newer or not ours.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    let mut connection = connect(path).map_err(refused(path))?;
    // The page size can only be chosen before the log is switched on.
    connection.pragma_update(None, "page_size", 4096).map_err(refused(path))?;
    let is_ours_already = is_ours(&connection, path)?;
    // A copy that SQLite made for a backup has no log; where there is one, this changes nothing.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(refused(path))?;
    if !is_ours_already {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused(path))?;
        // Another process may have made it while this one waited for the lock.
        if !is_ours(&transaction, path)? {
            transaction.execute_batch(CREATE).map_err(refused(path))?;
        }
        transaction.commit().map_err(refused(path))?;
    }
    connection.execute_batch(CREATE_TIMELINES).map_err(refused(path))
}

/// The key check of a database, if it has one. Nothing is changed.
pub(super) fn peek_key_check(path: &Path) -> Result<Option<String>, OpenError> {
    let connection = connect(path).map_err(refused(path))?;
    if is_ours(&connection, path)? { key_check(&connection, path) } else { Ok(None) }
}

/// The key check in an open database.
pub(super) fn key_check(connection: &Connection, path: &Path) -> Result<Option<String>, OpenError> {
    let props: Option<String> = connection
        .query_row(
            "SELECT props FROM entities WHERE tbl = ?1 AND pk = ?2 AND rk = ?3",
            (Table::Secrets.name(), KEY_CHECK_PARTITION, KEY_CHECK_ROW),
            |row| row.get(0),
        )
        .optional()
        .map_err(refused(path))?;
    let Some(props) = props else { return Ok(None) };
    match codec::decode(&props)?.remove(KEY_CHECK_PROPERTY) {
        Some(Property::String(check)) => Ok(Some(check)),
        // Not a missing check: whatever key there is, it does not fit.
        _ => Ok(Some(String::new())),
    }
}

/// Whether the file has our schema; `false` for an empty one.
fn is_ours(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(refused(path));
    let (found, application_id) = (pragma("user_version")?, pragma("application_id")?);
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(refused(path))?;
    if objects == 0 && found == 0 && application_id == 0 {
        return Ok(false);
    }
    if application_id != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if found > FORMAT {
        return Err(OpenError::TooNew { path: path.to_owned(), found, known: FORMAT });
    }
    Ok(true)
}

fn refused(path: &Path) -> impl Fn(Error) -> OpenError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: path.to_owned() },
        _ => OpenError::database(path)(error),
    }
}
