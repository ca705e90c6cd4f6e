//! The one thread that writes. It takes everything that queued up while it was committing and commits it together,
//! so that one wait for the disk serves many callers. Each request stands in a savepoint of its own: one that fails
//! takes nobody else's with it.

use super::checkpoint::{Checkpoints, Signal};
use super::schema::{self, KEY_CHECK_PARTITION, KEY_CHECK_PROPERTY, KEY_CHECK_ROW};
use super::{apply, fault};
use crate::OpenError;
use msp_storage::{Commit, Entity, Etag, StoreError, Table, Write};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; more wait at their callers, which bounds memory.
const QUEUE: usize = 1024;
/// Most requests of one commit, so that the first does not wait for a thousand others to be applied.
const MAX_GROUP: usize = 256;
/// Above this the log is emptied between two commits: a passive checkpoint never restarts a log that is always in
/// use, and it would grow without end.
const MAX_LOG_BYTES: u64 = 64 * 1024 * 1024;
/// How long emptying may wait for readers, and how long after a failure it is not tried again.
const EMPTYING_WAIT: Duration = Duration::from_millis(200);
const EMPTYING_PAUSE: Duration = Duration::from_secs(2);

type Outcome = Result<Vec<Option<Etag>>, StoreError>;

struct Request {
    commit: Commit,
    reply: oneshot::Sender<Outcome>,
}

pub(super) struct Writer {
    path: PathBuf,
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    _checkpoints: Checkpoints,
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = schema::connect(path).map_err(OpenError::database(path))?;
        let checkpoints = Checkpoints::start(path)?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let log = Log::new(path);
        let signal = checkpoints.signal();
        let thread = thread::Builder::new()
            .name("msp-writer".to_owned())
            .spawn(move || run(&connection, requests, log, &signal))
            .map_err(OpenError::io(path))?;
        Ok(Self { path: path.to_owned(), queue: Some(queue), thread: Some(thread), _checkpoints: checkpoints })
    }

    /// Commits, durably. A caller that stops waiting does not stop the commit.
    pub(super) async fn commit(&self, commit: Commit) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let ended = || StoreError::unavailable("the writer of the store has ended");
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.send(Request { commit, reply }).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }

    /// Keeps a key check unless there is one, and answers the one that is kept. Called before anything else.
    pub(super) fn keep_key_check(&self, check: &str) -> Result<String, OpenError> {
        let connection = schema::connect(&self.path).map_err(OpenError::database(&self.path))?;
        if let Some(kept) = schema::key_check(&connection, &self.path)? {
            return Ok(kept);
        }
        let row = Entity::new(KEY_CHECK_PARTITION, KEY_CHECK_ROW).with(KEY_CHECK_PROPERTY, check);
        match alone(&connection, &Commit::of(vec![(Table::Secrets, Write::Insert(row))])) {
            Ok(_) | Err(StoreError::AlreadyExists) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(schema::key_check(&connection, &self.path)?.unwrap_or_default())
    }
}

impl Drop for Writer {
    /// Waits until everything queued is durable.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, mut requests: mpsc::Receiver<Request>, mut log: Log, signal: &Signal) {
    while let Some(first) = requests.blocking_recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(next) = requests.try_recv()
        {
            group.push(next);
        }
        let outcomes = together(connection, &group);
        signal.committed();
        for (request, outcome) in group.into_iter().zip(outcomes) {
            // A caller that is gone needs no answer.
            let _ = request.reply.send(outcome);
        }
        log.bound(connection);
    }
    log.empty(connection);
}

/// One commit of one request.
fn alone(connection: &Connection, commit: &Commit) -> Outcome {
    let (reply, _) = oneshot::channel();
    let group = [Request { commit: commit.clone(), reply }];
    together(connection, &group).pop().unwrap_or(Ok(Vec::new()))
}

/// Commits a group; answers one outcome per request.
fn together(connection: &Connection, group: &[Request]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(group.len());
    let lost = match execute(connection, "BEGIN IMMEDIATE") {
        Ok(()) => {
            for request in group {
                outcomes.push(within_savepoint(connection, &request.commit));
                // A full or broken disk makes SQLite give up the whole transaction, earlier requests included.
                if connection.is_autocommit() {
                    break;
                }
            }
            if connection.is_autocommit() {
                Some(
                    outcomes
                        .pop()
                        .and_then(Result::err)
                        .unwrap_or_else(|| StoreError::unavailable("the transaction was given up")),
                )
            } else {
                execute(connection, "COMMIT").err()
            }
        }
        Err(error) => Some(error),
    };
    match lost {
        None => outcomes,
        Some(error) => {
            if !connection.is_autocommit() {
                let _ = execute(connection, "ROLLBACK");
            }
            tracing::error!(error = %error, requests = group.len(), "A group of writes could not be committed.");
            group.iter().map(|_| Err(same(&error))).collect()
        }
    }
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

/// The write-ahead log, kept below a size.
struct Log {
    path: PathBuf,
    not_before: Instant,
}

impl Log {
    fn new(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), not_before: Instant::now() }
    }

    fn bound(&mut self, connection: &Connection) {
        let too_long = fs::metadata(&self.path).is_ok_and(|log| log.len() > MAX_LOG_BYTES);
        if too_long && Instant::now() >= self.not_before && !self.empty(connection) {
            self.not_before = Instant::now() + EMPTYING_PAUSE;
        }
    }

    /// Moves everything into the database and truncates the log. `false` when a reader was in the way.
    fn empty(&self, connection: &Connection) -> bool {
        let _ = connection.busy_timeout(EMPTYING_WAIT);
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        let _ = connection.busy_timeout(schema::BUSY_TIMEOUT);
        busy == Ok(0)
    }
}
