//! Executions that are to start at a time of their own: on record as pending, and out of everybody's way until then.

use crate::{
    places::{Place, Places},
    runtime::Runtime,
};
use chrono::{DateTime, Duration, Utc};
use msp_domain::{ExecutionId, Scope};
use msp_storage::ExecutionPointer;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::timeout};

/// Executions that wait for their time: each costs a hundred bytes of memory, and a row to look at when the engine starts.
pub(crate) const MOST_SCHEDULED: usize = 10_000;
/// Those of one organization: three a day for a year.
pub(crate) const MOST_SCHEDULED_PER_SCOPE: usize = 1_000;
/// How far ahead a run may be scheduled: a year, be it a leap year.
pub(crate) const MOST_AHEAD: Duration = Duration::days(366);
/// How far in the past a start may lie when it is asked for: clocks differ, and requests travel.
pub(crate) const GRACE: Duration = Duration::minutes(1);
/// How late an execution may still start. Later than that, whoever scheduled it no longer expects it.
pub(crate) const MOST_LATE: Duration = Duration::hours(24);
/// The longest sleep while something waits: the machine's clock may be set, and it stands still while the machine sleeps.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// The schedule. The store decides what is pending; this is its mirror in memory, exact because one engine works in an
/// installation and everything that is scheduled, or ceases to be, passes here.
pub(crate) struct Schedule {
    places: Places,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Earliest first.
    waiting: BTreeMap<(DateTime<Utc>, ExecutionId), Waiting>,
    times: HashMap<ExecutionId, DateTime<Utc>>,
    /// Those that are being put on record.
    expected: HashSet<ExecutionId>,
}

struct Waiting {
    scheduled: Scheduled,
    _place: Place,
}

/// An execution with a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scheduled {
    /// Which.
    pub pointer: ExecutionPointer,
    /// The time.
    pub at: DateTime<Utc>,
    /// Whether an earlier engine left it behind.
    pub is_left_behind: bool,
}

impl Schedule {
    pub fn new() -> Self {
        Self {
            places: Places::new(MOST_SCHEDULED, MOST_SCHEDULED_PER_SCOPE),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A place for one more scheduled execution: asked for before it is put on record, given back when that fails.
    pub fn admit(&self, scope: Scope) -> Option<Place> {
        self.places.take(scope)
    }

    /// It is about to be put on record: from then on it may be cancelled, also before [`Self::accept`].
    pub fn expect(&self, id: ExecutionId) {
        self.state().expected.insert(id);
    }

    /// It is on record. One that is gone again already takes no place.
    pub fn accept(&self, pointer: ExecutionPointer, at: DateTime<Utc>, place: Place) {
        let mut state = self.state();
        if state.expected.remove(&pointer.execution_id) {
            state.put(Scheduled { pointer, at, is_left_behind: false }, place);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// An earlier engine left it behind, and cannot be refused any more.
    pub fn take_over(&self, pointer: ExecutionPointer, at: DateTime<Utc>) {
        let place = self.places.take_regardless(pointer.scope);
        self.state().put(Scheduled { pointer, at, is_left_behind: true }, place);
        self.changed.notify_one();
    }

    /// It is not pending any more, or was not put on record.
    pub fn gone(&self, id: ExecutionId) {
        let mut state = self.state();
        state.expected.remove(&id);
        if let Some(at) = state.times.remove(&id) {
            state.waiting.remove(&(at, id));
        }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.state().times.len()
    }

    /// Takes out those whose time has come, earliest first.
    fn due(&self, now: DateTime<Utc>) -> Vec<Scheduled> {
        let mut state = self.state();
        let mut due = Vec::new();
        while let Some(entry) = state.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, id), waiting) = entry.remove_entry();
            state.times.remove(&id);
            due.push(waiting.scheduled);
        }
        due
    }

    /// Resolves when it is worth looking for what is due.
    async fn until_next(&self, now: DateTime<Utc>) {
        let changed = self.changed.notified();
        let next = self.state().waiting.first_key_value().map(|((at, _), _)| *at);
        match next {
            None => changed.await,
            Some(at) => {
                let left = (at - now).to_std().unwrap_or_default();
                // Running out of time is a reason to look as well.
                let _ = timeout(left.min(LOOK_EVERY), changed).await;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, scheduled: Scheduled, place: Place) {
        let (id, at) = (scheduled.pointer.execution_id, scheduled.at);
        self.times.insert(id, at);
        self.waiting.insert((at, id), Waiting { scheduled, _place: place });
    }
}

/// Hands everything to the backlog whose time has come, until the engine stops.
pub(crate) async fn start_due(runtime: Arc<Runtime>) {
    while !runtime.stopping.is_cancelled() {
        let now = runtime.clock.now();
        for scheduled in runtime.schedule.due(now) {
            runtime.backlog.arrive_due(scheduled);
        }
        tokio::select! {
            () = runtime.schedule.until_next(now) => {}
            () = runtime.stopping.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_domain::OrgId;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + 60 * minute, 0).expect("an instant")
    }

    fn pointer(scope: Scope) -> ExecutionPointer {
        ExecutionPointer { scope, execution_id: ExecutionId::random() }
    }

    #[test]
    fn what_is_due_comes_out_once_earliest_first_and_what_was_cancelled_never() {
        let (schedule, scope) = (Schedule::new(), Scope::Org(OrgId::random()));
        let [late, early, same, cancelled, future] = [3, 1, 1, 2, 9].map(|minute| {
            let pointer = pointer(scope);
            schedule.expect(pointer.execution_id);
            schedule.accept(pointer, at(minute), schedule.admit(scope).expect("a place"));
            pointer
        });
        schedule.gone(cancelled.execution_id);
        schedule.gone(cancelled.execution_id);
        assert!(schedule.due(at(0)).is_empty());
        let due: Vec<_> = schedule.due(at(3)).into_iter().map(|due| due.pointer).collect();
        assert_eq!(due.last(), Some(&late));
        assert!(due.len() == 3 && due.contains(&early) && due.contains(&same));
        assert!(schedule.due(at(3)).is_empty());
        assert_eq!(schedule.count(), 1);
        assert_eq!(schedule.due(at(9)), [Scheduled { pointer: future, at: at(9), is_left_behind: false }]);
        assert_eq!(schedule.count(), 0);
    }

    #[test]
    fn what_is_cancelled_between_its_record_and_its_place_takes_none() {
        let (schedule, scope) = (Schedule::new(), Scope::Org(OrgId::random()));
        let places: Vec<_> = (0..MOST_SCHEDULED_PER_SCOPE).map(|_| schedule.admit(scope).expect("a place")).collect();
        assert!(schedule.admit(scope).is_none());
        for place in places {
            let cancelled = pointer(scope);
            schedule.expect(cancelled.execution_id);
            schedule.gone(cancelled.execution_id);
            schedule.accept(cancelled, at(5), place);
        }
        assert_eq!(schedule.count(), 0);
        assert!(schedule.admit(scope).is_some(), "every place is free again");
        assert!(schedule.due(at(9)).is_empty());
    }

    #[test]
    fn one_organization_may_schedule_so_many_and_what_started_or_was_cancelled_makes_room() {
        let (schedule, flood, other) = (Schedule::new(), Scope::Org(OrgId::random()), Scope::Global);
        let pointers: Vec<_> = (0..MOST_SCHEDULED_PER_SCOPE).map(|_| pointer(flood)).collect();
        for pointer in &pointers {
            schedule.take_over(*pointer, at(1));
        }
        assert!(schedule.admit(flood).is_none() && schedule.admit(other).is_some());
        schedule.gone(pointers[0].execution_id);
        assert!(schedule.admit(flood).is_some());
        schedule.due(at(1));
        assert_eq!(schedule.count(), 0);
    }
}
