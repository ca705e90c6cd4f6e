//! Browser sessions: table `Sessions`, PK `SESSION`, RK SHA-256 of the cookie (hex), so the store never holds one.

use super::audit::AuditDraft;
use super::tokens::{fresh_token, sha256_hex};
use super::{Actor, Journal, etag_of};
use crate::{Commit, Comparison, Entity, Filter, IfMatch, Query, SecretValue, StoreError, Table, Write};
use chrono::{DateTime, Duration, Utc};
use msp_domain::{Scope, UserId};
use serde_json::json;

/// A session unused for this long is over (design section 4).
pub const IDLE_TIMEOUT: Duration = Duration::hours(12);
/// A session this old is over, however busy.
pub const ABSOLUTE_TIMEOUT: Duration = Duration::days(7);
/// `LastSeenAt` is written at most this often: a durable write for every request would cost more than it tells.
pub const TOUCH_INTERVAL: Duration = Duration::minutes(5);

const PARTITION: &str = "SESSION";
/// How many ended sessions are cleared when one begins: enough to keep the table small.
const CLEARED_AT_ONCE: usize = 20;

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
pub struct Sessions {
    journal: Journal,
}

impl Sessions {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Begins a session and answers its cookie value (256 random bits, base64url). Audited as `Session.Begin`.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn begin(&self, user: UserId, actor: &Actor) -> Result<SecretValue, StoreError> {
        let journal = &self.journal;
        self.clear_ended().await;
        let cookie = fresh_token();
        let now = journal.clock.now();
        let row = Entity::new(PARTITION, sha256_hex(cookie.reveal()))
            .with("UserId", user.key())
            .with("CreatedAt", now)
            .with("LastSeenAt", now);
        let draft = AuditDraft::new(Scope::Global, actor, "Session.Begin", user.key(), json!({}));
        let writes = vec![journal.audit.row(draft), (Table::Sessions, Write::Insert(row))];
        journal.tables.commit(Commit::of(writes)).await?;
        Ok(cookie)
    }

    /// The session of a cookie, unless it is over; notes that it was used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. That its use could not be noted is no error: a full disk signs nobody out.
    pub async fn find(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        let journal = &self.journal;
        let Some(row) = journal.tables.get(Table::Sessions, PARTITION, &sha256_hex(cookie)).await? else {
            return Ok(None);
        };
        let session = Session { user: user_of(&row)?, created_at: row.instant("CreatedAt")? };
        let last_seen_at = row.instant("LastSeenAt")?;
        let now = journal.clock.now();
        if now - last_seen_at >= IDLE_TIMEOUT || now - session.created_at >= ABSOLUTE_TIMEOUT {
            return Ok(None);
        }
        if now - last_seen_at >= TOUCH_INTERVAL {
            let seen = Entity::new(PARTITION, row.row_key.clone()).with("LastSeenAt", now);
            let touch = Write::Merge(seen, IfMatch::Any);
            if let Err(StoreError::NotFound) = journal.tables.write(Table::Sessions, touch).await {
                return Ok(None);
            }
        }
        Ok(Some(session))
    }

    /// Ends a session; ending one that is over is no error.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn end(&self, cookie: &str, actor: &Actor) -> Result<(), StoreError> {
        let journal = &self.journal;
        let row_key = sha256_hex(cookie);
        let Some(row) = journal.tables.get(Table::Sessions, PARTITION, &row_key).await? else {
            return Ok(());
        };
        let user = user_of(&row)?;
        let writes = vec![
            (Table::Sessions, Write::delete(PARTITION, row_key, IfMatch::Any)),
            journal.audit.row(AuditDraft::new(Scope::Global, actor, "Session.End", user.key(), json!({}))),
        ];
        match journal.tables.commit(Commit::of(writes)).await {
            Err(StoreError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    /// Clears sessions that are over. A failure is no matter: the next session tries again.
    async fn clear_ended(&self) {
        let journal = &self.journal;
        let now = journal.clock.now();
        let before = |name: &str, instant: DateTime<Utc>| Filter::Compare(name.into(), Comparison::Le, instant.into());
        let mut query = Query::partition(PARTITION).limit(CLEARED_AT_ONCE);
        query.filter = Some(Filter::Or(vec![
            before("LastSeenAt", now - IDLE_TIMEOUT),
            before("CreatedAt", now - ABSOLUTE_TIMEOUT),
        ]));
        let Ok(page) = journal.tables.query(Table::Sessions, query).await else { return };
        for row in page.entities {
            // Only the version that was seen: a session touched meanwhile is alive.
            let Ok(etag) = etag_of(&row) else { continue };
            let delete = Write::delete(PARTITION, row.row_key, IfMatch::Etag(etag));
            let _ = journal.tables.write(Table::Sessions, delete).await;
        }
    }
}

fn user_of(row: &Entity) -> Result<UserId, StoreError> {
    row.text("UserId")?.parse().map_err(|_| StoreError::Corrupt("a session names no user".to_owned()))
}
