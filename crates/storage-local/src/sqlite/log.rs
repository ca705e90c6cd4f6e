//! The write-ahead log of the database, kept below a size.

use super::schema;
use rusqlite::{Connection, Row};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Above this the log is emptied between two commits: a passive checkpoint never restarts a log that is always in
/// use, and it would grow without end.
pub(super) const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How long emptying may wait for readers, and how long after a failure it is not tried again.
const EMPTYING_WAIT: Duration = Duration::from_millis(200);
const EMPTYING_PAUSE: Duration = Duration::from_secs(2);
/// Lone commits between two looks at its size: each adds some kilobytes, and a look costs a few microseconds.
const LOOK_EVERY: u32 = 16;

/// The log of one database, as its writer sees it.
pub(super) struct Log {
    path: PathBuf,
    max_bytes: u64,
    not_before: Instant,
    unseen: u32,
}

impl Log {
    pub(super) fn new(database: &Path, max_bytes: u64) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), max_bytes, not_before: Instant::now(), unseen: 0 }
    }

    /// Whether it is time to empty it, which may make its caller wait. Asked before a lone commit: looks now and then.
    pub(super) fn is_due(&mut self) -> bool {
        self.unseen += 1;
        self.unseen >= LOOK_EVERY && self.is_long()
    }

    /// Empties it if it has grown too long.
    pub(super) fn bound(&mut self, connection: &Connection) {
        if self.is_long() && !self.empty(connection) {
            self.not_before = Instant::now() + EMPTYING_PAUSE;
        }
    }

    fn is_long(&mut self) -> bool {
        self.unseen = 0;
        fs::metadata(&self.path).is_ok_and(|log| log.len() > self.max_bytes) && Instant::now() >= self.not_before
    }

    /// Moves everything into the database and truncates the log. `false` when a reader was in the way. The checkpoint
    /// thread may be, too (SQLite then gives no figures): it is done in a moment, and the next commit tries again.
    pub(super) fn empty(&self, connection: &Connection) -> bool {
        let _ = connection.busy_timeout(EMPTYING_WAIT);
        let figures = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], figures);
        let _ = connection.busy_timeout(schema::BUSY_TIMEOUT);
        matches!(emptied, Ok((0, _) | (_, -1)))
    }
}
