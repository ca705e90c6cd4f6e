//! Grants, dual-indexed: `UserPermissions` (PK user, RK organization) decides, `OrgPermissions` mirrors it.

use super::Actor;
use crate::StoreError;
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Permissions, UserId};

/// The rights of one user in one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub org: OrgId,
    /// Which.
    pub permissions: Permissions,
    /// Who granted them.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

/// The grants.
#[derive(Clone)]
pub struct Grants {}

impl Grants {
    /// What a user may do in an organization; [`Permissions::NONE`] without a grant.
    pub async fn permissions(&self, user: UserId, org: OrgId) -> Result<Permissions, StoreError> {
        let _ = (user, org);
        todo!("storage")
    }

    /// Everything a user holds.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Grant>, StoreError> {
        let _ = user;
        todo!("storage")
    }

    /// Everyone who holds something in an organization.
    pub async fn of_org(&self, org: OrgId) -> Result<Vec<Grant>, StoreError> {
        let _ = org;
        todo!("storage")
    }

    /// Sets exactly these rights. Writes the mirror first, the deciding row last, so an interrupted grant is listed
    /// but does not work yet.
    pub async fn set(
        &self,
        user: UserId,
        org: OrgId,
        permissions: Permissions,
        actor: &Actor,
    ) -> Result<Grant, StoreError> {
        let _ = (user, org, permissions, actor);
        todo!("storage")
    }

    /// Takes everything away; the deciding row first. Revoking what is not there is no error.
    pub async fn revoke(&self, user: UserId, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        let _ = (user, org, actor);
        todo!("storage")
    }
}
