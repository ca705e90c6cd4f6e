//! Executions that were accepted and have not started: how many there may be, and whose turn it is.

use crate::{
    line::Line,
    places::{Place, Places},
    schedule::Scheduled,
};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, Scope};
use msp_storage::{ExecutionPointer, QueueMessage};
use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Pending executions of the installation. At ten a second, a slow rate, they are a quarter of an hour of work; each
/// costs a few hundred bytes of memory and a row to look at when the engine starts.
pub(crate) const MOST_PENDING: usize = 10_000;
/// Pending executions of one organization: room for one run for each user of a large client, and four more organizations
/// have as much.
pub(crate) const MOST_PENDING_PER_SCOPE: usize = 2_000;
/// Executions in flight that came from the backlog; synchronous ones are not among them. One organization alone gets half
/// of them (`Places::take_share`), which is what a few workers can chew.
const MOST_IN_FLIGHT: usize = 128;

/// The backlog. The store decides what is pending; this is its mirror in memory, exact because one engine works in an
/// installation and everything that becomes pending, or ceases to be, passes here.
pub(crate) struct Backlog {
    places: Places,
    in_flight: Places,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    pending: HashMap<ExecutionId, Pending>,
    /// Those that start when it is their turn.
    line: Line<Scope, ExecutionPointer>,
}

struct Pending {
    _place: Place,
    /// Its latest delivery by the queue.
    message: Option<QueueMessage>,
    /// Whether it is in the line, or having its turn.
    is_here: bool,
    /// Turns in which it failed by itself, not because the store was away.
    failures: u32,
    /// Whether an earlier engine left it behind, and may have died of it, and this one has not tried yet.
    is_left_behind: bool,
    /// Since when it could have started; `None`: since it was accepted, which its id tells.
    due_at: Option<DateTime<Utc>>,
}

/// A pending execution whose turn it is. Its place among those in flight is given back when this is dropped.
pub(crate) struct Turn {
    pub pointer: ExecutionPointer,
    backlog: Arc<Backlog>,
    in_flight: Option<Place>,
}

impl Backlog {
    pub fn new() -> Self {
        Self {
            places: Places::new(MOST_PENDING, MOST_PENDING_PER_SCOPE),
            in_flight: Places::new(MOST_IN_FLIGHT, MOST_IN_FLIGHT),
            state: Mutex::new(State { pending: HashMap::new(), line: Line::new() }),
            changed: Notify::new(),
        }
    }

    /// A place for one more pending execution: asked for before it is put on record, given back when that fails.
    pub fn admit(&self, scope: Scope) -> Option<Place> {
        self.places.take(scope)
    }

    /// It is on record. Its queue message brings it here.
    pub fn accept(&self, id: ExecutionId, place: Place) {
        let pending =
            Pending { _place: place, message: None, is_here: false, failures: 0, is_left_behind: false, due_at: None };
        self.state().pending.entry(id).or_insert(pending);
    }

    /// A pending execution is to be run: it was delivered, again perhaps. One that was accepted before is never refused.
    pub fn arrive(&self, pointer: ExecutionPointer, message: Option<QueueMessage>) {
        self.take_in(pointer, message, false, None);
    }

    /// An earlier engine left it behind. It was accepted then, so it is not refused either.
    pub fn take_over(&self, pointer: ExecutionPointer) {
        self.take_in(pointer, None, true, None);
    }

    /// The time of a scheduled execution has come: likewise.
    pub fn arrive_due(&self, scheduled: Scheduled) {
        self.take_in(scheduled.pointer, None, scheduled.is_left_behind, Some(scheduled.at));
    }

    fn take_in(
        &self,
        pointer: ExecutionPointer,
        message: Option<QueueMessage>,
        is_left_behind: bool,
        due_at: Option<DateTime<Utc>>,
    ) {
        let mut state = self.state();
        let pending = state.pending.entry(pointer.execution_id).or_insert_with(|| Pending {
            _place: self.places.take_regardless(pointer.scope),
            message: None,
            is_here: false,
            failures: 0,
            is_left_behind,
            due_at,
        });
        if message.is_some() {
            pending.message = message;
        }
        if !mem::replace(&mut pending.is_here, true) {
            state.line.push(pointer.scope, pointer);
            self.changed.notify_one();
        }
    }

    /// An execution is not pending any more. Answers the message that still announces it.
    pub fn gone(&self, pointer: ExecutionPointer) -> Option<QueueMessage> {
        let mut state = self.state();
        let pending = state.pending.remove(&pointer.execution_id)?;
        if pending.is_here {
            state.line.take_out(pointer.scope, |waiting| *waiting == pointer);
        }
        pending.message
    }

    /// Whoever may start now: organizations in turn, each within its share of what may be in flight.
    pub fn turns(self: &Arc<Self>) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut state = self.state();
        state.line.serve(|scope, pointer| {
            let Some(place) = self.in_flight.take_share(scope) else { return Some(pointer) };
            turns.push(Turn { pointer, backlog: Arc::clone(self), in_flight: Some(place) });
            None
        });
        turns
    }

    /// How many executions are pending, and since when, in milliseconds since 1970, the one that waits for longest.
    pub fn load(&self) -> (usize, Option<u64>) {
        let state = self.state();
        let since = |(id, pending): (&ExecutionId, &Pending)| match pending.due_at {
            Some(due_at) => u64::try_from(due_at.timestamp_millis()).ok(),
            None => id.millis(),
        };
        (state.pending.len(), state.pending.iter().filter_map(since).min())
    }

    /// Resolves when there may be a turn.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// It may not start yet: it is pending, and out of the line until it arrives again. Answers the message that would
    /// bring it here too early.
    pub fn set_aside(&self) -> Option<QueueMessage> {
        let mut state = self.backlog.state();
        let pending = state.pending.get_mut(&self.pointer.execution_id)?;
        pending.is_here = false;
        pending.message.take()
    }

    /// Whether this engine is to count that it tries: once, before its first try at what an earlier engine left behind and
    /// may have died of. A store that is away makes no more tries of it.
    pub fn is_to_be_counted(&self) -> bool {
        let mut state = self.backlog.state();
        let pending = state.pending.get_mut(&self.pointer.execution_id);
        pending.is_some_and(|pending| mem::take(&mut pending.is_left_behind))
    }

    /// How often it failed by itself.
    pub fn failures(&self) -> u32 {
        self.backlog.state().pending.get(&self.pointer.execution_id).map_or(0, |pending| pending.failures)
    }

    /// It failed by itself in this turn; answers how often that has happened.
    pub fn failed(&self) -> u32 {
        let mut state = self.backlog.state();
        let Some(pending) = state.pending.get_mut(&self.pointer.execution_id) else { return 0 };
        pending.failures += 1;
        pending.failures
    }

    /// It could not be started: back in line.
    pub fn give_back(&self) {
        let mut state = self.backlog.state();
        if state.pending.contains_key(&self.pointer.execution_id) {
            state.line.push(self.pointer.scope, self.pointer);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.in_flight = None;
        self.backlog.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_domain::OrgId;

    fn scope() -> Scope {
        Scope::Org(OrgId::random())
    }

    fn arrivals(backlog: &Backlog, scope: Scope, count: usize) -> Vec<ExecutionPointer> {
        let pointers = (0..count).map(|_| ExecutionPointer { scope, execution_id: ExecutionId::random() });
        let pointers: Vec<_> = pointers.collect();
        for pointer in &pointers {
            backlog.arrive(*pointer, None);
        }
        pointers
    }

    fn pointers(turns: &[Turn]) -> Vec<ExecutionPointer> {
        turns.iter().map(|turn| turn.pointer).collect()
    }

    #[test]
    fn behind_a_flood_another_organization_starts_at_once_and_then_every_other_time() {
        let backlog = Arc::new(Backlog::new());
        let flood = arrivals(&backlog, scope(), 1000);
        let mut flying = backlog.turns();
        assert_eq!(pointers(&flying), flood[..MOST_IN_FLIGHT / 2], "one alone gets half, oldest first");

        let other = arrivals(&backlog, scope(), 30);
        let late = backlog.turns();
        assert!(late.iter().all(|turn| turn.pointer.scope == other[0].scope), "the flood has its share");
        assert_eq!(pointers(&late), other, "there is room for all of them");
        drop(late);

        let more = arrivals(&backlog, other[0].scope, 1000);
        flying.clear();
        let turns = backlog.turns();
        let of_flood = turns.iter().filter(|turn| turn.pointer.scope == flood[0].scope).count();
        assert!(turns.len() - of_flood <= of_flood + 1 && of_flood <= turns.len() - of_flood + 1, "equal shares");
        assert!(turns.iter().any(|turn| turn.pointer == more[0]));
        let third = arrivals(&backlog, scope(), 1);
        assert_eq!(pointers(&backlog.turns()), third, "whoever comes next finds a place");
    }

    #[test]
    fn a_full_backlog_admits_nobody_until_one_starts_or_is_cancelled_and_runs_what_an_earlier_engine_left() {
        let backlog = Arc::new(Backlog::new());
        let (flood, other) = (scope(), scope());
        let left_behind = arrivals(&backlog, flood, MOST_PENDING_PER_SCOPE + 1);
        assert!(backlog.admit(flood).is_none() && backlog.admit(other).is_some());
        // Two must go: one is beyond the bound.
        backlog.gone(left_behind[5]);
        assert!(backlog.admit(flood).is_none());
        backlog.gone(left_behind[6]);
        backlog.gone(left_behind[6]);
        let place = backlog.admit(flood).expect("a cancelled one frees its place, once");
        assert!(backlog.admit(flood).is_none());
        let accepted = ExecutionPointer { scope: flood, execution_id: ExecutionId::random() };
        backlog.accept(accepted.execution_id, place);
        assert!(backlog.admit(flood).is_none());
        // Both deliveries are one execution.
        backlog.arrive(accepted, None);
        backlog.arrive(accepted, None);
        let mut started = Vec::new();
        loop {
            let turns = backlog.turns();
            if turns.is_empty() {
                break;
            }
            for turn in turns {
                backlog.gone(turn.pointer);
                started.push(turn.pointer);
            }
        }
        assert_eq!(started.len(), left_behind.len() - 2 + 1, "cancelled ones never get a turn, the others one each");
        assert_eq!(started.last(), Some(&accepted));
        assert!(backlog.state().pending.is_empty() && backlog.state().line.is_empty());
    }

    #[test]
    fn what_is_set_aside_holds_up_nobody_still_counts_and_gets_a_turn_when_it_arrives_again() {
        let backlog = Arc::new(Backlog::new());
        let waiting = arrivals(&backlog, scope(), MOST_PENDING_PER_SCOPE);
        while let turns = backlog.turns()
            && !turns.is_empty()
        {
            for turn in turns {
                turn.set_aside();
            }
        }
        let other = arrivals(&backlog, scope(), 1);
        assert_eq!(pointers(&backlog.turns()), other);
        assert!(backlog.admit(waiting[0].scope).is_none(), "they are pending");
        backlog.gone(waiting[1]);
        for pointer in &waiting[..3] {
            backlog.arrive(*pointer, None);
        }
        // The one that was cancelled arrives like any other: its record says that there is nothing to do.
        assert_eq!(pointers(&backlog.turns()), waiting[..3]);
    }

    #[test]
    fn what_could_not_be_started_gets_another_turn_unless_it_was_cancelled() {
        let backlog = Arc::new(Backlog::new());
        let waiting = arrivals(&backlog, scope(), 2);
        let mut turns = backlog.turns();
        backlog.gone(waiting[0]);
        turns.drain(..).for_each(|turn| turn.give_back());
        assert_eq!(pointers(&backlog.turns()), waiting[1..]);
    }

    #[test]
    fn a_try_at_what_was_left_behind_is_counted_once_however_often_the_store_is_away() {
        let backlog = Arc::new(Backlog::new());
        let pointer = ExecutionPointer { scope: scope(), execution_id: ExecutionId::random() };
        backlog.take_over(pointer);
        let turn = backlog.turns().pop().expect("a turn");
        assert!(turn.is_to_be_counted());
        turn.give_back();
        drop(turn);
        assert!(!backlog.turns().pop().expect("another turn").is_to_be_counted());
        let fresh = arrivals(&backlog, scope(), 1);
        let turns = backlog.turns();
        assert_eq!(pointers(&turns), fresh);
        assert!(!turns[0].is_to_be_counted(), "nobody died of it");
    }
}
