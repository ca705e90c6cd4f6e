//! The log of one execution: masked, numbered, capped, written in batches.

use crate::{line_masker::LineMasker, live::Live, masking::Masker, runtime::Runtime, workers::RawLine};
use chrono::SubsecRound;
use msp_domain::{Clock, LogLevel, LogLine};
use msp_storage::{
    StoreError,
    repositories::executions::{Execution, Executions},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Lines are written once this much has gathered ...
const FLUSH_BYTES: usize = 16 * 1024;
/// ... or this long after the first of them.
const FLUSH_AFTER: Duration = Duration::from_millis(250);
/// Of a longer log, this much of its beginning is kept, and as much of its end (design section 6).
const KEEP_BYTES: usize = 5 * 1024 * 1024;
/// Characters of a source that are kept: the name of a logger is meant to be short.
const SOURCE_CHARS: usize = 200;
/// What a line costs besides its text: many empty lines must reach the cap too.
const LINE_OVERHEAD_BYTES: usize = 64;

/// Takes the lines of one execution. Clones are the same sink.
#[derive(Clone)]
pub struct LogSink {
    shared: Arc<Shared>,
}

struct Shared {
    executions: Executions,
    masker: Masker,
    clock: Arc<dyn Clock>,
    execution: Arc<Execution>,
    live: Live,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the last line that was numbered.
    seq: u64,
    /// Every line up to this number is durable.
    durable: u64,
    pending: Vec<LogLine>,
    pending_bytes: usize,
    lines: LineMasker,
    flush_scheduled: bool,
    head_bytes: usize,
    tail: VecDeque<LogLine>,
    tail_bytes: usize,
    dropped_lines: u64,
    dropped_bytes: usize,
}

impl LogSink {
    /// An empty log of this execution.
    pub fn new(runtime: &Runtime, masker: Masker, execution: Arc<Execution>, live: Live) -> Self {
        let (executions, clock) = (runtime.repositories.executions.clone(), runtime.clock.clone());
        Self { shared: Arc::new(Shared { executions, masker, clock, execution, live, state: Mutex::default() }) }
    }

    /// Takes lines. Waits while a batch is written: the worker that floods is slowed, nobody else.
    pub async fn push(&self, lines: Vec<RawLine>) {
        let mut state = self.shared.state.lock().await;
        for line in lines {
            for line in state.lines.take(&self.shared.masker, line) {
                state.take(stored(line));
            }
        }
        if state.pending_bytes >= FLUSH_BYTES {
            self.shared.flush(&mut state).await;
        } else if !state.pending.is_empty() && !state.flush_scheduled {
            state.flush_scheduled = true;
            let shared = self.shared.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FLUSH_AFTER).await;
                let mut state = shared.state.lock().await;
                state.flush_scheduled = false;
                shared.flush(&mut state).await;
            });
        }
    }

    /// A line of the platform itself.
    pub async fn say(&self, level: LogLevel, source: &str, message: String) {
        let at = self.shared.clock.now();
        self.push(vec![RawLine { at, level, source: source.to_owned(), message, step: None }]).await;
    }

    /// Every line up to this number is durable.
    pub async fn durable_through(&self) -> u64 {
        self.shared.state.lock().await.durable
    }

    /// Writes everything, the kept end of a capped log included; answers the number of the last line.
    ///
    /// # Errors
    /// [`StoreError`] when lines could not be written; they are kept, so calling again is right.
    pub async fn finish(&self) -> Result<u64, StoreError> {
        let mut state = self.shared.state.lock().await;
        for line in state.lines.finish(&self.shared.masker) {
            state.take(stored(line));
        }
        state.append_tail(self.shared.clock.now());
        self.shared.write(&mut state).await?;
        Ok(state.seq)
    }
}

/// A masked line as it is stored.
fn stored(line: RawLine) -> LogLine {
    LogLine {
        seq: 0,
        // Every stored instant is to the millisecond.
        at: line.at.trunc_subsecs(3),
        level: line.level,
        source: line.source.chars().take(SOURCE_CHARS).collect(),
        message: line.message,
        step: line.step,
    }
}

impl State {
    fn take(&mut self, line: LogLine) {
        let bytes = line.message.len() + line.source.len() + LINE_OVERHEAD_BYTES;
        if self.head_bytes + bytes <= KEEP_BYTES && self.tail.is_empty() {
            self.head_bytes += bytes;
            self.pending_bytes += bytes;
            self.number(line);
            return;
        }
        self.tail_bytes += bytes;
        self.tail.push_back(line);
        while self.tail_bytes > KEEP_BYTES {
            let Some(oldest) = self.tail.pop_front() else { break };
            let bytes = oldest.message.len() + oldest.source.len() + LINE_OVERHEAD_BYTES;
            self.tail_bytes -= bytes;
            self.dropped_lines += 1;
            self.dropped_bytes += oldest.message.len();
        }
    }

    fn number(&mut self, mut line: LogLine) {
        self.seq += 1;
        line.seq = self.seq;
        self.pending.push(line);
    }

    fn append_tail(&mut self, now: chrono::DateTime<chrono::Utc>) {
        if self.dropped_lines > 0 {
            let message = format!(
                "{} lines ({} bytes) were left out here: a log keeps its first and last {} MiB",
                self.dropped_lines,
                self.dropped_bytes,
                KEEP_BYTES / (1024 * 1024)
            );
            self.dropped_lines = 0;
            let (level, source) = (LogLevel::Warning, "platform".into());
            self.number(LogLine { seq: 0, at: now, level, source, message, step: None });
        }
        for line in std::mem::take(&mut self.tail) {
            self.number(line);
        }
        self.tail_bytes = 0;
    }
}

impl Shared {
    /// Writes what is pending; what cannot be written stays for the next time, and the log says nothing is lost yet.
    async fn flush(&self, state: &mut State) {
        if let Err(error) = self.write(state).await {
            tracing::warn!(execution.id = %self.execution.id, error = %error, "Log lines could not be written yet; they are kept");
        }
    }

    async fn write(&self, state: &mut State) -> Result<(), StoreError> {
        if state.pending.is_empty() {
            return Ok(());
        }
        self.executions.append_logs(&self.execution, &state.pending).await?;
        state.durable = state.seq;
        state.pending.clear();
        state.pending_bytes = 0;
        self.live.moved();
        Ok(())
    }
}
