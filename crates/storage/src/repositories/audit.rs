//! The audit trail: who did what to which thing, when and from where.

mod list;

pub use list::AuditFilter;

use super::paging::{Scan, page};
use super::seals::Marks;
use super::{Actor, Listing};
use crate::{Entity, Query, StoreError, Table, TableStore, TableWrite, Write, limits};
use chrono::{DateTime, Utc};
use msp_domain::ids::reverse_timestamp;
use msp_domain::{Clock, Scope};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Longest `Details`, in UTF-16 units; what is longer is cut, because a change must not fail for its audit row.
pub(super) const MAX_DETAILS: usize = 30_000;
/// Longest of the short texts of a row.
const MAX_TEXT: usize = 1_000;

/// Something to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditDraft {
    /// Where it belongs; without an organization it is `GLOBAL`.
    pub scope: Scope,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `Entity.Verb`: `Config.Set`, `Workflow.Execute`, `Access.Denied`.
    pub action: String,
    /// The kind of thing.
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// Before and after, secrets masked by the writer.
    pub details: Value,
}

impl AuditDraft {
    /// A draft whose kind of thing is the first half of its action.
    pub fn new(scope: Scope, actor: &Actor, action: &str, entity_id: impl Into<String>, details: Value) -> Self {
        Self {
            scope,
            actor: actor.clone(),
            action: action.to_owned(),
            entity_type: action.split('.').next().unwrap_or(action).to_owned(),
            entity_id: entity_id.into(),
            details,
        }
    }
}

/// A recorded row.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its id.
    pub id: Uuid,
    /// What was recorded.
    pub draft: AuditDraft,
    /// When it happened (`OccurredAt`).
    pub occurred_at: DateTime<Utc>,
}

/// The audit trail.
#[derive(Clone)]
pub struct Audit {
    tables: Arc<dyn TableStore>,
    clock: Arc<dyn Clock>,
    marks: Arc<Marks>,
}

impl Audit {
    pub(super) fn new(tables: Arc<dyn TableStore>, clock: Arc<dyn Clock>) -> Self {
        Self { tables, clock, marks: Arc::default() }
    }

    /// Where rows were written that are to be sealed.
    pub(super) fn marks(&self) -> Arc<Marks> {
        Arc::clone(&self.marks)
    }

    /// The write that records it, for the commit of the change itself.
    pub fn row(&self, draft: AuditDraft) -> TableWrite {
        let now = self.clock.now();
        self.marks.set(draft.scope, now);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let log_id = Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            millis / 1000,
            u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000,
        ));
        let row_key = format!("{}_{}", reverse_timestamp(millis), log_id.hyphenated());
        let entity = Entity::new(draft.scope.key(), row_key)
            .with("LogId", log_id)
            .with("UserId", draft.actor.key())
            .with("Action", limits::shorten(&draft.action, MAX_TEXT))
            .with("EntityType", limits::shorten(&draft.entity_type, MAX_TEXT))
            .with("EntityId", limits::shorten(&draft.entity_id, MAX_TEXT))
            .with("Details", details_text(&draft.details))
            .with_some("IpAddress", draft.actor.ip_address.map(|address| limits::shorten(&address, MAX_TEXT)))
            .with("OccurredAt", now);
        (Table::AuditLogs, Write::Insert(entity))
    }

    /// Records something that is no change of a stored thing: a denial, a sign-in, the reading of a secret.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn record(&self, draft: AuditDraft) -> Result<(), StoreError> {
        let (table, write) = self.row(draft);
        self.tables.write(table, write).await.map(|_| ())
    }

    /// Newest first.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(
        &self,
        scope: Scope,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<AuditRow>, StoreError> {
        let query = Query::partition(scope.key());
        let read = |entity| read(scope, &entity).map(Some);
        page(self.tables.as_ref(), Table::AuditLogs, query, cursor, limit, Scan::Unfiltered, read).await
    }
}

fn details_text(details: &Value) -> String {
    let text = details.to_string();
    if limits::utf16_units(&text) <= MAX_DETAILS {
        return text;
    }
    // Quoting may double the length of the part that is kept.
    json!({ "cut": true, "start": limits::shorten(&text, MAX_DETAILS / 2 - 100) }).to_string()
}

fn read(scope: Scope, entity: &Entity) -> Result<AuditRow, StoreError> {
    let missing = |name: &str| StoreError::Corrupt(format!("audit row {} lacks `{name}`", entity.row_key));
    let text = |name| entity.text_opt(name).map(|text| text.unwrap_or_default().to_owned());
    Ok(AuditRow {
        id: entity.guid_opt("LogId")?.ok_or_else(|| missing("LogId"))?,
        draft: AuditDraft {
            scope,
            actor: Actor {
                user: entity.text_opt("UserId")?.and_then(|user| user.parse().ok()),
                ip_address: entity.text_opt("IpAddress")?.map(str::to_owned),
            },
            action: entity.text("Action")?.to_owned(),
            entity_type: text("EntityType")?,
            entity_id: text("EntityId")?,
            details: entity
                .text_opt("Details")?
                .map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into())),
        },
        occurred_at: entity.instant("OccurredAt")?,
    })
}
