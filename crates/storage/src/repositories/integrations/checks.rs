//! How the last check of an integration went: RK `check:{type}` beside the settings, so that a check is no new version of them.

use super::IntegrationSettings;
use crate::repositories::audit::AuditDraft;
use crate::repositories::{Actor, readable, retry};
use crate::{Commit, Entity, Etag, Query, StoreError, Table, Write, limits};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Scope};
use serde_json::json;

pub(super) const PREFIX: &str = "check:";
/// Longest message kept, in UTF-16 units; what is longer is cut.
const MAX_MESSAGE: usize = 2_000;

/// What came of asking the service.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationCheck {
    /// Which integration.
    pub integration_type: String,
    /// The version of the settings it was made with.
    pub settings_version: Etag,
    /// Why it failed, as a word for programs; `None`: it worked.
    pub error_type: Option<String>,
    /// What a person should read.
    pub message: String,
    /// The status the service answered, when that was the trouble.
    pub status: Option<u16>,
    /// When it ended.
    pub checked_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub checked_by: String,
    /// How long it took.
    pub duration_ms: i64,
}

impl IntegrationSettings {
    /// The last check of each integration of an organization, of those that are readable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn checks(&self, org: OrgId) -> Result<Vec<IntegrationCheck>, StoreError> {
        let query = Query::partition(org.key()).rows_with_prefix(PREFIX);
        let rows = self.journal.tables.query_all(Table::IntegrationConfig, query).await?;
        Ok(readable(Table::IntegrationConfig, &rows, read))
    }

    /// Keeps a check and puts it on the audit trail.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the organization is being deleted; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn record_check(&self, org: OrgId, check: &IntegrationCheck, actor: &Actor) -> Result<(), StoreError> {
        let row = Entity::new(org.key(), row_key(&check.integration_type))
            .with("SettingsVersion", check.settings_version.0.as_str())
            .with_some("ErrorType", check.error_type.as_deref())
            .with("Message", limits::shorten(&check.message, MAX_MESSAGE))
            .with_some("Status", check.status.map(i64::from))
            .with("CheckedAt", check.checked_at)
            .with("CheckedBy", check.checked_by.as_str())
            .with("DurationMs", check.duration_ms);
        let details = json!({ "error_type": check.error_type, "message": check.message, "status": check.status });
        let draft =
            AuditDraft::new(Scope::Org(org), actor, "Integration.Test", check.integration_type.as_str(), details);
        retry(async || {
            let guards = self.journal.open(Scope::Org(org)).await?;
            let row = (Table::IntegrationConfig, Write::UpsertReplace(row.clone()));
            let writes = vec![row, self.journal.audit.row(draft.clone())];
            self.journal.tables.commit(Commit { writes, guards }).await
        })
        .await
    }
}

pub(super) fn row_key(integration_type: &str) -> String {
    format!("{PREFIX}{integration_type}")
}

pub(super) fn read(row: &Entity) -> Result<IntegrationCheck, StoreError> {
    Ok(IntegrationCheck {
        integration_type: row.row_key.strip_prefix(PREFIX).unwrap_or(&row.row_key).to_owned(),
        settings_version: Etag(row.text("SettingsVersion")?.to_owned()),
        error_type: row.text_opt("ErrorType")?.map(str::to_owned),
        message: row.text("Message")?.to_owned(),
        status: row.int_opt("Status")?.and_then(|status| u16::try_from(status).ok()),
        checked_at: row.instant("CheckedAt")?,
        checked_by: row.text_opt("CheckedBy")?.unwrap_or_default().to_owned(),
        duration_ms: row.int_opt("DurationMs")?.unwrap_or_default(),
    })
}
