//! The audit trail: who did what to which thing, when and from where.

use super::{Actor, Listing};
use crate::{StoreError, TableWrite};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use serde_json::Value;
use uuid::Uuid;

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
pub struct Audit {}

impl Audit {
    /// The write that records it, for the commit of the change itself.
    pub fn row(&self, draft: AuditDraft) -> TableWrite {
        let _ = draft;
        todo!("storage")
    }

    /// Records something that is no change of a stored thing: a denial, a sign-in, the reading of a secret.
    pub async fn record(&self, draft: AuditDraft) -> Result<(), StoreError> {
        let _ = draft;
        todo!("storage")
    }

    /// Newest first.
    pub async fn list(
        &self,
        scope: Scope,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<AuditRow>, StoreError> {
        let _ = (scope, cursor, limit);
        todo!("storage")
    }
}
