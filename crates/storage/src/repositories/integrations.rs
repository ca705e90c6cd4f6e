//! Integration settings: table `IntegrationConfig`, PK organization, RK `integration:{type}`. Credentials are
//! secrets of namespace `Integration` under the same organization, named `{type}`; no worker can name them.

mod checks;

pub use checks::IntegrationCheck;

use super::audit::AuditDraft;
use super::{Actor, Journal, check_version, etag_of, readable, retry, write_over};
use crate::{
    Commit, Entity, Etag, IfMatch, Query, SecretAddress, SecretNamespace, SecretStore, SecretValue, StoreError, Table,
    TableStore, TableWrite, Write, limits,
};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Scope};
use serde_json::{Value, json};
use std::sync::Arc;

const PREFIX: &str = "integration:";

/// The settings of one integration for one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredIntegration {
    /// `msgraph`, `halopsa`.
    pub integration_type: String,
    /// Switched off, every call is refused as "disabled".
    pub enabled: bool,
    /// Validated against the integration's schema by the caller.
    pub settings: Value,
    /// Whether a credential is stored.
    pub has_credential: bool,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
    /// Its version.
    pub etag: Etag,
}

/// What happens to the stored credential when settings are written.
#[derive(Debug, Clone)]
pub enum CredentialChange {
    /// It stays.
    Keep,
    /// It is replaced.
    Set(SecretValue),
    /// It is removed: host, auth address or tenant changed, and the old one must never be sent there.
    Clear,
}

/// Integrations whose credential belongs to the organization's Microsoft Entra tenant (design section 7).
pub(super) const TENANT_BOUND: [&str; 1] = ["msgraph"];

/// The integration settings.
#[derive(Clone)]
pub struct IntegrationSettings {
    journal: Journal,
    secrets: Arc<dyn SecretStore>,
}

impl IntegrationSettings {
    pub(super) fn new(journal: Journal, secrets: Arc<dyn SecretStore>) -> Self {
        Self { journal, secrets }
    }

    /// Those of one organization that are readable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list(&self, org: OrgId) -> Result<Vec<StoredIntegration>, StoreError> {
        let query = Query::partition(org.key()).rows_with_prefix(PREFIX);
        let rows = self.journal.tables.query_all(Table::IntegrationConfig, query).await?;
        let credentials = self.secrets.names(SecretNamespace::Integration, Scope::Org(org)).await?;
        Ok(readable(Table::IntegrationConfig, &rows, |row| read(row, &credentials)))
    }

    /// How many of one organization there are, readable or not.
    pub(super) async fn count(&self, org: OrgId) -> Result<usize, StoreError> {
        let query = Query::partition(org.key()).rows_with_prefix(PREFIX);
        Ok(self.journal.tables.query_all(Table::IntegrationConfig, query).await?.len())
    }

    /// One of one organization.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn get(&self, org: OrgId, integration_type: &str) -> Result<Option<StoredIntegration>, StoreError> {
        let row = self.journal.tables.get(Table::IntegrationConfig, &org.key(), &row_key(integration_type)).await?;
        match row {
            Some(row) => {
                let credentials = self.secrets.names(SecretNamespace::Integration, Scope::Org(org)).await?;
                read(&row, &credentials).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The credential, for the broker only.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not decrypt at its address.
    pub async fn credential(&self, org: OrgId, integration_type: &str) -> Result<Option<SecretValue>, StoreError> {
        self.secrets.get(&credential_address(org, integration_type)).await
    }

    /// Writes settings. A credential is cleared before the new settings are written and set after: no order of
    /// crashes sends an old credential to a new address.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Limit`] when the settings are too long.
    #[expect(clippy::too_many_arguments, reason = "one atomic change, named by its parts")]
    pub async fn put(
        &self,
        org: OrgId,
        integration_type: &str,
        enabled: bool,
        settings: &Value,
        credential: CredentialChange,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredIntegration, StoreError> {
        let change = match &credential {
            CredentialChange::Keep => "kept",
            CredentialChange::Set(_) => "set",
            CredentialChange::Clear => "cleared",
        };
        if let CredentialChange::Set(value) = &credential {
            limits::check_secret(value)?;
        }
        let attempt = async || {
            let before = self.get(org, integration_type).await?;
            let current = before.as_ref().map(|stored| stored.etag.clone());
            if check_version(current.as_ref(), if_match).is_err() {
                return Ok(None);
            }
            let row = Entity::new(org.key(), row_key(integration_type))
                .with("Enabled", enabled)
                .with("Settings", settings.to_string())
                .with("UpdatedAt", self.journal.clock.now())
                .with("UpdatedBy", actor.key());
            // Refused before anything is cleared.
            limits::check_entity(&row)?;
            // With the same settings the old credential may stay until the new one replaces it: it goes nowhere else.
            let same_settings = before.as_ref().is_some_and(|stored| stored.settings == *settings);
            match &credential {
                CredentialChange::Clear => self.secrets.delete(&credential_address(org, integration_type)).await?,
                CredentialChange::Set(_) if !same_settings => {
                    self.secrets.delete(&credential_address(org, integration_type)).await?;
                }
                CredentialChange::Keep | CredentialChange::Set(_) => {}
            }
            let details = json!({
                "before": before.as_ref().map(|stored| describe(stored.enabled, &stored.settings)),
                "after": describe(enabled, settings),
                "credential": change,
            });
            let draft = AuditDraft::new(Scope::Org(org), actor, "Integration.Set", integration_type, details);
            let writes = vec![
                (Table::IntegrationConfig, write_over(current, row)),
                self.journal.audit.row(draft),
                self.journal.generation.bump(),
            ];
            let guards = self.journal.open(Scope::Org(org)).await?;
            self.journal.tables.commit(Commit { writes, guards }).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)?;
        if let CredentialChange::Set(value) = &credential {
            // Whoever read the settings since the commit above saw no credential, or the old one.
            let address = credential_address(org, integration_type);
            self.journal.set_secret(self.secrets.as_ref(), &address, value).await?;
        }
        self.get(org, integration_type).await?.ok_or(StoreError::NotFound)
    }

    /// Removes settings and credential: [`StoreError::NotFound`] if there are none. The credential goes first.
    ///
    /// # Errors
    /// As said; [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Full`]. Safe to repeat.
    pub async fn delete(
        &self,
        org: OrgId,
        integration_type: &str,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let attempt = async || {
            let before = self.get(org, integration_type).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            self.secrets.delete(&credential_address(org, integration_type)).await?;
            let details = json!({ "before": describe(before.enabled, &before.settings) });
            let draft = AuditDraft::new(Scope::Org(org), actor, "Integration.Delete", integration_type, details);
            let delete = Write::delete(org.key(), row_key(integration_type), IfMatch::Etag(before.etag));
            let mut writes =
                vec![(Table::IntegrationConfig, delete), self.journal.audit.row(draft), self.journal.generation.bump()];
            writes.extend(forget_check(self.journal.tables.as_ref(), org, integration_type).await?);
            self.journal.tables.commit(Commit::of(writes)).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }
}

/// The write that forgets how the last check of an integration went, if there was one.
pub(super) async fn forget_check(
    tables: &dyn TableStore,
    org: OrgId,
    integration_type: &str,
) -> Result<Option<TableWrite>, StoreError> {
    let (partition, check) = (org.key(), checks::row_key(integration_type));
    let row = tables.get(Table::IntegrationConfig, &partition, &check).await?;
    Ok(row.map(|_| (Table::IntegrationConfig, Write::delete(partition, check, IfMatch::Any))))
}

/// Whether a row of the table can be read.
pub(super) fn check(row: &Entity) -> Result<(), StoreError> {
    if row.row_key.starts_with(checks::PREFIX) { checks::read(row).map(drop) } else { read(row, &[]).map(drop) }
}

fn row_key(integration_type: &str) -> String {
    format!("{PREFIX}{integration_type}")
}

pub(super) fn credential_address(org: OrgId, integration_type: &str) -> SecretAddress {
    SecretAddress::new(SecretNamespace::Integration, Scope::Org(org), integration_type)
}

fn describe(enabled: bool, settings: &Value) -> Value {
    json!({ "enabled": enabled, "settings": settings })
}

fn read(row: &Entity, credentials: &[String]) -> Result<StoredIntegration, StoreError> {
    let integration_type = row.row_key.strip_prefix(PREFIX).unwrap_or(&row.row_key).to_owned();
    let settings = serde_json::from_str(row.text("Settings")?)
        .map_err(|_| StoreError::Corrupt(format!("the settings of {} are no JSON", row.row_key)))?;
    Ok(StoredIntegration {
        enabled: row.flag("Enabled")?,
        settings,
        has_credential: credentials.contains(&integration_type),
        updated_at: row.instant("UpdatedAt")?,
        updated_by: row.text_opt("UpdatedBy")?.unwrap_or_default().to_owned(),
        etag: etag_of(row)?,
        integration_type,
    })
}
