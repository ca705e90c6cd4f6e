//! A limit on how often something is tried within a minute, in memory.

use chrono::{DateTime, Duration, Utc};
use msp_domain::Clock;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How long a try counts.
const WINDOW: Duration = Duration::minutes(1);
/// Keys remembered at once; beyond it the oldest windows are forgotten, which bounds memory.
const MAX_KEYS: usize = 10_000;

/// When a key was tried first within the window, and how often since.
type Tries = HashMap<String, (DateTime<Utc>, u32)>;

/// Tries by key: an address, an integration.
#[derive(Clone)]
pub(crate) struct Attempts {
    tries: Arc<Mutex<Tries>>,
    most: u32,
    clock: Arc<dyn Clock>,
}

impl Attempts {
    /// At most this many tries of each key within a minute.
    pub(crate) fn at_most(most: u32, clock: Arc<dyn Clock>) -> Self {
        Self { tries: Arc::default(), most, clock }
    }

    /// Counts a try. `false`: there were too many lately, and this one is refused.
    pub(crate) fn admit(&self, key: &str) -> bool {
        let now = self.clock.now();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MAX_KEYS && !tries.contains_key(key) {
            tries.retain(|_, (since, _)| now - *since < WINDOW);
            if tries.len() >= MAX_KEYS {
                tries.clear();
            }
        }
        let entry = tries.entry(key.to_owned()).or_insert((now, 0));
        if now - entry.0 >= WINDOW {
            *entry = (now, 0);
        }
        if entry.1 >= self.most {
            return false;
        }
        entry.1 += 1;
        true
    }
}
