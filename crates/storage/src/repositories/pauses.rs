//! The emergency stop: table `Platform`, PK `PAUSE`, RK `all`, `organization:{id}` or `workflow:{name}`.

use super::audit::AuditDraft;
use super::{Actor, Journal, etag_of, forget_row, is_there, retry, write_over};
use crate::{Commit, Entity, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::PauseTarget;
use serde_json::json;
use std::fmt::Write as _;

const PARTITION: &str = "PAUSE";

/// Something that is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What.
    pub target: PauseTarget,
    /// Why.
    pub reason: String,
    /// Who paused it: a user id, or `platform`.
    pub paused_by: String,
    /// The name of who paused it, then.
    pub paused_by_name: String,
    /// When.
    pub paused_at: DateTime<Utc>,
}

/// What is paused. Every change moves the generation: a run that was allowed before is not recorded after it.
#[derive(Clone)]
pub struct Pauses {
    journal: Journal,
}

impl Pauses {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Everything that is paused.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn list(&self) -> Result<Vec<Pause>, StoreError> {
        let rows = self.journal.tables.query_all(Table::Platform, Query::partition(PARTITION)).await?;
        rows.iter().map(read).collect()
    }

    /// Whether exactly this is paused, readable or not.
    pub(super) async fn is_paused(&self, target: &PauseTarget) -> Result<bool, StoreError> {
        is_there(self.journal.tables.get(Table::Platform, PARTITION, &row_key(target)).await)
    }

    /// Pauses something. `by` is the name of who does, as others shall see it. Pausing it again for the same reason
    /// changes nothing; for another one, it replaces the reason and who gave it.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the name of the workflow is too long; [`StoreError::Full`] or
    /// [`StoreError::Unavailable`].
    pub async fn pause(
        &self,
        target: &PauseTarget,
        reason: &str,
        by: &str,
        actor: &Actor,
    ) -> Result<Pause, StoreError> {
        let journal = &self.journal;
        let row_key = row_key(target);
        retry(async || {
            let stored = journal.tables.get(Table::Platform, PARTITION, &row_key).await?;
            let before = stored.as_ref().map(read).transpose()?;
            if let Some(before) = before.as_ref().filter(|before| before.reason == reason) {
                return Ok(before.clone());
            }
            let pause = Pause {
                target: target.clone(),
                reason: reason.to_owned(),
                paused_by: actor.key(),
                paused_by_name: by.to_owned(),
                paused_at: journal.clock.now(),
            };
            let details = json!({ "reason": reason, "before": before.map(|before| before.reason) });
            let writes = vec![
                journal.audit.row(AuditDraft::new(target.scope(), actor, "Pause.Set", target.to_string(), details)),
                (Table::Platform, write_over(stored.as_ref().map(etag_of).transpose()?, row(&row_key, &pause))),
                journal.generation.bump(),
            ];
            let guards = journal.open(target.scope()).await?;
            journal.tables.commit(Commit { writes, guards }).await?;
            Ok(pause)
        })
        .await
    }

    /// Resumes what was paused, and answers what the pause was. `None`: it was not paused, and nothing was written.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn resume(&self, target: &PauseTarget, actor: &Actor) -> Result<Option<Pause>, StoreError> {
        let journal = &self.journal;
        let row_key = row_key(target);
        retry(async || {
            let Some(stored) = journal.tables.get(Table::Platform, PARTITION, &row_key).await? else {
                return Ok(None);
            };
            let pause = read(&stored)?;
            let details = json!({ "reason": pause.reason, "paused_by": pause.paused_by, "paused_at": pause.paused_at });
            let writes = vec![
                journal.audit.row(AuditDraft::new(target.scope(), actor, "Pause.Lift", target.to_string(), details)),
                (Table::Platform, Write::delete(PARTITION, row_key.as_str(), IfMatch::Etag(etag_of(&stored)?))),
                journal.generation.bump(),
            ];
            match journal.tables.commit(Commit::of(writes)).await {
                // Resumed by somebody else: the next look finds nothing.
                Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
                outcome => outcome.map(|()| Some(pause)),
            }
        })
        .await
    }

    /// Forgets a pause that nobody can read, of something that goes.
    pub(super) async fn forget(&self, target: &PauseTarget) -> Result<(), StoreError> {
        forget_row(self.journal.tables.as_ref(), Table::Platform, PARTITION, &row_key(target)).await
    }
}

/// A workflow's name may have letters of every script, a key may not: those become `~` and their bytes.
fn row_key(target: &PauseTarget) -> String {
    let mut key = String::new();
    for byte in target.to_string().bytes() {
        if byte.is_ascii() {
            key.push(char::from(byte));
        } else {
            write!(key, "~{byte:02x}").expect("a text takes everything");
        }
    }
    key
}

fn row(row_key: &str, pause: &Pause) -> Entity {
    Entity::new(PARTITION, row_key)
        .with("Target", pause.target.to_string())
        .with("Reason", pause.reason.as_str())
        .with("PausedBy", pause.paused_by.as_str())
        .with("PausedByName", pause.paused_by_name.as_str())
        .with("PausedAt", pause.paused_at)
}

fn read(row: &Entity) -> Result<Pause, StoreError> {
    let target = row.text("Target")?;
    Ok(Pause {
        target: target.parse().map_err(|fault| StoreError::Corrupt(format!("the pause `{target}`: {fault}")))?,
        reason: row.text("Reason")?.to_owned(),
        paused_by: row.text("PausedBy")?.to_owned(),
        paused_by_name: row.text("PausedByName")?.to_owned(),
        paused_at: row.instant("PausedAt")?,
    })
}
