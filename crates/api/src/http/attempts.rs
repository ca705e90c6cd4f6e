//! A limit on failed sign-ins per address, in memory.

use super::{Problem, ProblemKind as Kind};
use chrono::{DateTime, Duration, Utc};
use msp_domain::Clock;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Failures one address may make within [`WINDOW`]. A link token has 256 bits, so this is about noise, not guessing.
const MAX_FAILURES: u32 = 10;
/// How long failures count.
const WINDOW: Duration = Duration::minutes(1);
/// Addresses remembered at once; beyond it the oldest windows are forgotten, which bounds memory.
const MAX_ADDRESSES: usize = 10_000;

/// When an address failed first within the window, and how often since.
type Failures = HashMap<String, (DateTime<Utc>, u32)>;

/// Failures by address.
#[derive(Clone)]
pub(crate) struct Attempts {
    failures: Arc<Mutex<Failures>>,
    clock: Arc<dyn Clock>,
}

impl Attempts {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { failures: Arc::default(), clock }
    }

    /// Counts a failure. Refuses an address that has failed too often lately.
    pub(crate) fn failed(&self, address: &str) -> Result<(), Problem> {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ADDRESSES && !failures.contains_key(address) {
            failures.retain(|_, (since, _)| now - *since < WINDOW);
            if failures.len() >= MAX_ADDRESSES {
                failures.clear();
            }
        }
        let entry = failures.entry(address.to_owned()).or_insert((now, 0));
        if now - entry.0 >= WINDOW {
            *entry = (now, 0);
        }
        if entry.1 >= MAX_FAILURES {
            return Err(Problem::new(Kind::TooManyAttempts).detail("Wait a minute, then use a fresh link."));
        }
        entry.1 += 1;
        Ok(())
    }
}
