//! Config values: table `OrgConfig`, PK organization or `GLOBAL`, RK `config:{key}`.

use super::Actor;
use crate::{Etag, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::{ConfigEntry, EffectiveConfig, OrgId, Scope};

/// A stored value with its bookkeeping.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConfig {
    /// Key, type, value, description.
    pub entry: ConfigEntry,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
    /// Its version.
    pub etag: Etag,
}

/// The config values.
#[derive(Clone)]
pub struct Config {}

impl Config {
    /// The values set in one scope, by key.
    pub async fn of_scope(&self, scope: Scope) -> Result<Vec<StoredConfig>, StoreError> {
        let _ = scope;
        todo!("storage")
    }

    /// What holds for an organization: its own values over the global ones. `None`: only the global ones.
    pub async fn effective(&self, org: Option<OrgId>) -> Result<EffectiveConfig, StoreError> {
        let _ = org;
        todo!("storage")
    }

    /// One value set in exactly this scope.
    pub async fn get(&self, scope: Scope, key: &str) -> Result<Option<StoredConfig>, StoreError> {
        let _ = (scope, key);
        todo!("storage")
    }

    /// Writes a value; the caller has parsed it.
    pub async fn set(
        &self,
        scope: Scope,
        entry: &ConfigEntry,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredConfig, StoreError> {
        let _ = (scope, entry, if_match, actor);
        todo!("storage")
    }

    /// Removes a value: [`StoreError::NotFound`] if it is not set in exactly this scope.
    pub async fn delete(&self, scope: Scope, key: &str, actor: &Actor) -> Result<(), StoreError> {
        let _ = (scope, key, actor);
        todo!("storage")
    }
}
