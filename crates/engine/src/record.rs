//! The record of one running execution, as this engine last wrote it. Every write is conditional on that version, so
//! progress and the ending go through here, one at a time.

use crate::{live::Live, log_sink::LogSink};
use msp_storage::{
    StoreError,
    repositories::executions::{Ending, Execution, Executions},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Progress is written at most this often: every write is a durable commit.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// The record. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Record {
    shared: Arc<Shared>,
}

struct Shared {
    executions: Executions,
    logs: LogSink,
    live: Live,
    state: Mutex<State>,
}

struct State {
    execution: Execution,
    percent: Option<f64>,
    message: Option<String>,
    /// Whether the latest progress is not on record yet.
    unwritten: bool,
    /// Whether a later write is on its way.
    scheduled: bool,
    written_at: Option<Instant>,
}

impl Record {
    pub fn new(executions: Executions, logs: LogSink, execution: Execution, live: Live) -> Self {
        let state = Mutex::new(State {
            execution,
            percent: None,
            message: None,
            unwritten: false,
            scheduled: false,
            written_at: None,
        });
        Self { shared: Arc::new(Shared { executions, logs, live, state }) }
    }

    /// The execution as last written.
    pub async fn snapshot(&self) -> Execution {
        self.shared.state.lock().await.execution.clone()
    }

    /// Takes the latest progress; writes it now, or when the interval allows. The latest is never lost.
    pub async fn progress(&self, percent: Option<f64>, message: Option<String>) {
        let mut state = self.shared.state.lock().await;
        if percent.is_some() {
            state.percent = percent.map(|percent| percent.clamp(0.0, 100.0));
        }
        if message.is_some() {
            state.message = message;
        }
        state.unwritten = true;
        let since = state.written_at.map_or(PROGRESS_INTERVAL, |at| at.elapsed());
        if since >= PROGRESS_INTERVAL {
            self.shared.write_progress(&mut state).await;
        } else if !state.scheduled {
            state.scheduled = true;
            let shared = self.shared.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PROGRESS_INTERVAL - since).await;
                let mut state = shared.state.lock().await;
                state.scheduled = false;
                shared.write_progress(&mut state).await;
            });
        }
    }

    /// Ends the execution.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`]: somebody else ended it. Any other error: try again.
    pub async fn finish(&self, ending: &Ending) -> Result<Execution, StoreError> {
        let mut state = self.shared.state.lock().await;
        self.shared.write_progress(&mut state).await;
        let finished = self.shared.executions.finish(&state.execution, ending).await?;
        state.execution = finished.clone();
        self.shared.live.moved();
        Ok(finished)
    }
}

impl Shared {
    /// Progress that cannot be written is no reason to fail a run; the next write carries it.
    async fn write_progress(&self, state: &mut State) {
        if !state.unwritten || state.execution.status.is_final() {
            return;
        }
        let through = self.logs.durable_through().await;
        match self
            .executions
            .update_progress(&mut state.execution, state.percent, state.message.as_deref(), through)
            .await
        {
            Ok(()) => {
                state.unwritten = false;
                self.live.moved();
            }
            Err(error) => {
                tracing::warn!(execution.id = %state.execution.id, error = %error, "Progress could not be written yet");
            }
        }
        state.written_at = Some(Instant::now());
    }
}
