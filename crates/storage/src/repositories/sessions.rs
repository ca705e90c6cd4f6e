//! Browser sessions: table `Sessions`, PK `SESSION`, RK SHA-256 of the cookie (hex), so the store never holds one.

use super::Actor;
use crate::{SecretValue, StoreError};
use chrono::{DateTime, Duration, Utc};
use msp_domain::UserId;

/// A session unused for this long is over (design section 4).
pub const IDLE_TIMEOUT: Duration = Duration::hours(12);
/// A session this old is over, however busy.
pub const ABSOLUTE_TIMEOUT: Duration = Duration::days(7);
/// `LastSeenAt` is written at most this often: a durable write for every request would cost more than it tells.
pub const TOUCH_INTERVAL: Duration = Duration::minutes(5);

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

/// The sessions.
#[derive(Clone)]
pub struct Sessions {}

impl Sessions {
    /// Begins a session and answers its cookie value (256 random bits, base64url). Audited as `Session.Begin`.
    pub async fn begin(&self, user: UserId, actor: &Actor) -> Result<SecretValue, StoreError> {
        let _ = (user, actor);
        todo!("storage")
    }

    /// The session of a cookie, unless it is over; notes that it was used.
    pub async fn find(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        let _ = cookie;
        todo!("storage")
    }

    /// Ends a session; ending one that is over is no error.
    pub async fn end(&self, cookie: &str, actor: &Actor) -> Result<(), StoreError> {
        let _ = (cookie, actor);
        todo!("storage")
    }
}
