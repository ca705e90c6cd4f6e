//! What generators answered, and the runs that are under way for somebody.
//!
//! An answer is found by everyone who asks the same, or, if the generator looked at its caller, by that caller alone. A run
//! is a shared future that belongs to those who wait for it: the last one to go drops it, and the generator is cancelled.

use super::{asking::Failure, question::Question};
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, Shared, WeakShared};
use msp_domain::{Caller, Clock};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most answers kept: the dropdowns of two hundred organizations. Beyond it the oldest go.
const MOST_ANSWERS: usize = 2000;
/// Most text of all answers together: with the rest of the server it stays within design section 10.
const MOST_BYTES: usize = 12 * 1024 * 1024;
/// Largest answer that is kept, about ten thousand options: one may not push out all others.
const LARGEST_BYTES: usize = 1024 * 1024;

/// What a run came to.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub result: Result<Arc<str>, Failure>,
    pub asked_by: Caller,
    /// Whether it would be the same for every caller of the organization.
    pub for_anyone: bool,
    /// From when on it may be another one, though nothing it was asked with changes.
    pub good_until: Option<DateTime<Utc>>,
}

impl Answered {
    pub fn is_for(&self, caller: &Caller) -> bool {
        self.for_anyone || self.asked_by == *caller
    }
}

/// A run under way.
pub(super) type Run = Shared<BoxFuture<'static, Answered>>;
/// Runs are numbered as they begin: an earlier one that ends later does not replace the answer of a later one.
pub(super) type RunNumber = u64;

/// What there is for a question.
pub(super) enum Found {
    Kept { json: Arc<str>, age_seconds: u64 },
    Underway(Run),
}

/// The answers of one engine.
pub(crate) struct Answers {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<Key, Kept>,
    kept_bytes: usize,
    runs: HashMap<Key, WeakShared<BoxFuture<'static, Answered>>>,
    begun: RunNumber,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    question: Question,
    /// Whole, with name and scopes: that is what the generator may have seen. `None`: whoever asks.
    caller: Option<Caller>,
}

struct Kept {
    json: Arc<str>,
    number: RunNumber,
    at: DateTime<Utc>,
    good_until: Option<DateTime<Utc>>,
}

impl Kept {
    /// How old it is; `None` once it is too old.
    fn age(&self, now: DateTime<Utc>, keep_seconds: u64) -> Option<u64> {
        age(self.at, now, keep_seconds).filter(|_| self.good_until.is_none_or(|end| now < end))
    }
}

impl Answers {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The answer that is kept, the run of somebody who asks the same, or else a run that begins now.
    ///
    /// `fresh`: only a run that begins now will do. `ask` makes the run and must not begin it.
    pub(super) fn seek(
        &self,
        question: &Question,
        caller: &Caller,
        keep_seconds: u64,
        fresh: bool,
        ask: impl FnOnce(RunNumber) -> Run,
    ) -> Found {
        let now = self.clock.now();
        let mut state = self.lock();
        let anyone = Key { question: question.clone(), caller: None };
        if !fresh {
            let own = Key { question: question.clone(), caller: Some(caller.clone()) };
            for key in [&anyone, &own] {
                let found = state.kept.get(key).and_then(|kept| Some((kept, kept.age(now, keep_seconds)?)));
                if let Some((kept, age_seconds)) = found {
                    return Found::Kept { json: kept.json.clone(), age_seconds };
                }
            }
        }
        Found::Underway(state.run(anyone, fresh, ask))
    }

    /// A run for this caller alone.
    pub(super) fn seek_own(&self, question: &Question, caller: &Caller, ask: impl FnOnce(RunNumber) -> Run) -> Run {
        let own = Key { question: question.clone(), caller: Some(caller.clone()) };
        self.lock().run(own, false, ask)
    }

    /// Keeps an answer for whoever may have it. Failures are not kept.
    pub(super) fn keep(&self, question: Question, number: RunNumber, answered: &Answered) {
        let Ok(json) = &answered.result else { return };
        let at = self.clock.now();
        let mut state = self.lock();
        let anyone = Key { question, caller: None };
        let key = if answered.for_anyone {
            anyone
        } else {
            // What an earlier run answered to everyone is not what this one answers.
            state.forget(&anyone, number);
            Key { caller: Some(answered.asked_by.clone()), ..anyone }
        };
        state.forget(&key, number);
        if json.len() > LARGEST_BYTES || state.kept.contains_key(&key) {
            return;
        }
        state.kept_bytes += json.len();
        state.kept.insert(key, Kept { json: json.clone(), number, at, good_until: answered.good_until });
        state.make_room();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How old an answer is; `None` once it is too old. One from the future was kept before the clock was set back.
fn age(at: DateTime<Utc>, now: DateTime<Utc>, keep_seconds: u64) -> Option<u64> {
    u64::try_from((now - at).num_milliseconds()).ok().map(|age_ms| age_ms / 1000).filter(|age| *age < keep_seconds)
}

impl State {
    fn run(&mut self, key: Key, fresh: bool, ask: impl FnOnce(RunNumber) -> Run) -> Run {
        // One that has ended already answers a question of before.
        let underway = self.runs.get(&key).and_then(WeakShared::upgrade).filter(|run| run.peek().is_none());
        if let Some(run) = underway.filter(|_| !fresh) {
            tracing::debug!(option_generator = key.question.generator(), "An equal question waits for the same run");
            return run;
        }
        self.begun += 1;
        let run = ask(self.begun);
        self.runs.retain(|_, run| run.upgrade().is_some());
        if let Some(weak) = run.downgrade() {
            self.runs.insert(key, weak);
        }
        run
    }

    /// Removes the answer of a run before this one.
    fn forget(&mut self, key: &Key, before: RunNumber) {
        if self.kept.get(key).is_some_and(|kept| kept.number < before)
            && let Some(kept) = self.kept.remove(key)
        {
            self.kept_bytes -= kept.json.len();
        }
    }

    fn make_room(&mut self) {
        while self.kept.len() > MOST_ANSWERS || self.kept_bytes > MOST_BYTES {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.number).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.forget(&oldest, RunNumber::MAX);
        }
    }
}

#[cfg(test)]
mod tests;
