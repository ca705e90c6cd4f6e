//! One execution inside a worker, as the reader of that worker sees it.

use super::{
    CallRefusal, RawLine, RunHost, StepChange, TargetKind,
    frames::{FinishedAs, Progress, StepFrame},
    step_rules::StepRules,
};
use msp_domain::{ExecutionId, LogLevel};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Text on its way to the host's side of one execution. Full, its worker is not read: a flood slows its own run.
const BUFFERED_BYTES: u32 = 4 * 1024 * 1024;
/// Calls of one execution the host works on at a time.
const CALLS_AT_ONCE: usize = 32;
/// Calls of one execution that may wait besides; more is no program but an attack.
const MOST_CALLS: usize = 4096;
/// What a line costs besides its text.
const LINE_BYTES: usize = 64;

/// Why the host lost a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    pub error_type: &'static str,
    pub message: String,
}

/// What happens to an execution, in order; the ending is last.
pub(super) enum Event {
    Lines(Vec<RawLine>, OwnedSemaphorePermit),
    /// There is new progress: see [`Flight::take_progress`].
    Progress,
    Step(StepChange),
    Finished(FinishedAs),
    Lost(Loss),
}

pub(super) struct Flight {
    pub id: ExecutionId,
    pub kind: TargetKind,
    pub name: String,
    pub host: Arc<dyn RunHost>,
    /// Ends the host's work on calls of this execution.
    pub ended: CancellationToken,
    /// Whether a blocked loop was reported already.
    pub warned: AtomicBool,
    events: mpsc::UnboundedSender<Event>,
    progress: Mutex<Option<Progress>>,
    steps: Mutex<StepRules>,
    room: Arc<Semaphore>,
    calls: Arc<Semaphore>,
    open_calls: AtomicUsize,
}

impl Flight {
    pub fn new(
        id: ExecutionId,
        kind: TargetKind,
        name: String,
        host: Arc<dyn RunHost>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Event>) {
        let (events, incoming) = mpsc::unbounded_channel();
        let flight = Self {
            id,
            kind,
            name,
            host,
            ended: CancellationToken::new(),
            warned: AtomicBool::new(false),
            events,
            progress: Mutex::default(),
            steps: Mutex::default(),
            room: Arc::new(Semaphore::new(BUFFERED_BYTES as usize)),
            calls: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            open_calls: AtomicUsize::new(0),
        };
        (Arc::new(flight), incoming)
    }

    /// Hands lines over, waiting for room.
    pub async fn log(&self, lines: Vec<RawLine>) {
        if lines.is_empty() {
            return;
        }
        let bytes: usize = lines.iter().map(|line| line.message.len() + line.source.len() + LINE_BYTES).sum();
        let bytes = u32::try_from(bytes).unwrap_or(BUFFERED_BYTES).min(BUFFERED_BYTES);
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await {
            let _ = self.events.send(Event::Lines(lines, room));
        }
    }

    /// Whether a captured pipe may be read for this execution without waiting long.
    pub fn has_room(&self) -> bool {
        self.room.available_permits() > BUFFERED_BYTES as usize / 4
    }

    /// A line of the platform itself; never waits.
    pub fn remark(&self, level: LogLevel, message: String) {
        // Remarks are few and short; one that finds no room would be lost on a flooded run, so it takes none.
        if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(0) {
            let line = RawLine { at: chrono::Utc::now(), level, source: "platform".to_owned(), message, step: None };
            let _ = self.events.send(Event::Lines(vec![line], room));
        }
    }

    /// Keeps the latest progress only: a flood of it costs nothing.
    pub fn progress(&self, progress: Progress) {
        if super::lock(&self.progress).replace(progress).is_none() {
            let _ = self.events.send(Event::Progress);
        }
    }

    pub fn take_progress(&self) -> Option<Progress> {
        super::lock(&self.progress).take()
    }

    /// Takes the beginning or the end of a step.
    ///
    /// # Errors
    /// What the frame got wrong; no honest worker sends such a one.
    pub fn step(&self, frame: StepFrame) -> Result<(), String> {
        let change = super::lock(&self.steps).take(frame)?;
        let _ = self.events.send(Event::Step(change));
        Ok(())
    }

    /// Whether a step of this number has begun.
    pub fn knows_step(&self, seq: u32) -> bool {
        super::lock(&self.steps).knows(seq)
    }

    /// Says how it ended and stops the host's work on its calls.
    pub fn end(&self, ending: Event) {
        self.ended.cancel();
        let _ = self.events.send(ending);
    }

    /// Reserves a place for one more call; `None` when there are absurdly many.
    pub fn open_call(self: &Arc<Self>) -> Option<OpenCall> {
        let open = self.open_calls.fetch_add(1, Ordering::Relaxed);
        let place = OpenCall { flight: Arc::clone(self) };
        (open < MOST_CALLS).then_some(place)
    }
}

/// One call being answered.
pub(super) struct OpenCall {
    pub flight: Arc<Flight>,
}

impl OpenCall {
    /// Asks the host; `None` once the execution has ended.
    pub async fn answer(
        &self,
        method: &str,
        arguments: serde_json::Map<String, serde_json::Value>,
    ) -> Option<Result<serde_json::Value, CallRefusal>> {
        let work = async {
            let _turn = self.flight.calls.acquire().await;
            self.flight.host.call(method, arguments).await
        };
        self.flight.ended.run_until_cancelled(work).await
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.flight.open_calls.fetch_sub(1, Ordering::Relaxed);
    }
}
