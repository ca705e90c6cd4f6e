//! Chance that can be repeated: every random test prints its seed and takes it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The seed of this run: `FAULT_SEED`, or another one every time. Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let seed = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("repeat with FAULT_SEED={seed}");
    seed
}

/// A small generator (SplitMix64).
#[derive(Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    /// A moment within the next `limit_ms`.
    pub fn within_ms(&mut self, limit_ms: u64) -> Duration {
        Duration::from_millis(self.below(limit_ms))
    }
}
