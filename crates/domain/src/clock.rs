//! Time as an input, so tests can turn it.

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time. Injected wherever a decision depends on it.
pub trait Clock: Send + Sync + 'static {
    /// The present instant, to the millisecond: the precision every stored instant has.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}
