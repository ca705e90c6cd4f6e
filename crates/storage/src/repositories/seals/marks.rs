//! Where this process has written audit rows that may not be sealed yet. In memory: a row that is about to be committed
//! costs no statement more, and a scope in which nothing happens is never looked at.

use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::Scope;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// How old a row must be before it is sealed: nearly all commits have ended by then, so rows are sealed once and in order.
pub(super) const SETTLE: TimeDelta = TimeDelta::seconds(1);
/// When rows are looked for that appeared later than newer ones.
pub(super) const LINGER: TimeDelta = TimeDelta::seconds(30);

/// When rows of one scope were written.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// The first since late ones were looked for.
    first: DateTime<Utc>,
    /// The last.
    last: DateTime<Utc>,
    /// Whether some may not have been looked at yet.
    is_fresh: bool,
}

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub scope: Scope,
    /// Since when rows may have come late; `None` looks for none of them.
    pub late_since: Option<DateTime<Utc>>,
}

/// The marks of all scopes.
#[derive(Default)]
pub(in crate::repositories) struct Marks {
    marks: Mutex<HashMap<Scope, Mark>>,
    pub(super) set: Notify,
}

impl Marks {
    /// A row of this scope is about to be committed.
    pub(in crate::repositories) fn set(&self, scope: Scope, now: DateTime<Utc>) {
        self.change(|marks| {
            let mark = marks.entry(scope).or_insert(Mark { first: now, last: now, is_fresh: true });
            (mark.last, mark.is_fresh) = (now, true);
        });
        self.set.notify_one();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.change(|marks| marks.is_empty())
    }

    /// Everything there is to look at, with what may have come late, and nothing remembered.
    pub(super) fn take_all(&self) -> Vec<Due> {
        let all = self.change(std::mem::take);
        all.into_iter().map(|(scope, mark)| Due { scope, late_since: Some(mark.first) }).collect()
    }

    /// What is to be looked at now. Distances in time count both ways, because clocks are put back.
    pub(super) fn take_due(&self, now: DateTime<Utc>) -> Vec<Due> {
        let mut due = Vec::new();
        self.change(|marks| {
            marks.retain(|scope, mark| {
                let is_late_due = (now - mark.first).abs() >= LINGER;
                if mark.is_fresh || is_late_due {
                    due.push(Due { scope: *scope, late_since: is_late_due.then_some(mark.first) });
                }
                mark.is_fresh &= (now - mark.last).abs() < SETTLE;
                if is_late_due {
                    mark.first = now;
                }
                !(is_late_due && (now - mark.last).abs() >= LINGER)
            });
        });
        due
    }

    /// What could not be sealed is looked at again.
    pub(super) fn put_back(&self, due: Due, now: DateTime<Utc>) {
        let first = due.late_since.unwrap_or(now);
        self.change(|marks| {
            let mark = marks.entry(due.scope).or_insert(Mark { first, last: now, is_fresh: true });
            (mark.first, mark.is_fresh) = (mark.first.min(first), true);
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<Scope, Mark>) -> T) -> T {
        change(&mut self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_looked_at_while_it_is_written_to_then_once_more_for_late_rows_and_then_no_more() {
        let marks = Marks::default();
        let start = DateTime::from_timestamp(1_763_800_000, 0).expect("an instant");
        let at = |seconds| start + TimeDelta::seconds(seconds);
        marks.set(Scope::Global, at(0));
        let look = |late_since| vec![Due { scope: Scope::Global, late_since }];
        assert_eq!(marks.take_due(at(0)), look(None), "young rows need another look");
        assert_eq!(marks.take_due(at(1)), look(None));
        assert_eq!(marks.take_due(at(2)), []);
        assert_eq!(marks.take_due(at(30)), look(Some(at(0))));
        assert!(marks.is_empty());
        marks.set(Scope::Global, at(31));
        marks.set(Scope::Global, at(60));
        assert_eq!(marks.take_due(at(61)), look(Some(at(31))));
        assert!(!marks.is_empty(), "what was written a second ago may come late");
        assert_eq!(marks.take_due(at(91)), look(Some(at(61))));
        assert!(marks.is_empty());
    }

    #[test]
    fn a_clock_that_is_put_back_keeps_no_scope_from_its_looks() {
        let marks = Marks::default();
        let start = DateTime::from_timestamp(1_763_800_000, 0).expect("an instant");
        marks.set(Scope::Global, start);
        let back = start - TimeDelta::hours(1);
        assert_eq!(marks.take_due(back), [Due { scope: Scope::Global, late_since: Some(start) }]);
        assert!(marks.is_empty());
    }
}
