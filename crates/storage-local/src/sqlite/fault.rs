//! What SQLite's errors mean to a caller.

use msp_storage::StoreError;
use rusqlite::{Error, ErrorCode};

/// A failed read.
pub(super) fn of_read(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::unavailable(error),
    }
}

/// A failed write. A disk that is full, broken or read-only will not take the next one either; a database that is
/// busy will.
pub(super) fn of_write(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure) => {
            StoreError::Full(error.to_string())
        }
        _ => of_read(error),
    }
}
