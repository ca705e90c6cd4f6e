//! Who is told of failures: table `NotificationRules`, PK organization or `GLOBAL`, RK `rule:{id}`; RK `delivery:{id}` says
//! how telling went, apart, because that changes no rule; RK `~turn` is written with each new rule. Addresses to post to are secrets of namespace `Notification`
//! under the same scope, named `{rule}.{random}`: a row names the one that holds, so that address and rule change together.

mod notices;
mod rows;

pub use notices::{Notice, Notices};
pub(super) use notices::{Wanted, check_notice, kept_error_type};
pub(super) use rows::check as check_rule;

use super::audit::AuditDraft;
use super::{Actor, Journal, check_version, clear_rows, etag_of, if_readable, readable, retry, write_over};
use crate::{
    Commit, Entity, Etag, Guard, IfMatch, Query, SecretAddress, SecretNamespace, SecretStore, SecretValue, StoreError,
    Table, Write, limits,
};
use chrono::{DateTime, Utc};
use msp_domain::{NotificationRule, Scope};
use rows::{DELIVERY, RULE, TURN, delivery_key, rule_key};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// Most rules of one organization, and of the installation: each is asked about every failure.
pub const MAX_RULES: usize = 20;

/// A rule on record.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRule {
    /// Its id.
    pub id: Uuid,
    /// Whose failures it is about; `GLOBAL`: everybody's.
    pub scope: Scope,
    /// What it says.
    pub rule: NotificationRule,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub updated_by: String,
    /// Its version.
    pub etag: Etag,
    /// The name of the secret that holds its address.
    secret: Option<String>,
}

/// How telling went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// When a message was last delivered.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Why the latest attempt failed; `None`: it did not.
    pub last_error: Option<String>,
    /// When it failed.
    pub last_failed_at: Option<DateTime<Utc>>,
}

/// The rules.
#[derive(Clone)]
pub struct NotificationRules {
    journal: Journal,
    secrets: Arc<dyn SecretStore>,
    /// Something is to be told, or by another rule.
    changed: Arc<Notify>,
}

impl NotificationRules {
    pub(super) fn new(journal: Journal, secrets: Arc<dyn SecretStore>) -> Self {
        Self { journal, secrets, changed: Arc::default() }
    }

    /// Those of one scope that are readable, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list(&self, scope: Scope) -> Result<Vec<StoredRule>, StoreError> {
        let rows = self.journal.tables.query_all(Table::NotificationRules, of(scope, RULE)).await?;
        let mut rules = readable(Table::NotificationRules, &rows, |row| rows::read(scope, row));
        rules.sort_by_cached_key(|stored| (stored.rule.name.to_lowercase(), stored.id));
        Ok(rules)
    }

    /// Those of one scope that can be read: one that cannot keeps no other from telling. At most as many as there may be,
    /// also if two were made at the same moment.
    pub(super) async fn readable(&self, scope: Scope) -> Result<Vec<StoredRule>, StoreError> {
        let mut rows = self.journal.tables.query_all(Table::NotificationRules, of(scope, RULE)).await?;
        rows.truncate(MAX_RULES);
        Ok(readable(Table::NotificationRules, &rows, |row| rows::read(scope, row)))
    }

    /// How many of one scope there are, readable or not.
    pub(super) async fn count(&self, scope: Scope) -> Result<usize, StoreError> {
        Ok(self.journal.tables.query_all(Table::NotificationRules, of(scope, RULE)).await?.len())
    }

    /// The rule with this id in exactly this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope, id: Uuid) -> Result<Option<StoredRule>, StoreError> {
        let row = self.journal.tables.get(Table::NotificationRules, &scope.key(), &rule_key(id)).await?;
        row.as_ref().map(|row| rows::read(scope, row)).transpose()
    }

    /// The address a rule posts to, for whoever posts; `None` if it has none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not decrypt at its address.
    pub async fn url(&self, stored: &StoredRule) -> Result<Option<SecretValue>, StoreError> {
        match &stored.secret {
            Some(name) => self.secrets.get(&address(stored.scope, name)).await,
            None => Ok(None),
        }
    }

    /// Adds a rule, with the address it posts to if it does.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the scope has as many as it may.
    pub async fn create(
        &self,
        scope: Scope,
        rule: NotificationRule,
        url: Option<SecretValue>,
        actor: &Actor,
    ) -> Result<StoredRule, StoreError> {
        let (id, now) = (Uuid::new_v4(), self.journal.clock.now());
        let secret = self.keep(scope, id, url).await?;
        let etag = Etag(String::new());
        let stored =
            StoredRule { id, scope, rule, created_at: now, updated_at: now, updated_by: actor.key(), etag, secret };
        let attempt = async || {
            // Everybody who makes one here writes it, so that nobody makes one too many.
            let turn = self.journal.tables.get(Table::NotificationRules, &scope.key(), TURN).await?;
            let rows = self.journal.tables.query_all(Table::NotificationRules, of(scope, RULE)).await?;
            if rows.len() >= MAX_RULES {
                return Err(StoreError::Limit(format!("there are {MAX_RULES} rules here, and that is the most")));
            }
            let turn = write_over(turn.as_ref().map(etag_of).transpose()?, Entity::new(scope.key(), TURN));
            let details = json!({ "after": stored.rule });
            let audit = AuditDraft::new(scope, actor, "NotificationRule.Create", id.to_string(), details);
            let rule = write_over(None, rows::row(&stored));
            let writes = [turn, rule].map(|write| (Table::NotificationRules, write)).into_iter();
            let audit = self.journal.audit.row(audit);
            let guards = self.journal.open(scope).await?;
            self.journal.tables.commit(Commit { writes: writes.chain([audit]).collect(), guards }).await
        };
        if let Err(error) = retry(attempt).await {
            // Whether a write took place that was not answered is unknown, and then it stays.
            if let (StoreError::Limit(_) | StoreError::NotFound, Some(name)) = (&error, &stored.secret) {
                self.secrets.delete(&address(scope, name)).await?;
            }
            return Err(error);
        }
        self.get(scope, id).await?.ok_or(StoreError::NotFound)
    }

    /// Replaces what a rule says. `url` of `None` keeps its address, if it still posts. `if_match` of `None` takes
    /// whatever version is there. What waited to be told by a rule that is switched off is dropped.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn replace(
        &self,
        (scope, id): (Scope, Uuid),
        rule: &NotificationRule,
        url: Option<SecretValue>,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredRule, StoreError> {
        let posts = matches!(rule.channel, msp_domain::notification::Channel::Webhook { .. });
        let address_change = match (&url, posts) {
            (Some(_), _) => "set",
            (None, true) => "kept",
            (None, false) => "none",
        };
        let fresh = self.keep(scope, id, url).await?;
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let details = json!({ "before": before.rule, "after": rule, "address": address_change });
            let current = before.etag.clone();
            let earlier = before.secret.clone();
            let kept = earlier.clone().filter(|_| posts);
            let after = StoredRule {
                rule: rule.clone(),
                updated_at: self.journal.clock.now(),
                updated_by: actor.key(),
                secret: fresh.clone().or(kept),
                ..before
            };
            let audit = AuditDraft::new(scope, actor, "NotificationRule.Update", id.to_string(), details);
            self.store(&after, current, audit).await?;
            Ok(Some(earlier.filter(|earlier| Some(earlier) != after.secret.as_ref())))
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        let outcome = retry(attempt).await.and_then(|replaced| replaced.ok_or(StoreError::PreconditionFailed));
        match outcome {
            Ok(earlier) => {
                if !rule.enabled {
                    let (tables, waiting) = (&self.journal.tables, notices::of_rule(id));
                    clear_rows(tables.as_ref(), Table::ActiveExecutions, waiting).await?;
                }
                // What it could not tell is tried again at once.
                self.changed.notify_one();
                if let Some(name) = earlier {
                    self.secrets.delete(&address(scope, &name)).await?;
                }
            }
            // Nobody names it. Whether a write took place that was not answered is unknown, and then it stays.
            Err(error @ (StoreError::PreconditionFailed | StoreError::NotFound)) => {
                if let Some(name) = &fresh {
                    self.secrets.delete(&address(scope, name)).await?;
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.get(scope, id).await?.ok_or(StoreError::NotFound)
    }

    /// Removes a rule with its address and what waited to be told by it.
    ///
    /// # Errors
    /// As for [`Self::replace`].
    pub async fn delete(
        &self,
        (scope, id): (Scope, Uuid),
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let tables = &self.journal.tables;
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let details = json!({ "before": before.rule });
            let audit = AuditDraft::new(scope, actor, "NotificationRule.Delete", id.to_string(), details);
            let delete = Write::delete(scope.key(), rule_key(id), IfMatch::Etag(before.etag));
            let mut writes = vec![(Table::NotificationRules, delete), self.journal.audit.row(audit)];
            if tables.get(Table::NotificationRules, &scope.key(), &delivery_key(id)).await?.is_some() {
                let delete = Write::delete(scope.key(), delivery_key(id), IfMatch::Any);
                writes.push((Table::NotificationRules, delete));
            }
            tables.commit(Commit::of(writes)).await.map(Some)
        };
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)?;
        self.drop_addresses(scope, id).await?;
        clear_rows(tables.as_ref(), Table::ActiveExecutions, notices::of_rule(id)).await
    }

    /// How telling went, by rule, as far as that is readable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn deliveries(&self, scope: Scope) -> Result<HashMap<Uuid, Delivery>, StoreError> {
        let rows = self.journal.tables.query_all(Table::NotificationRules, of(scope, DELIVERY)).await?;
        Ok(readable(Table::NotificationRules, &rows, rows::read_delivery).into_iter().collect())
    }

    /// How telling went, for one rule.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delivery(&self, scope: Scope, id: Uuid) -> Result<Delivery, StoreError> {
        let row = self.journal.tables.get(Table::NotificationRules, &scope.key(), &delivery_key(id)).await?;
        let delivery = row.as_ref().and_then(|row| {
            if_readable(Table::NotificationRules, row, rows::read_delivery(row)).map(|(_, delivery)| delivery)
        });
        Ok(delivery.unwrap_or_default())
    }

    /// Puts on record how telling went: `error` of `None`, well. Nothing is written if the rule was changed or removed
    /// meanwhile: it was another rule then.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn note(&self, stored: &StoredRule, error: Option<&str>) -> Result<(), StoreError> {
        let write =
            rows::delivery(stored, error.map(|error| limits::shorten(error, MAX_ERROR)), self.journal.clock.now());
        let guard = Guard {
            table: Table::NotificationRules,
            partition_key: stored.scope.key(),
            row_key: rule_key(stored.id),
            etag: Some(stored.etag.clone()),
        };
        let commit = Commit { writes: vec![(Table::NotificationRules, write)], guards: vec![guard] };
        match self.journal.tables.commit(commit).await {
            Err(StoreError::PreconditionFailed) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes the addresses of a scope that is deleted.
    pub(super) async fn drop_all_addresses(&self, scope: Scope) -> Result<(), StoreError> {
        for name in self.secrets.names(SecretNamespace::Notification, scope).await? {
            self.secrets.delete(&address(scope, &name)).await?;
        }
        Ok(())
    }

    /// Stores an address under a name nobody names yet.
    async fn keep(&self, scope: Scope, id: Uuid, url: Option<SecretValue>) -> Result<Option<String>, StoreError> {
        let Some(url) = url else { return Ok(None) };
        limits::check_secret(&url)?;
        let name = format!("{id}.{}", Uuid::new_v4().simple());
        self.secrets.set(&address(scope, &name), &url).await?;
        Ok(Some(name))
    }

    /// Removes the addresses of a rule that is gone; also those a crash left behind.
    async fn drop_addresses(&self, scope: Scope, id: Uuid) -> Result<(), StoreError> {
        let prefix = format!("{id}.");
        for name in self.secrets.names(SecretNamespace::Notification, scope).await? {
            if name.starts_with(&prefix) {
                self.secrets.delete(&address(scope, &name)).await?;
            }
        }
        Ok(())
    }

    async fn store(&self, stored: &StoredRule, current: Etag, audit: AuditDraft) -> Result<(), StoreError> {
        let writes = vec![
            (Table::NotificationRules, write_over(Some(current), rows::row(stored))),
            self.journal.audit.row(audit),
        ];
        self.journal.tables.commit(Commit::of(writes)).await
    }
}

/// Longest error that is kept, in UTF-16 units.
const MAX_ERROR: usize = 1_000;

fn of(scope: Scope, prefix: &str) -> Query {
    Query::partition(scope.key()).rows_with_prefix(prefix)
}

fn address(scope: Scope, name: &str) -> SecretAddress {
    SecretAddress::new(SecretNamespace::Notification, scope, name)
}
