//! How long the engine waits for a store that is away.

use crate::runtime::Runtime;
use std::{array, time::Duration};

/// Pauses between attempts, about a minute in all; the last one is repeated for as long as the server runs.
const PAUSES: [Duration; 9] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(20),
];

/// The pauses of one thing that must get done.
pub(crate) struct Patience(array::IntoIter<Duration, 9>);

impl Default for Patience {
    fn default() -> Self {
        Self(PAUSES.into_iter())
    }
}

impl Patience {
    /// Waits before the next attempt. `false`: the server is being stopped and has waited for a minute; the next start of
    /// the engine finds what is left.
    pub async fn wait(&mut self, runtime: &Runtime) -> bool {
        let pause = match self.0.next() {
            Some(pause) => pause,
            None if runtime.stopping.is_cancelled() => return false,
            None => PAUSES[PAUSES.len() - 1],
        };
        tokio::time::sleep(pause).await;
        true
    }
}
