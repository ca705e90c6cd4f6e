//! The one gate: a caller and an organization in, access or a denial out (design section 4).

use msp_domain::{Caller, OrgId, Permission, Permissions, Scope, UserId};
use msp_storage::{Etag, Repositories, StoreError, repositories::organizations::Organization};

/// Proof that the gate was passed. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct Access {
    caller: Caller,
    organization: Option<Organization>,
    permissions: Permissions,
    generation: Option<Etag>,
}

impl Access {
    /// Who.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// For which organization; `None` for what runs without one.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The partition everything of this access lives in.
    pub fn scope(&self) -> Scope {
        self.organization.as_ref().map_or(Scope::Global, |organization| Scope::Org(organization.id))
    }

    /// Everything the caller may do there.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The generation at which all of this was read.
    pub fn generation(&self) -> Option<&Etag> {
        self.generation.as_ref()
    }
}

/// Why the gate stayed shut. An organization that does not exist and one the caller may not touch look the same.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The caller lacks the permission there, or there is no such organization.
    #[error("the permission `{permission}` is missing")]
    Permission {
        /// Which.
        permission: Permission,
    },
    /// The caller may act there, but the organization is inactive.
    #[error("the organization is inactive")]
    Inactive,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The gate.
#[derive(Clone)]
pub struct Gate {
    repositories: Repositories,
}

impl Gate {
    /// A gate over these repositories.
    pub fn new(repositories: Repositories) -> Self {
        Self { repositories }
    }

    /// Lets a caller holding any of the permissions into an organization. Reads the generation before anything else, so the
    /// access can later be proven to still hold.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn organization(&self, caller: &Caller, org: OrgId, any_of: &[Permission]) -> Result<Access, Denied> {
        let _ = (&self.repositories, caller, org, any_of);
        todo!("auth")
    }

    /// Lets a caller run things without organization: any active user holding the permission somewhere.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn global(&self, caller: &Caller, any_of: &[Permission]) -> Result<Access, Denied> {
        let _ = (caller, any_of);
        todo!("auth")
    }

    /// Checks the rights behind a queued execution again: its user must be active and still hold
    /// `execute_workflows` there (anywhere, for [`Scope::Global`]), the organization must be active.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn still_allowed(&self, user: UserId, scope: Scope) -> Result<Access, Denied> {
        let _ = (user, scope);
        todo!("auth")
    }
}
