//! The one retry policy of every outgoing call.

use crate::{connector::SendError, timing::Timing};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Attempts in all. Graph clears up most throttling within two waits; more only holds a technician up.
const MAX_ATTEMPTS: u32 = 4;
/// Longest time from the first attempt to the start of the last: a workflow's caller waits through all of it.
const MAX_TOTAL: Duration = Duration::from_secs(120);
/// Longest wait a service may ask for; beyond it the run ends `throttled` and says how long to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The first wait without `Retry-After` is up to this long, and doubles.
const BACKOFF_BASE: Duration = Duration::from_secs(2);
/// Waits without `Retry-After` stop growing here.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What a call does when it is made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same as once.
    Harmless,
    /// Something is created twice: only a call that surely was not carried out is repeated.
    Creates,
}

/// How one attempt ended, as far as repeating it goes.
pub(crate) enum Attempt {
    /// With this status and `Retry-After` header.
    Answered { status: u16, retry_after: Option<String> },
    /// Without an answer.
    Failed(SendError),
}

/// The waits of one call.
pub(crate) struct Retries<'a> {
    timing: &'a dyn Timing,
    repeat: Repeat,
    started_at: DateTime<Utc>,
    attempts: u32,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(timing: &'a dyn Timing, repeat: Repeat) -> Self {
        Self { timing, repeat, started_at: timing.now(), attempts: 0 }
    }

    /// How long to wait before the next attempt; `None` when there is to be none.
    pub(crate) fn wait_after(&mut self, attempt: &Attempt) -> Option<Duration> {
        self.attempts += 1;
        if self.attempts >= MAX_ATTEMPTS || !self.may_repeat(attempt) {
            return None;
        }
        let asked = match attempt {
            Attempt::Answered { retry_after: Some(header), .. } => parse_retry_after(header, self.timing.now()),
            _ => None,
        };
        let wait = match asked {
            Some(asked) if asked > MAX_RETRY_AFTER => return None,
            Some(asked) => asked,
            None => self.timing.jitter(BACKOFF_MAX.min(BACKOFF_BASE * 2_u32.pow(self.attempts - 1))),
        };
        let elapsed = (self.timing.now() - self.started_at).to_std().unwrap_or_default();
        (elapsed + wait <= MAX_TOTAL).then_some(wait)
    }

    fn may_repeat(&self, attempt: &Attempt) -> bool {
        match attempt {
            // Throttled calls were turned away at the door.
            Attempt::Answered { status: 429, .. } => true,
            Attempt::Answered { status: 503 | 504, .. } => self.repeat == Repeat::Harmless,
            Attempt::Answered { .. } | Attempt::Failed(SendError::Refused(_) | SendError::TooLarge) => false,
            // No connection, nothing sent.
            Attempt::Failed(SendError::NotConnected) => true,
            Attempt::Failed(SendError::AnswerLost) => self.repeat == Repeat::Harmless,
        }
    }
}

/// Seconds or an HTTP date (RFC 9110, section 10.2.3).
pub(crate) fn parse_retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(header).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(DateTime<Utc>);

    #[async_trait::async_trait]
    impl Timing for Fixed {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
        async fn sleep(&self, _: Duration) {}
        fn jitter(&self, most: Duration) -> Duration {
            most
        }
    }

    fn now() -> Fixed {
        Fixed("2025-11-22T10:00:00Z".parse().expect("an instant"))
    }

    fn answered(status: u16, retry_after: Option<&str>) -> Attempt {
        Attempt::Answered { status, retry_after: retry_after.map(str::to_owned) }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let at = now().0;
        assert_eq!(parse_retry_after("7", at), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sat, 22 Nov 2025 10:00:09 GMT", at), Some(Duration::from_secs(9)));
        assert_eq!(parse_retry_after("Sat, 22 Nov 2025 09:00:00 GMT", at), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", at), None);
    }

    #[test]
    fn waits_double_up_to_the_last_attempt_and_a_long_one_asked_for_ends_the_call() {
        let timing = now();
        let mut retries = Retries::new(&timing, Repeat::Harmless);
        let waits: Vec<_> =
            (0..4).map(|_| retries.wait_after(&answered(503, None)).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(2), Some(4), Some(8), None]);
        assert_eq!(Retries::new(&timing, Repeat::Harmless).wait_after(&answered(429, Some("61"))), None);
    }

    #[test]
    fn a_create_is_repeated_only_when_it_surely_was_not_carried_out() {
        let timing = now();
        let first = |attempt| Retries::new(&timing, Repeat::Creates).wait_after(&attempt).is_some();
        assert!(first(answered(429, None)));
        assert!(first(Attempt::Failed(SendError::NotConnected)));
        assert!(!first(answered(503, Some("1"))));
        assert!(!first(answered(504, None)));
        assert!(!first(Attempt::Failed(SendError::AnswerLost)));
    }
}
