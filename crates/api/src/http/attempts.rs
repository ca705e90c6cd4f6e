//! A limit on how often something is tried within a minute, in memory.

use chrono::{DateTime, Duration, Utc};
use msp_domain::Clock;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// How long a try counts.
const WINDOW: Duration = Duration::minutes(1);
/// Keys remembered at once; beyond it the oldest windows are forgotten, which bounds memory.
const MAX_KEYS: usize = 10_000;

/// When a key was tried first within the window, and how often since.
type Tries<K> = HashMap<K, (DateTime<Utc>, u32)>;

/// Tries by key: an address, an integration, a caller.
#[derive(Clone)]
pub(crate) struct Attempts<K> {
    tries: Arc<Mutex<Tries<K>>>,
    most: u32,
    clock: Arc<dyn Clock>,
}

/// There were too many tries lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// Seconds until the next one is admitted, at least one.
    pub(crate) wait_seconds: u32,
}

impl<K: Eq + Hash> Attempts<K> {
    /// At most this many tries of each key within a minute.
    pub(crate) fn at_most(most: u32, clock: Arc<dyn Clock>) -> Self {
        Self { tries: Arc::default(), most, clock }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// [`TooMany`]: this one is refused, and not counted.
    pub(crate) fn admit(&self, key: K) -> Result<(), TooMany> {
        let now = self.clock.now();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MAX_KEYS && !tries.contains_key(&key) {
            tries.retain(|_, (since, _)| now - *since < WINDOW);
            if tries.len() >= MAX_KEYS {
                tries.clear();
            }
        }
        let (since, count) = tries.entry(key).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        if *count >= self.most {
            let left = u64::try_from((WINDOW - (now - *since)).num_milliseconds()).unwrap_or(0);
            return Err(TooMany { wait_seconds: u32::try_from(left.div_ceil(1000)).unwrap_or(u32::MAX).max(1) });
        }
        *count += 1;
        Ok(())
    }
}
