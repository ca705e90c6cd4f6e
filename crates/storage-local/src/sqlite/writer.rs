//! The one connection that writes, and the thread that owns the queue to it. The thread takes everything that queued up
//! while it was committing and commits it together. A commit that finds nobody else at work is made on its caller's own
//! thread: without company, two changes of thread cost more than they save.

use super::checkpoint::{Checkpoints, Signal};
use super::group::{self, Outcome};
use super::log::{self, Log};
use super::schema::{self, KEY_CHECK_PARTITION, KEY_CHECK_PROPERTY, KEY_CHECK_ROW};
use crate::OpenError;
use crate::metrics::StoreMetrics;
use msp_storage::{Commit, Entity, StoreError, Table, Write};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; more wait at their callers, which bounds memory.
const QUEUE: usize = 1024;
/// Most requests of one commit, so that the first does not wait for a thousand others to be applied.
const MAX_GROUP: usize = 256;
/// A commit that took longer than this keeps the next one off the threads that serve requests: there, a slow disk would
/// hold up more than the writes. A local disk takes a fraction of a millisecond.
const QUICK: Duration = Duration::from_millis(2);

struct Request {
    commit: Commit,
    reply: oneshot::Sender<Outcome>,
}

pub(super) struct Writer {
    path: PathBuf,
    desk: Arc<Desk>,
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    _checkpoints: Checkpoints,
}

/// Where all commits are made.
struct Desk {
    core: Mutex<Core>,
    /// Requests sent to the thread and not answered yet.
    waiting: AtomicUsize,
    /// Whether the last commit was quick and had no company: then the next one will hardly find any either.
    quiet: AtomicBool,
    signal: Arc<Signal>,
    metrics: StoreMetrics,
}

struct Core {
    connection: Connection,
    log: Log,
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_bounded(path, log::MAX_BYTES)
    }

    /// [`Self::open`] with another bound of the log, for tests.
    fn open_bounded(path: &Path, max_log_bytes: u64) -> Result<Self, OpenError> {
        let mut connection = schema::connect(path).map_err(OpenError::database(path))?;
        let log = Log::of(&mut connection, path, max_log_bytes).map_err(OpenError::database(path))?;
        let checkpoints = Checkpoints::start(path)?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let desk = Arc::new(Desk {
            core: Mutex::new(Core { connection, log }),
            waiting: AtomicUsize::new(0),
            quiet: AtomicBool::new(true),
            signal: checkpoints.signal(),
            metrics: StoreMetrics::new(path),
        });
        let of_thread = Arc::clone(&desk);
        let thread = thread::Builder::new()
            .name("msp-writer".to_owned())
            .spawn(move || of_thread.serve(requests))
            .map_err(OpenError::io(path))?;
        Ok(Self { path: path.to_owned(), desk, queue: Some(queue), thread: Some(thread), _checkpoints: checkpoints })
    }

    /// Commits, durably. A caller that stops waiting does not stop the commit.
    pub(super) async fn commit(&self, commit: Commit) -> Outcome {
        let outcome = self.commit_somewhere(commit).await;
        if matches!(outcome, Err(StoreError::Full(_) | StoreError::Unavailable(_) | StoreError::Corrupt(_))) {
            self.desk.metrics.failed();
        }
        outcome
    }

    /// What is counted of the commits.
    pub(super) fn metrics(&self) -> StoreMetrics {
        self.desk.metrics.clone()
    }

    async fn commit_somewhere(&self, commit: Commit) -> Outcome {
        if let Some(outcome) = self.desk.commit_here(&commit) {
            return outcome;
        }
        let (reply, outcome) = oneshot::channel();
        let ended = || StoreError::unavailable("the writer of the store has ended");
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        let place = queue.reserve().await.map_err(|_| ended())?;
        self.desk.waiting.fetch_add(1, Ordering::AcqRel);
        place.send(Request { commit, reply });
        outcome.await.map_err(|_| ended())?
    }

    /// Keeps a key check unless there is one, and answers the one that is kept. Called before anything else.
    pub(super) fn keep_key_check(&self, check: &str) -> Result<String, OpenError> {
        let connection = schema::connect(&self.path).map_err(OpenError::database(&self.path))?;
        if let Some(kept) = schema::key_check(&connection, &self.path)? {
            return Ok(kept);
        }
        let row = Entity::new(KEY_CHECK_PARTITION, KEY_CHECK_ROW).with(KEY_CHECK_PROPERTY, check);
        match group::alone(&connection, &Commit::of(vec![(Table::Secrets, Write::Insert(row))])) {
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

impl Desk {
    /// Commits on the thread of the caller, if that is quicker for everybody; `None` if the queue is.
    fn commit_here(&self, commit: &Commit) -> Option<Outcome> {
        if !self.quiet.load(Ordering::Acquire) || self.waiting.load(Ordering::Acquire) > 0 {
            return None;
        }
        let core = match self.core.try_lock() {
            Ok(core) => core,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        // Emptying the log may take a while; the thread has the time.
        if core.log.is_due() {
            return None;
        }
        let began = Instant::now();
        let outcome = group::alone_unless_busy(&core.connection, commit)?;
        self.note(1, began);
        Some(outcome)
    }

    /// Counts and remembers how the last commit went, and has its pages moved.
    fn note(&self, requests: usize, began: Instant) {
        let took = began.elapsed();
        self.metrics.committed(requests, took);
        self.quiet.store(requests == 1 && took < QUICK, Ordering::Release);
        self.signal.committed();
    }

    /// The work of the thread, until nobody can send any more.
    fn serve(&self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            let mut group = vec![first];
            while group.len() < MAX_GROUP
                && let Ok(next) = requests.try_recv()
            {
                group.push(next);
            }
            let began = Instant::now();
            let outcomes = group::together(&core.connection, group.iter().map(|request| &request.commit));
            self.note(group.len(), began);
            self.waiting.fetch_sub(group.len(), Ordering::AcqRel);
            for (request, outcome) in group.into_iter().zip(outcomes) {
                // A caller that is gone needs no answer.
                let _ = request.reply.send(outcome);
            }
            let Core { connection, log } = &mut *core;
            log.bound(connection);
        }
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        core.log.empty(&core.connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const BOUND: u64 = 1 << 20;
    /// Longer than anything here takes on a busy machine, and than the pause after a reader was in the way.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Store {
        writer: Writer,
        log: PathBuf,
        written: i64,
        // Last: it goes when the writer has closed its files.
        folder: tempfile::TempDir,
    }

    impl Store {
        fn open() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("msp.db");
            fs::File::create(&path).expect("a file");
            schema::prepare(&path).expect("a schema");
            let writer = Writer::open_bounded(&path, BOUND).expect("opens");
            Self { writer, log: folder.path().join("msp.db-wal"), written: 0, folder }
        }

        /// Writes an eighth of the bound.
        async fn write(&mut self) {
            let text = "x".repeat(25_000);
            let row = (0..5).fold(Entity::new("P", format!("{:06}", self.written)), |row, number| {
                row.with(&format!("Text{number}"), text.as_str())
            });
            self.writer.commit(Commit::of(vec![(Table::AuditLogs, Write::Insert(row))])).await.expect("committed");
            self.written += 1;
        }

        fn log_bytes(&self) -> u64 {
            fs::metadata(&self.log).map_or(0, |log| log.len())
        }

        fn reader(&self) -> Connection {
            schema::connect(&self.folder.path().join("msp.db")).expect("opens")
        }
    }

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM entities WHERE pk = 'P'", [], |row| row.get(0)).expect("counted")
    }

    #[tokio::test]
    async fn the_log_stays_below_its_bound_however_much_is_written() {
        let mut store = Store::open();
        let mut longest = 0;
        for _ in 0..400 {
            store.write().await;
            longest = longest.max(store.log_bytes());
        }
        // It goes on growing while the checkpoint thread moves what is there.
        assert!(longest < 6 * BOUND, "fifty times the bound was written, and the log had {longest} bytes");
        assert_eq!(rows(&store.reader()), 400);
    }

    #[tokio::test]
    async fn a_reader_in_the_way_stops_no_write_and_the_log_shrinks_once_it_is_gone() {
        let mut store = Store::open();
        store.write().await;
        let reader = store.reader();
        reader.execute_batch("BEGIN").expect("begins");
        assert_eq!(rows(&reader), 1);
        while store.log_bytes() <= 2 * BOUND {
            store.write().await;
        }
        assert_eq!(rows(&reader), 1, "it sees what was there when it began");
        reader.execute_batch("COMMIT").expect("ends");
        let give_up = Instant::now() + PATIENCE;
        while store.log_bytes() > BOUND {
            store.write().await;
            assert!(Instant::now() < give_up, "the log stays at {} bytes", store.log_bytes());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(rows(&reader), store.written);
    }
}
