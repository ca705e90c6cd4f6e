//! Moves committed pages from the log into the database, beside the commits instead of inside them.

use super::schema;
use crate::OpenError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long commits gather before their pages are moved: often enough to keep the log short, rarely enough to write
/// a page that changes with every commit only once.
const INTERVAL: Duration = Duration::from_millis(250);

/// The checkpoint thread. Idle while nothing is written.
pub(super) struct Checkpoints {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer tells the thread.
pub(super) struct Signal {
    dirty: AtomicBool,
    stop: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Something was committed.
    pub(super) fn committed(&self) {
        if !self.dirty.swap(true, Ordering::AcqRel) {
            let _stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
            self.changed.notify_one();
        }
    }
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let connection = schema::connect(path).map_err(OpenError::database(path))?;
        let signal =
            Arc::new(Signal { dirty: AtomicBool::new(false), stop: Mutex::new(false), changed: Condvar::new() });
        let of_thread = Arc::clone(&signal);
        let thread = thread::Builder::new()
            .name("msp-checkpoint".to_owned())
            .spawn(move || run(&connection, &of_thread))
            .map_err(OpenError::io(path))?;
        Ok(Self { signal, thread: Some(thread) })
    }

    pub(super) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        *self.signal.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.signal.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, signal: &Signal) {
    let mut stop = signal.stop.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let idle = |stop: &mut bool| !*stop && !signal.dirty.load(Ordering::Acquire);
        stop = signal.changed.wait_while(stop, idle).unwrap_or_else(PoisonError::into_inner);
        let gather = signal.changed.wait_timeout_while(stop, INTERVAL, |stop| !*stop);
        stop = gather.unwrap_or_else(PoisonError::into_inner).0;
        if *stop {
            return;
        }
        signal.dirty.store(false, Ordering::Release);
        drop(stop);
        // PASSIVE moves what it can and never makes a reader or writer wait. What fails is moved the next time.
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(error = %error, "The database log could not be moved into the database.");
        }
        stop = signal.stop.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
