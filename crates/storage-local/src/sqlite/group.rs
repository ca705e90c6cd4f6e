//! Several commits as one transaction, so that one wait for the disk serves them all. Each stands in a savepoint of its
//! own: one that fails takes nobody else's with it.

use super::{apply, fault, schema};
use msp_storage::{Commit, Etag, StoreError};
use rusqlite::{Connection, ErrorCode};
use std::time::Duration;

/// What became of one commit: the new ETag of each write, or why nothing of it was written.
pub(super) type Outcome = Result<Vec<Option<Etag>>, StoreError>;

/// Makes one commit durable.
pub(super) fn alone(connection: &Connection, commit: &Commit) -> Outcome {
    together(connection, [commit].into_iter()).pop().unwrap_or(Ok(Vec::new()))
}

/// Makes one commit durable unless another process is writing at the moment: `None`, and nothing was waited for.
pub(super) fn alone_unless_busy(connection: &Connection, commit: &Commit) -> Option<Outcome> {
    let _ = connection.busy_timeout(Duration::ZERO);
    let begun = begin(connection);
    let _ = connection.busy_timeout(schema::BUSY_TIMEOUT);
    match begun {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        begun => within(connection, begun, [commit].into_iter()).pop(),
    }
}

/// Makes a group durable; answers one outcome per commit.
pub(super) fn together<'a>(
    connection: &Connection,
    group: impl ExactSizeIterator<Item = &'a Commit> + Clone,
) -> Vec<Outcome> {
    within(connection, begin(connection), group)
}

fn begin(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ())
}

/// Applies a group within the transaction that was begun, and ends it.
fn within<'a>(
    connection: &Connection,
    begun: Result<(), rusqlite::Error>,
    group: impl ExactSizeIterator<Item = &'a Commit> + Clone,
) -> Vec<Outcome> {
    let commits = group.len();
    let mut outcomes = Vec::with_capacity(commits);
    let lost = match begun.map_err(fault::of_write) {
        Ok(()) => {
            for commit in group {
                outcomes.push(if commits == 1 {
                    apply::apply(connection, commit)
                } else {
                    within_savepoint(connection, commit)
                });
                // A full or broken disk makes SQLite give up the whole transaction, earlier commits included.
                if connection.is_autocommit() {
                    break;
                }
            }
            end(connection, &mut outcomes)
        }
        Err(error) => Some(error),
    };
    let Some(error) = lost else { return outcomes };
    if !connection.is_autocommit() {
        let _ = execute(connection, "ROLLBACK");
    }
    tracing::error!(error = %error, commits, "A group of writes could not be committed.");
    (0..commits).map(|_| Err(same(&error))).collect()
}

/// Commits what was applied; answers why everything was lost, if it was.
fn end(connection: &Connection, outcomes: &mut Vec<Outcome>) -> Option<StoreError> {
    if connection.is_autocommit() {
        let cause = outcomes.pop().and_then(Result::err);
        return Some(cause.unwrap_or_else(|| StoreError::unavailable("the transaction was given up")));
    }
    if let [Err(_)] = outcomes[..] {
        // The only commit was refused: there is nothing to wait for the disk for.
        return execute(connection, "ROLLBACK").err();
    }
    execute(connection, "COMMIT").err()
}

fn within_savepoint(connection: &Connection, commit: &Commit) -> Outcome {
    execute(connection, "SAVEPOINT request")?;
    let outcome = apply::apply(connection, commit);
    if outcome.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK TO request")?;
    }
    if !connection.is_autocommit() {
        execute(connection, "RELEASE request")?;
    }
    outcome
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(|_| ()).map_err(fault::of_write)
}

/// The same error for everyone in a group.
fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full(reason) => StoreError::Full(reason.clone()),
        StoreError::Corrupt(reason) => StoreError::Corrupt(reason.clone()),
        StoreError::Unavailable(cause) => StoreError::unavailable(cause.to_string()),
        other => StoreError::unavailable(other.to_string()),
    }
}
