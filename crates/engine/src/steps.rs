//! The steps of one execution: masked, written in batches, all closed at its end.

use crate::{
    live::Live,
    masking::Masker,
    workers::{STEP_MESSAGE_CHARS, STEP_NAME_CHARS, StepChange, StepEvent},
};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionStatus, Step};
use msp_storage::{
    StoreError,
    repositories::executions::{Execution, Executions},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Changes are written this long after the first of them: a run of many short steps costs few commits.
const FLUSH_AFTER: Duration = Duration::from_millis(100);

/// Takes the steps of one execution. Clones are the same. Without steps it does nothing at all.
#[derive(Clone)]
pub(crate) struct Steps {
    shared: Arc<Shared>,
}

struct Shared {
    executions: Executions,
    masker: Masker,
    execution: Arc<Execution>,
    live: Live,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Open, or not written as it now stands.
    steps: BTreeMap<u32, Kept>,
    scheduled: bool,
}

struct Kept {
    step: Step,
    unwritten: bool,
}

impl Steps {
    /// No steps yet.
    pub fn new(executions: Executions, masker: Masker, execution: Arc<Execution>, live: Live) -> Self {
        Self { shared: Arc::new(Shared { executions, masker, execution, live, state: Mutex::default() }) }
    }

    /// Takes the beginning or the end of a step.
    pub async fn take(&self, change: StepChange) {
        let mut state = self.shared.state.lock().await;
        state.apply(&self.shared.masker, change);
        if !state.scheduled {
            state.scheduled = true;
            let shared = self.shared.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FLUSH_AFTER).await;
                let mut state = shared.state.lock().await;
                state.scheduled = false;
                if let Err(error) = shared.write(&mut state).await {
                    tracing::warn!(execution.id = %shared.execution.id, error = %error, "Steps could not be written yet; they are kept");
                }
            });
        }
    }

    /// Closes what is open and writes everything.
    ///
    /// # Errors
    /// [`StoreError`] when steps could not be written; they are kept, so calling again is right.
    pub async fn finish(&self, run: ExecutionStatus, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut state = self.shared.state.lock().await;
        for kept in state.steps.values_mut().filter(|kept| !kept.step.status.is_final()) {
            kept.step.close(run, at);
            kept.unwritten = true;
        }
        self.shared.write(&mut state).await
    }
}

impl State {
    fn apply(&mut self, masker: &Masker, change: StepChange) {
        let StepChange { seq, at, what } = change;
        if let StepEvent::Started(name) = what {
            let step = Step {
                seq,
                name: masked(masker, &name, STEP_NAME_CHARS),
                status: ExecutionStatus::Running,
                started_at: at,
                ended_at: None,
                error_message: None,
            };
            self.steps.insert(seq, Kept { step, unwritten: true });
            return;
        }
        let Some(kept) = self.steps.get_mut(&seq) else { return };
        let (status, message) = match what {
            StepEvent::Started(_) => return,
            StepEvent::Completed => (ExecutionStatus::Success, None),
            StepEvent::Failed(message) => (ExecutionStatus::Failed, Some(masked(masker, &message, STEP_MESSAGE_CHARS))),
            StepEvent::Cancelled => (ExecutionStatus::Cancelled, None),
        };
        kept.step.status = status;
        kept.step.error_message = message;
        // The clock of the machine may have been set back meanwhile.
        kept.step.ended_at = Some(at.max(kept.step.started_at));
        kept.unwritten = true;
    }
}

/// The text with secrets masked; half of one too, where the worker may have cut it.
fn masked(masker: &Masker, text: &str, cut_chars: usize) -> String {
    if text.chars().count() >= cut_chars { masker.cut_text(text) } else { masker.text(text) }
}

impl Shared {
    async fn write(&self, state: &mut State) -> Result<(), StoreError> {
        let unwritten: Vec<Step> =
            state.steps.values().filter(|kept| kept.unwritten).map(|kept| kept.step.clone()).collect();
        if unwritten.is_empty() {
            return Ok(());
        }
        self.executions.write_steps(&self.execution, &unwritten).await?;
        state.steps.retain(|_, kept| {
            kept.unwritten = false;
            !kept.step.status.is_final()
        });
        self.live.moved();
        Ok(())
    }
}
