//! Integration settings: table `IntegrationConfig`, PK organization, RK `integration:{type}`. Credentials are
//! secrets of namespace `Integration` under the same organization, named `{type}`; no worker can name them.

use super::Actor;
use crate::{Etag, SecretValue, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::OrgId;
use serde_json::Value;

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

/// The integration settings.
#[derive(Clone)]
pub struct IntegrationSettings {}

impl IntegrationSettings {
    /// All of one organization.
    pub async fn list(&self, org: OrgId) -> Result<Vec<StoredIntegration>, StoreError> {
        let _ = org;
        todo!("storage")
    }

    /// One of one organization.
    pub async fn get(&self, org: OrgId, integration_type: &str) -> Result<Option<StoredIntegration>, StoreError> {
        let _ = (org, integration_type);
        todo!("storage")
    }

    /// The credential, for the broker only.
    pub async fn credential(&self, org: OrgId, integration_type: &str) -> Result<Option<SecretValue>, StoreError> {
        let _ = (org, integration_type);
        todo!("storage")
    }

    /// Writes settings. A credential is cleared before the new settings are written and set after: no order of
    /// crashes sends an old credential to a new address.
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
        let _ = (org, integration_type, enabled, settings, credential, if_match, actor);
        todo!("storage")
    }

    /// Removes settings and credential: [`StoreError::NotFound`] if there are none.
    pub async fn delete(&self, org: OrgId, integration_type: &str, actor: &Actor) -> Result<(), StoreError> {
        let _ = (org, integration_type, actor);
        todo!("storage")
    }
}
