//! A copy of the database as it is at one moment, and reading such a copy.

use super::schema;
use crate::backup::BackupError;
use msp_storage::blobs::NAMES_A_BLOB;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;

/// Copies a database that others may be writing to into an empty file. The copy is one moment of it, compact, and in a
/// single file. It holds up no writer; but while it is made, the write-ahead log cannot shrink.
pub(crate) fn copy(database: &Path, copy: &Path) -> Result<(), BackupError> {
    let text = copy.to_str().ok_or_else(|| BackupError::Unreadable { path: copy.to_owned() })?;
    let connection = schema::connect(database).map_err(BackupError::database(database))?;
    connection.execute("VACUUM INTO ?1", [text]).map_err(BackupError::database(copy))?;
    Ok(())
}

/// The faults SQLite finds in a database: none in a sound one.
pub(crate) fn faults(database: &Path) -> Result<Vec<String>, rusqlite::Error> {
    let check = || {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(schema::BUSY_TIMEOUT)?;
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let lines: Result<Vec<String>, _> = statement.query_map([], |row| row.get(0))?.collect();
        lines
    };
    match check() {
        Ok(lines) if lines == ["ok"] => Ok(Vec::new()),
        Ok(lines) => Ok(lines),
        // So damaged that it cannot even be checked.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(vec![error.to_string()]),
        Err(error) => Err(error),
    }
}

/// Tells `see` the path of every blob that a row of a database names.
pub(crate) fn named_blobs(database: &Path, mut see: impl FnMut(&str)) -> Result<(), rusqlite::Error> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(
        "SELECT property.value FROM entities, json_each(entities.props) AS property
         WHERE instr(entities.props, ?1 || '\":\"') > 0
         AND property.type = 'text' AND substr(property.key, -length(?1)) = ?1",
    )?;
    let mut rows = statement.query([NAMES_A_BLOB])?;
    while let Some(row) = rows.next()? {
        if let Ok(path) = row.get_ref(0)?.as_str() {
            see(path);
        }
    }
    Ok(())
}
