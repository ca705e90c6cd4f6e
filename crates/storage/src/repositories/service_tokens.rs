//! Tokens of service accounts: table `ServiceTokens`, PK account, RK token id. A token names both and carries 256 random
//! bits, of which the store holds the SHA-256 only.

use super::audit::AuditDraft;
use super::tokens::{fresh_token, sha256_hex};
use super::{Actor, Journal};
use crate::{Commit, Entity, IfMatch, Query, SecretValue, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Duration, Utc};
use msp_domain::{Scope, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

/// What every token starts with, so that people and scanners recognize one.
pub const PREFIX: &str = "mspt_";
/// Most tokens of one account, expired ones included: one for each place it is used from, and one to rotate.
pub const MOST_TOKENS: usize = 20;
/// `LastUsedAt` is written at most this often: a durable write for every request would cost more than it tells.
pub const TOUCH_INTERVAL: Duration = Duration::minutes(5);

/// A token as it is listed; never what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceToken {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: UserId,
    /// Where it is used, as whoever made it says.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
    /// From when on it is refused.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, give or take [`TOUCH_INTERVAL`].
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTokenError {
    /// There are [`MOST_TOKENS`] already.
    #[error("the account has as many tokens as it may")]
    TooMany,
    /// There is no such token to replace.
    #[error("no such token")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tokens.
#[derive(Clone)]
pub struct ServiceTokens {
    journal: Journal,
}

impl ServiceTokens {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Makes a token and answers it; what it says cannot be had again. With `replaces`, that token ends in the same commit.
    ///
    /// # Errors
    /// [`ServiceTokenError`].
    pub async fn mint(
        &self,
        account: UserId,
        name: &str,
        expires_at: DateTime<Utc>,
        replaces: Option<Uuid>,
        actor: &Actor,
    ) -> Result<(ServiceToken, SecretValue), ServiceTokenError> {
        let journal = &self.journal;
        let known = self.of(account).await?;
        if replaces.is_some_and(|replaced| !known.iter().any(|token| token.id == replaced)) {
            return Err(ServiceTokenError::NotFound);
        }
        if replaces.is_none() && known.len() >= MOST_TOKENS {
            return Err(ServiceTokenError::TooMany);
        }
        let secret = fresh_token();
        let token = ServiceToken {
            id: Uuid::new_v4(),
            account,
            name: name.to_owned(),
            created_at: journal.clock.now(),
            created_by: actor.key(),
            expires_at,
            last_used_at: None,
        };
        let row = Entity::new(account.key(), key(token.id))
            .with("Name", name)
            .with("Hash", sha256_hex(secret.reveal()))
            .with("CreatedAt", token.created_at)
            .with("CreatedBy", token.created_by.as_str())
            .with("ExpiresAt", expires_at);
        let details = json!({ "after": describe(&token), "replaces": replaces });
        let mut writes = vec![self.audited(account, "ServiceToken.Mint", details, actor)];
        if let Some(replaced) = replaces {
            writes.push((Table::ServiceTokens, Write::delete(account.key(), key(replaced), IfMatch::Any)));
        }
        writes.push((Table::ServiceTokens, Write::Insert(row)));
        journal.tables.commit(Commit::of(writes)).await.map_err(|error| match error {
            StoreError::NotFound => ServiceTokenError::NotFound,
            error => error.into(),
        })?;
        let text = format!("{PREFIX}{}_{}_{}", account.as_uuid().simple(), token.id.simple(), secret.reveal());
        Ok((token, SecretValue::new(text)))
    }

    /// The token of a text, unless it is over or was taken back; notes that it was used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. That its use could not be noted is no error: a full disk shuts nobody out.
    pub async fn find(&self, text: &str) -> Result<Option<ServiceToken>, StoreError> {
        let Some((account, id, secret)) = parse(text) else { return Ok(None) };
        let tables = &self.journal.tables;
        let Some(row) = tables.get(Table::ServiceTokens, &account.key(), &key(id)).await? else { return Ok(None) };
        // The hash of a guess cannot be chosen, so how long the comparison takes says nothing.
        if row.text("Hash")? != sha256_hex(secret) {
            return Ok(None);
        }
        let token = read(&row, account)?;
        let now = self.journal.clock.now();
        if token.expires_at <= now {
            return Ok(None);
        }
        if token.last_used_at.is_none_or(|used| now - used >= TOUCH_INTERVAL) {
            let used = Entity::new(account.key(), key(id)).with("LastUsedAt", now);
            let touch = Write::Merge(used, IfMatch::Any);
            if let Err(StoreError::NotFound) = tables.write(Table::ServiceTokens, touch).await {
                return Ok(None);
            }
        }
        Ok(Some(token))
    }

    /// The tokens of an account, oldest first; also those whose time is over.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn of(&self, account: UserId) -> Result<Vec<ServiceToken>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ServiceTokens, Query::partition(account.key())).await?;
        let mut tokens = rows.iter().map(|row| read(row, account)).collect::<Result<Vec<_>, _>>()?;
        tokens.sort_by_key(|token| (token.created_at, token.id));
        Ok(tokens)
    }

    /// Takes a token back: it is refused from the next request on. Taking back what is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn revoke(&self, account: UserId, id: Uuid, actor: &Actor) -> Result<(), StoreError> {
        let tables = &self.journal.tables;
        let Some(row) = tables.get(Table::ServiceTokens, &account.key(), &key(id)).await? else { return Ok(()) };
        let details = json!({ "before": describe(&read(&row, account)?) });
        let writes = vec![
            self.audited(account, "ServiceToken.Revoke", details, actor),
            (Table::ServiceTokens, Write::delete(account.key(), key(id), IfMatch::Any)),
        ];
        match tables.commit(Commit::of(writes)).await {
            Err(StoreError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    fn audited(&self, account: UserId, action: &str, details: Value, actor: &Actor) -> TableWrite {
        self.journal.audit.row(AuditDraft::new(Scope::Global, actor, action, account.key(), details))
    }
}

fn describe(token: &ServiceToken) -> Value {
    json!({ "token_id": token.id, "name": token.name, "expires_at": token.expires_at })
}

fn key(id: Uuid) -> String {
    id.hyphenated().to_string()
}

/// `mspt_{account}_{token}_{secret}`.
fn parse(text: &str) -> Option<(UserId, Uuid, &str)> {
    let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
    let mut id = || parts.next().filter(|part| part.len() == 32).and_then(|part| Uuid::parse_str(part).ok());
    let (account, id) = (id()?, id()?);
    Some((account.into(), id, parts.next()?))
}

fn read(row: &Entity, account: UserId) -> Result<ServiceToken, StoreError> {
    let broken = || StoreError::Corrupt(format!("the token {} of a service account has no GUID", row.row_key));
    Ok(ServiceToken {
        id: row.row_key.parse().map_err(|_| broken())?,
        account,
        name: row.text("Name")?.to_owned(),
        created_at: row.instant("CreatedAt")?,
        created_by: row.text_opt("CreatedBy")?.unwrap_or_default().to_owned(),
        expires_at: row.instant("ExpiresAt")?,
        last_used_at: row.instant_opt("LastUsedAt")?,
    })
}
