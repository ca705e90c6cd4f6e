//! The machine's clock; in a debug build, one that tests can turn.

use chrono::{DateTime, Duration, Utc};
use msp_domain::{Clock, SystemClock};
use std::{env, fs, path::PathBuf, sync::Arc};

/// Names a file with a number of seconds, by which a debug build's clock differs from the machine's. Read anew whenever
/// the time is: tests let the clock jump while the server runs. A release build refuses the variable as unknown.
pub const CLOCK_OFFSET_VARIABLE: &str = "MSP_CLOCK_OFFSET_FILE";

/// The clock of this process.
pub fn clock() -> Arc<dyn Clock> {
    match env::var_os(CLOCK_OFFSET_VARIABLE) {
        Some(file) if cfg!(debug_assertions) => Arc::new(TurnedClock(file.into())),
        _ => Arc::new(SystemClock),
    }
}

struct TurnedClock(PathBuf);

impl Clock for TurnedClock {
    fn now(&self) -> DateTime<Utc> {
        let offset = fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        SystemClock.now() + Duration::seconds(offset)
    }
}
