//! An audit row on the wire.

use crate::http::csv;
use chrono::{DateTime, SecondsFormat, Utc};
use msp_domain::{ExportFormat, OrgId, UserId};
use msp_storage::{
    StoreError,
    repositories::{Repositories, audit::AuditRow},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Something that was done, and who did it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10", "occurred_at": "2026-07-01T08:30:00Z",
    "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "user_id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003",
    "user_name": "Ada Lovelace", "ip_address": "192.0.2.7", "action": "Config.Set", "entity_type": "Config",
    "entity_id": "license_sku", "details": {
        "before": { "value": "E3", "type": "string", "description": null },
        "after": { "value": "E5", "type": "string", "description": null }
    }
}))]
pub struct AuditView {
    /// Its id. It carries the time.
    pub id: Uuid,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Whose it is; `null` for what belongs to no organization.
    pub org_id: Option<OrgId>,
    /// Who did it; `null` for the platform itself, the command line, and strangers.
    pub user_id: Option<UserId>,
    /// The name of who did it, as it is now.
    pub user_name: Option<String>,
    /// Where the request came from.
    pub ip_address: Option<String>,
    /// What was done, as `Thing.Verb`.
    pub action: String,
    /// The kind of thing it was done to.
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// What it was `before` and is `after`, or what else there is to say. Secrets are never in it.
    pub details: Value,
}

impl AuditView {
    /// The rows with the names of their users.
    pub(crate) async fn all(repositories: &Repositories, rows: Vec<AuditRow>) -> Result<Vec<Self>, StoreError> {
        let snapshot = repositories.snapshots.current().await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let user = match row.draft.actor.user {
                Some(user) => snapshot.user(user).await?,
                None => None,
            };
            views.push(Self {
                id: row.id,
                occurred_at: row.occurred_at,
                org_id: row.draft.scope.org(),
                user_id: row.draft.actor.user,
                user_name: user.map(|user| user.display_name.clone()),
                ip_address: row.draft.actor.ip_address,
                action: row.draft.action,
                entity_type: row.draft.entity_type,
                entity_id: row.draft.entity_id,
                details: row.draft.details,
            });
        }
        Ok(views)
    }

    /// What a file begins with.
    pub(crate) fn head(format: ExportFormat) -> String {
        match format {
            ExportFormat::Csv => Self::csv_head(),
            ExportFormat::Jsonl => String::new(),
        }
    }

    /// These rows as lines of a file.
    pub(crate) fn lines(format: ExportFormat, views: &[Self]) -> String {
        match format {
            ExportFormat::Csv => views.iter().map(Self::csv).collect(),
            ExportFormat::Jsonl => views.iter().map(Self::json_line).collect(),
        }
    }

    fn csv_head() -> String {
        csv::head([
            "occurred_at",
            "org_id",
            "user_id",
            "user_name",
            "ip_address",
            "action",
            "entity_type",
            "entity_id",
            "details",
            "id",
        ])
    }

    fn csv(&self) -> String {
        csv::line([
            self.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true).as_str(),
            &self.org_id.map_or_else(String::new, |org| org.key()),
            &self.user_id.map_or_else(String::new, |user| user.key()),
            self.user_name.as_deref().unwrap_or_default(),
            self.ip_address.as_deref().unwrap_or_default(),
            &self.action,
            &self.entity_type,
            &self.entity_id,
            &self.details.to_string(),
            &self.id.to_string(),
        ])
    }

    /// The row as a line of JSON.
    pub(super) fn json_line(&self) -> String {
        serde_json::to_string(self).expect("rows always serialise") + "\n"
    }
}
