//! The write-ahead log of the database: written over again and again, and kept below a size.
//!
//! Appending to a file makes the file system write down its new length with every commit; writing over what is there
//! does not, and takes half as long. So the log starts over as soon as it holds some megabytes, and its file is made
//! shorter only when a reader kept it from starting over for long.

use super::schema;
use rusqlite::{Connection, Error, Row};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The size at which the log starts over: what the checkpoint thread has moved by then lies in memory still, and the
/// rest is moved within milliseconds.
const START_OVER_BYTES: u64 = 16 * 1024 * 1024;
/// Above this its file is made shorter as well.
pub(super) const MAX_BYTES: u64 = 64 * 1024 * 1024;
const PAGE_BYTES: u64 = 4096;
/// How long starting over may wait for readers, and how long after a failure it is not tried again.
const READERS_WAIT: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_secs(2);

/// The log of one database, as its writer sees it.
pub(super) struct Log {
    path: PathBuf,
    max_bytes: u64,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicU64>,
    not_before: Instant,
}

impl Log {
    /// Watches the log of a connection, the only one that writes in this process.
    pub(super) fn of(connection: &mut Connection, database: &Path, max_bytes: u64) -> Result<Self, Error> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let pages = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            counted.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { path: path.into(), max_bytes, pages, not_before: Instant::now() })
    }

    /// Whether it is time to start over, which may make its caller wait.
    pub(super) fn is_due(&self) -> bool {
        let bytes = self.pages.load(Ordering::Relaxed) * PAGE_BYTES;
        bytes >= START_OVER_BYTES.min(self.max_bytes) && Instant::now() >= self.not_before
    }

    /// Starts over if it is time to.
    pub(super) fn bound(&mut self, connection: &Connection) {
        if !self.is_due() {
            return;
        }
        let is_too_long = fs::metadata(&self.path).is_ok_and(|log| log.len() > self.max_bytes);
        let how = if is_too_long { "TRUNCATE" } else { "RESTART" };
        if checkpoint(connection, how) {
            self.pages.store(0, Ordering::Relaxed);
        } else {
            self.not_before = Instant::now() + PAUSE;
        }
    }

    /// Moves everything into the database and truncates the log.
    pub(super) fn empty(&self, connection: &Connection) {
        checkpoint(connection, "TRUNCATE");
    }
}

/// Moves everything into the database. `false` when a reader was in the way. The checkpoint thread may be, too (SQLite
/// then gives no figures): it is done in a moment, and the next commit tries again.
fn checkpoint(connection: &Connection, how: &str) -> bool {
    let _ = connection.busy_timeout(READERS_WAIT);
    let figures = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], figures);
    let _ = connection.busy_timeout(schema::BUSY_TIMEOUT);
    matches!(done, Ok((0, _) | (_, -1)))
}
