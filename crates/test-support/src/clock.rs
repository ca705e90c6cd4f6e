//! A clock for tests.

use chrono::{DateTime, Duration, Utc};
use msp_domain::Clock;
use std::sync::{Mutex, PoisonError};

/// Stands still but for one millisecond per reading, so that what happens later has a later time.
pub struct FakeClock(Mutex<DateTime<Utc>>);

impl FakeClock {
    /// A clock that shows this instant.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(Mutex::new(instant))
    }

    /// Turns the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += Duration::milliseconds(1);
        *now
    }
}
