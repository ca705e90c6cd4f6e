//! What a worker may say about the steps of one execution (docs/worker-protocol.md, `step`).

use super::frames::{StepFrame, StepState};
use chrono::{DateTime, SubsecRound, Utc};
use std::collections::BTreeSet;

/// Steps of one execution. The worker runs the rest unseen and says so in the log.
const MAX_STEPS: u32 = 1000;
/// Longest name, in characters; a worker cuts there.
pub(crate) const STEP_NAME_CHARS: usize = 200;
/// Longest message of a step that failed, in characters; a worker cuts there.
pub(crate) const STEP_MESSAGE_CHARS: usize = 2000;

/// A step that began or ended, before masking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepChange {
    /// Its number.
    pub seq: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: StepEvent,
}

/// What happens to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEvent {
    /// It began, under this name.
    Started(String),
    /// Its function returned.
    Completed,
    /// It raised this.
    Failed(String),
    /// It was cancelled.
    Cancelled,
}

/// Which steps began, and which of them are open.
#[derive(Default)]
pub(super) struct StepRules {
    begun: u32,
    open: BTreeSet<u32>,
}

impl StepRules {
    pub fn take(&mut self, frame: StepFrame) -> Result<StepChange, String> {
        let seq = frame.step;
        let what = match frame.state {
            StepState::Started => {
                if seq != self.begun + 1 || seq > MAX_STEPS {
                    return Err(format!("step {seq} began after step {} of at most {MAX_STEPS}", self.begun));
                }
                let name = bounded(frame.name, STEP_NAME_CHARS)?;
                self.begun = seq;
                self.open.insert(seq);
                StepEvent::Started(name)
            }
            _ if !self.open.remove(&seq) => return Err(format!("step {seq} ended and is not open")),
            StepState::Completed => StepEvent::Completed,
            StepState::Failed => StepEvent::Failed(bounded(frame.message, STEP_MESSAGE_CHARS)?),
            StepState::Cancelled => StepEvent::Cancelled,
        };
        // Every stored instant is to the millisecond.
        let at = DateTime::from_timestamp_millis(frame.at_ms).unwrap_or_else(Utc::now).trunc_subsecs(3);
        Ok(StepChange { seq, at, what })
    }

    pub fn knows(&self, seq: u32) -> bool {
        (1..=self.begun).contains(&seq)
    }
}

fn bounded(text: Option<String>, chars: usize) -> Result<String, String> {
    let text = text.unwrap_or_default();
    if text.chars().nth(chars).is_some() {
        return Err(format!("a text of a step is longer than {chars} characters"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_domain::ExecutionId;

    fn frame(step: u32, state: StepState, text: &str) -> StepFrame {
        let text = Some(text.to_owned());
        StepFrame { execution_id: ExecutionId::random(), step, at_ms: 0, state, name: text.clone(), message: text }
    }

    #[test]
    fn steps_begin_in_order_end_once_and_are_bounded() {
        let mut rules = StepRules::default();
        assert!(rules.take(frame(2, StepState::Started, "skips one")).is_err());
        assert!(rules.take(frame(1, StepState::Started, &"n".repeat(STEP_NAME_CHARS + 1))).is_err());
        let began = rules.take(frame(1, StepState::Started, &"n".repeat(STEP_NAME_CHARS))).expect("a good frame");
        assert_eq!(began.what, StepEvent::Started("n".repeat(STEP_NAME_CHARS)));
        assert!(rules.take(frame(1, StepState::Started, "again")).is_err());
        rules.take(frame(2, StepState::Started, "inside")).expect("steps may overlap");
        assert!(rules.take(frame(3, StepState::Completed, "")).is_err(), "never began");
        rules.take(frame(1, StepState::Completed, "")).expect("in any order");
        assert!(rules.take(frame(1, StepState::Cancelled, "")).is_err(), "twice");
        assert!(rules.take(frame(2, StepState::Failed, &"m".repeat(STEP_MESSAGE_CHARS + 1))).is_err());
        assert_eq!((rules.knows(0), rules.knows(2), rules.knows(3)), (false, true, false));
        for seq in 3..=MAX_STEPS {
            rules.take(frame(seq, StepState::Started, "one of many")).expect("within the bound");
        }
        assert!(rules.take(frame(MAX_STEPS + 1, StepState::Started, "one too many")).is_err());
    }
}
