//! How long executions are kept: table `Platform`, PK `RETENTION`, RK organization, or `GLOBAL` for the installation's own
//! limit, which holds for executions without an organization and wherever an organization has none. RK `~sweep` says how
//! far the sweeper is, `~swept_{scope}` from when on every execution is still there.

use super::audit::AuditDraft;
use super::{Actor, Journal, check_version, etag_of, forget_row, is_there, readable, retry, write_over};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use serde_json::{Value, json};
use std::collections::HashMap;

const PARTITION: &str = "RETENTION";
const SWEEP: &str = "~sweep";
const SWEPT: &str = "~swept_";

/// A limit that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Days after its end at which an execution is removed; `None`: never.
    pub days: Option<u32>,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub updated_by: String,
    /// Its version.
    pub etag: Etag,
}

/// How far the sweeper is with its latest pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; `None` while it goes on, or when it was interrupted.
    pub ended_at: Option<DateTime<Utc>>,
    /// Executions it has removed.
    pub removed: u64,
    /// Executions it could not remove; the server's log names them.
    pub failed: u64,
    /// Organizations to be looked at, executions without one included.
    pub scopes: u64,
    /// Of those, done.
    pub scopes_done: u64,
}

/// The limits.
#[derive(Clone)]
pub struct Retention {
    journal: Journal,
}

impl Retention {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// The limit that was set for exactly this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope) -> Result<Option<RetentionRule>, StoreError> {
        let row = self.journal.tables.get(Table::Platform, PARTITION, &scope.key()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Whether a scope has a limit of its own, readable or not.
    pub(super) async fn is_limited(&self, scope: Scope) -> Result<bool, StoreError> {
        is_there(self.journal.tables.get(Table::Platform, PARTITION, &scope.key()).await)
    }

    /// Every limit that is readable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all(&self) -> Result<HashMap<Scope, RetentionRule>, StoreError> {
        let rules = Query { row_before: Some("~".to_owned()), ..Query::partition(PARTITION) };
        let rows = self.journal.tables.query_all(Table::Platform, rules).await?;
        let corrupt = |error: msp_domain::IdError| StoreError::Corrupt(format!("a limit of retention: {error}"));
        let limit = |row: &Entity| Ok((Scope::from_key(&row.row_key).map_err(corrupt)?, read(row)?));
        Ok(readable(Table::Platform, &rows, limit).into_iter().collect())
    }

    /// The days that hold for a scope now: its own, else the installation's; `None`: kept for good.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn days_of(&self, scope: Scope) -> Result<Option<u32>, StoreError> {
        match self.get(scope).await? {
            Some(own) => Ok(own.days),
            None => Ok(self.get(Scope::Global).await?.and_then(|rule| rule.days)),
        }
    }

    /// Sets the limit of a scope.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn set(
        &self,
        scope: Scope,
        days: Option<u32>,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<RetentionRule, StoreError> {
        let attempt = async || {
            let before = self.get(scope).await?;
            if check_version(before.as_ref().map(|rule| &rule.etag), if_match).is_err() {
                return Ok(None);
            }
            let now = self.journal.clock.now();
            let row = Entity::new(PARTITION, scope.key())
                .with_some("Days", days.map(i64::from))
                .with("UpdatedAt", now)
                .with("UpdatedBy", actor.key());
            let details = json!({ "before": described(before.as_ref()), "after": { "days": days } });
            let writes = vec![
                (Table::Platform, write_over(before.map(|rule| rule.etag), row)),
                self.journal.audit.row(AuditDraft::new(scope, actor, "Retention.Set", scope.key(), details)),
            ];
            let guards = self.journal.open(scope).await?;
            self.journal.tables.commit(Commit { writes, guards }).await?;
            self.get(scope).await
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    /// Takes the limit of a scope away; the installation's holds again. Without one nothing is written.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub async fn clear(&self, scope: Scope, if_match: Option<&Etag>, actor: &Actor) -> Result<(), StoreError> {
        let attempt = async || {
            let before = self.get(scope).await?;
            if check_version(before.as_ref().map(|rule| &rule.etag), if_match).is_err() {
                return Ok(false);
            }
            let Some(before) = before else { return Ok(true) };
            let details = json!({ "before": described(Some(&before)), "after": null });
            let writes = vec![
                (Table::Platform, Write::delete(PARTITION, scope.key(), IfMatch::Etag(before.etag))),
                self.journal.audit.row(AuditDraft::new(scope, actor, "Retention.Clear", scope.key(), details)),
            ];
            match self.journal.tables.commit(Commit::of(writes)).await {
                // Taken away by somebody else: the next look finds nothing.
                Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
                outcome => outcome.map(|()| true),
            }
        };
        if retry(attempt).await? { Ok(()) } else { Err(StoreError::PreconditionFailed) }
    }

    /// Says that what ended before an instant will be removed from a scope, on the audit trail too: first, so that nothing
    /// is ever removed unrecorded.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the organization is being deleted: then all of it goes; [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn begin(&self, scope: Scope, days: u32, instant: DateTime<Utc>) -> Result<(), StoreError> {
        let through = self.swept_through(scope).await?.max(Some(instant));
        let row = Entity::new(PARTITION, swept_key(scope)).with_some("EndedBefore", through);
        let details = json!({ "days": days, "ended_before": instant });
        let draft = AuditDraft::new(scope, &Actor::PLATFORM, "Retention.Sweep", scope.key(), details);
        retry(async || {
            let guards = self.journal.open(scope).await?;
            let writes =
                vec![self.journal.audit.row(draft.clone()), (Table::Platform, Write::UpsertReplace(row.clone()))];
            self.journal.tables.commit(Commit { writes, guards }).await
        })
        .await
    }

    /// Of a scope, something that ended before this instant may have been removed; nothing that ended later.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn swept_through(&self, scope: Scope) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = self.journal.tables.get(Table::Platform, PARTITION, &swept_key(scope)).await?;
        row.map_or(Ok(None), |row| row.instant_opt("EndedBefore"))
    }

    /// Forgets that of a scope, and a limit of it that nobody could read: nothing is left in it.
    pub(super) async fn forget(&self, scope: Scope) -> Result<(), StoreError> {
        for row_key in [swept_key(scope), scope.key()] {
            forget_row(self.journal.tables.as_ref(), Table::Platform, PARTITION, &row_key).await?;
        }
        Ok(())
    }

    /// How far the sweeper is; `None` before its first pass.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn last_sweep(&self) -> Result<Option<Sweep>, StoreError> {
        let Some(row) = self.journal.tables.get(Table::Platform, PARTITION, SWEEP).await? else { return Ok(None) };
        let count = |name: &str| row.int(name).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Some(Sweep {
            started_at: row.instant("StartedAt")?,
            ended_at: row.instant_opt("EndedAt")?,
            removed: count("Removed")?,
            failed: count("Failed")?,
            scopes: count("Scopes")?,
            scopes_done: count("ScopesDone")?,
        }))
    }

    /// Says how far the sweeper is.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn note(&self, sweep: &Sweep) -> Result<(), StoreError> {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let row = Entity::new(PARTITION, SWEEP)
            .with("StartedAt", sweep.started_at)
            .with_some("EndedAt", sweep.ended_at)
            .with("Removed", count(sweep.removed))
            .with("Failed", count(sweep.failed))
            .with("Scopes", count(sweep.scopes))
            .with("ScopesDone", count(sweep.scopes_done));
        self.journal.tables.write(Table::Platform, Write::UpsertReplace(row)).await.map(drop)
    }
}

fn swept_key(scope: Scope) -> String {
    format!("{SWEPT}{}", scope.key())
}

fn described(rule: Option<&RetentionRule>) -> Value {
    rule.map_or(Value::Null, |rule| json!({ "days": rule.days }))
}

fn read(row: &Entity) -> Result<RetentionRule, StoreError> {
    let days = row.int_opt("Days")?.map(u32::try_from).transpose();
    Ok(RetentionRule {
        days: days.map_err(|_| StoreError::Corrupt(format!("the limit of {} has bad `Days`", row.row_key)))?,
        updated_at: row.instant("UpdatedAt")?,
        updated_by: row.text_opt("UpdatedBy")?.unwrap_or_default().to_owned(),
        etag: etag_of(row)?,
    })
}
