//! One-time sign-in links: table `SignInLinks`, PK `LINK`, RK SHA-256 of the token (hex).

use super::audit::AuditDraft;
use super::tokens::{fresh_token, sha256_hex};
use super::{Actor, Journal, etag_of};
use crate::{Commit, Comparison, Entity, Filter, IfMatch, Query, SecretValue, StoreError, Table, Write};
use chrono::Duration;
use msp_domain::{Scope, UserId};
use serde_json::json;

/// How long a link works (design section 4).
pub const LINK_LIFETIME: Duration = Duration::minutes(15);

const PARTITION: &str = "LINK";
/// How many forgotten rows are cleared when one is made: enough to keep the table small.
const CLEARED_AT_ONCE: usize = 20;

/// The links.
#[derive(Clone)]
pub struct SignInLinks {
    journal: Journal,
}

impl SignInLinks {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Makes a link token for a user (256 random bits, base64url).
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn issue(&self, user: UserId, actor: &Actor) -> Result<SecretValue, StoreError> {
        let journal = &self.journal;
        clear_expired(journal, PARTITION).await;
        let token = fresh_token();
        let row = Entity::new(PARTITION, sha256_hex(token.reveal()))
            .with("UserId", user.key())
            .with("IssuedBy", actor.key())
            .with("ExpiresAt", journal.clock.now() + LINK_LIFETIME);
        let draft = AuditDraft::new(Scope::Global, actor, "SignInLink.Issue", user.key(), json!({}));
        let writes = vec![journal.audit.row(draft), (Table::SignInLinks, Write::Insert(row))];
        journal.tables.commit(Commit::of(writes)).await?;
        Ok(token)
    }

    /// Uses a token up: of two who try, one gets the user. `None`: unknown, used, or too old.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; the link may then be used up.
    pub async fn redeem(&self, token: &str) -> Result<Option<UserId>, StoreError> {
        let journal = &self.journal;
        let row_key = sha256_hex(token);
        let Some(link) = journal.tables.get(Table::SignInLinks, PARTITION, &row_key).await? else {
            return Ok(None);
        };
        let user: UserId =
            link.text("UserId")?.parse().map_err(|_| StoreError::Corrupt("a sign-in link names no user".to_owned()))?;
        let expired = link.instant("ExpiresAt")? <= journal.clock.now();
        let actor = Actor { user: Some(user), ip_address: None };
        let action = if expired { "SignInLink.Expire" } else { "SignInLink.Redeem" };
        let writes = vec![
            (Table::SignInLinks, Write::delete(PARTITION, row_key, IfMatch::Etag(etag_of(&link)?))),
            journal.audit.row(AuditDraft::new(Scope::Global, &actor, action, user.key(), json!({}))),
        ];
        match journal.tables.commit(Commit::of(writes)).await {
            Ok(()) => Ok((!expired).then_some(user)),
            Err(StoreError::NotFound | StoreError::PreconditionFailed) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Clears rows of this table that are good for nothing any more. A failure is no matter: the next one tries again.
pub(super) async fn clear_expired(journal: &Journal, partition: &str) {
    let mut query = Query::partition(partition).limit(CLEARED_AT_ONCE);
    query.filter = Some(Filter::Compare("ExpiresAt".into(), Comparison::Lt, journal.clock.now().into()));
    let Ok(page) = journal.tables.query(Table::SignInLinks, query).await else { return };
    for row in page.entities {
        let delete = Write::delete(partition, row.row_key, IfMatch::Any);
        let _ = journal.tables.write(Table::SignInLinks, delete).await;
    }
}
