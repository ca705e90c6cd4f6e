//! Time and chance as inputs, so that tests of retries never wait.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Tells the time, waits, and picks the random part of a wait.
#[async_trait]
pub trait Timing: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// Waits this long.
    async fn sleep(&self, duration: Duration);

    /// A random duration from zero to `most`.
    fn jitter(&self, most: Duration) -> Duration;
}

/// The machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTiming;

#[async_trait]
impl Timing for SystemTiming {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&self, most: Duration) -> Duration {
        let mut bytes = [0; 4];
        match aws_lc_rs::rand::fill(&mut bytes) {
            Ok(()) => most.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)),
            // Without randomness the longest wait is the polite one.
            Err(_) => most,
        }
    }
}
