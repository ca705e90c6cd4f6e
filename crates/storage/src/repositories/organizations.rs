//! Client organizations: table `Organizations`, PK `ORG`, RK organization id.

use super::{Actor, Listing};
use crate::{Etag, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::OrgId;
use uuid::Uuid;

/// A client organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its unique name.
    pub name: String,
    /// Its Microsoft Entra tenant.
    pub tenant_id: Option<Uuid>,
    /// Nothing runs for an inactive organization.
    pub is_active: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who created it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its version.
    pub etag: Etag,
}

/// A change; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrganizationChange {
    /// A new name.
    pub name: Option<String>,
    /// A new tenant; `Some(None)` unlinks it.
    pub tenant_id: Option<Option<Uuid>>,
    /// Activate or deactivate.
    pub is_active: Option<bool>,
}

/// Why an organization was not written.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationError {
    /// Another organization has this name, letter case ignored.
    #[error("another organization is called that")]
    NameTaken,
    /// Another organization is linked to this tenant.
    #[error("another organization is linked to this tenant")]
    TenantTaken,
    /// No such organization.
    #[error("no such organization")]
    NotFound,
    /// The store failed, or the version was stale.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The organizations.
#[derive(Clone)]
pub struct Organizations {}

impl Organizations {
    /// Adds an organization. Uniqueness is exact: the commit is guarded by the `Generation` row.
    pub async fn create(
        &self,
        name: &str,
        tenant_id: Option<Uuid>,
        actor: &Actor,
    ) -> Result<Organization, OrganizationError> {
        let _ = (name, tenant_id, actor);
        todo!("storage")
    }

    /// The organization with this id.
    pub async fn get(&self, id: OrgId) -> Result<Option<Organization>, StoreError> {
        let _ = id;
        todo!("storage")
    }

    /// In order of id, page by page.
    pub async fn list(&self, cursor: Option<&str>, limit: usize) -> Result<Listing<Organization>, StoreError> {
        let _ = (cursor, limit);
        todo!("storage")
    }

    /// Every organization, sorted by name. There are hundreds, not millions.
    pub async fn all(&self) -> Result<Vec<Organization>, StoreError> {
        todo!("storage")
    }

    /// Changes an organization; `if_match` of `None` takes whatever version is there.
    pub async fn update(
        &self,
        id: OrgId,
        change: &OrganizationChange,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<Organization, OrganizationError> {
        let _ = (id, change, if_match, actor);
        todo!("storage")
    }
}
