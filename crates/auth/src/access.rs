//! What the gate answers: proof of a right, or why there is none.

use msp_domain::{Caller, Categories, Permission, Permissions, Scope};
use msp_storage::{Etag, StoreError, repositories::organizations::Organization};
use std::sync::Arc;

/// Proof that the gate was passed. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) caller: Caller,
    pub(crate) organization: Option<Arc<Organization>>,
    pub(crate) permissions: Permissions,
    pub(crate) categories: Categories,
    pub(crate) generation: Option<Etag>,
}

impl Access {
    /// Who.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// For which organization; `None` for what runs without one.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_deref()
    }

    /// The partition everything of this access lives in.
    pub fn scope(&self) -> Scope {
        self.organization.as_ref().map_or(Scope::Global, |organization| Scope::Org(organization.id))
    }

    /// Everything the caller may do there.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Which workflows `execute_workflows` is about.
    pub fn categories(&self) -> &Categories {
        &self.categories
    }

    /// Whether the caller may run a workflow of this category there; it is empty for one without.
    pub fn may_run(&self, category: &str) -> bool {
        self.permissions.execute_workflows && self.categories.include(category)
    }

    /// The generation at which all of this was read.
    pub fn generation(&self) -> Option<&Etag> {
        self.generation.as_ref()
    }
}

/// Why the gate stayed shut. To anyone but an administrator, an organization that does not exist and one the caller may
/// not touch look the same.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The caller lacks the permission there, or there is no such organization.
    #[error("the permission `{permission}` is missing")]
    Permission {
        /// Which.
        permission: Permission,
    },
    /// There is no such organization. Only administrators are told.
    #[error("there is no such organization")]
    NoSuchOrganization,
    /// The caller may act there, but the organization is inactive.
    #[error("the organization is inactive")]
    Inactive,
    /// The organization is being deleted. Only administrators and auditors are told.
    #[error("the organization is being deleted")]
    BeingDeleted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
