//! The time in the ids of executions and batches: never one that an export on a schedule has passed already.
//!
//! They stand under that time, and each export begins where the one before ended. Whatever is made while the clock is set
//! back would stand where no export looks any more. So as long as the clock is behind the furthest end of an export that this
//! process knows, what is made stands at that end. When it started by the clock its row says.

use chrono::{DateTime, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The furthest end of an export; clones share it.
#[derive(Clone, Default)]
pub struct Order(Arc<AtomicI64>);

impl Order {
    /// The time under which something stands that is made at this instant.
    pub fn place(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let end = self.0.load(Ordering::Acquire);
        DateTime::from_timestamp_millis(end).map_or(now, |end| now.max(end))
    }

    /// Nothing that is made from now on stands before this instant.
    pub(super) fn passed(&self, end: DateTime<Utc>) {
        // To the millisecond, as in ids, and never before it.
        let nanos = end.timestamp_subsec_nanos() % 1_000_000;
        self.0.fetch_max(end.timestamp_millis() + i64::from(nanos > 0), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn nothing_stands_before_the_furthest_end_whatever_the_clock_says() {
        let order = Order::default();
        let noon = DateTime::from_timestamp(1_763_800_000, 0).expect("an instant");
        assert_eq!(order.place(noon), noon);
        order.passed(noon + TimeDelta::microseconds(1));
        order.passed(noon - TimeDelta::hours(1));
        let back = order.clone().place(noon - TimeDelta::hours(3));
        assert_eq!(back, noon + TimeDelta::milliseconds(1), "not before the end, to the millisecond");
        let later = noon + TimeDelta::seconds(1);
        assert_eq!(order.place(later), later);
    }
}
