//! The one gate: a caller and an organization in, access or a denial out (design section 4).

use msp_domain::{Caller, CallerKind, OrgId, Permission, Permissions, Scope, TokenScopes, UserId};
use msp_storage::{
    Etag, Repositories, StoreError,
    repositories::{organizations::Organization, snapshot::Snapshot},
};
use std::sync::Arc;

/// Proof that the gate was passed. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct Access {
    caller: Caller,
    organization: Option<Arc<Organization>>,
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
    /// In an inactive organization nothing runs, and only administrators read and manage.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn organization(&self, caller: &Caller, org: OrgId, any_of: &[Permission]) -> Result<Access, Denied> {
        self.organization_at(&*self.repositories.snapshots.current().await?, caller, org, any_of).await
    }

    /// As [`Self::organization`], at the version at which the caller was authenticated a moment ago.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn organization_at(
        &self,
        snapshot: &Snapshot,
        caller: &Caller,
        org: OrgId,
        any_of: &[Permission],
    ) -> Result<Access, Denied> {
        let caller = still_active(snapshot, caller, any_of).await?;
        let found = snapshot.organization(org).await?;
        let Some(organization) = found else {
            return Err(if caller.is_administrator() { Denied::NoSuchOrganization } else { missing(any_of) });
        };
        let granted =
            if caller.is_platform_admin { Permissions::NONE } else { snapshot.permissions(caller.user, org).await? };
        let mut permissions = caller.effective(&granted);
        if !allows_any(&permissions, any_of) {
            return Err(missing(any_of));
        }
        if !organization.is_active {
            permissions = permissions.intersect(&in_an_inactive_organization(&caller));
            if !allows_any(&permissions, any_of) {
                return Err(Denied::Inactive);
            }
        }
        Ok(Access { caller, organization: Some(organization), permissions, generation: snapshot.generation().cloned() })
    }

    /// Lets a caller run things without organization: any active user holding the permission somewhere.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn global(&self, caller: &Caller, any_of: &[Permission]) -> Result<Access, Denied> {
        let snapshot = self.repositories.snapshots.current().await?;
        let caller = still_active(&snapshot, caller, any_of).await?;
        let permissions = self.somewhere(&caller).await?;
        if !allows_any(&permissions, any_of) {
            return Err(missing(any_of));
        }
        Ok(Access { caller, organization: None, permissions, generation: snapshot.generation().cloned() })
    }

    /// Checks the rights behind a queued execution again: its user must be active and still hold
    /// `execute_workflows` there (anywhere, for [`Scope::Global`]), the organization must be active. The scopes of the
    /// token that asked were checked when the execution was accepted.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn still_allowed(&self, user: UserId, scope: Scope) -> Result<Access, Denied> {
        const EXECUTE: [Permission; 1] = [Permission::ExecuteWorkflows];
        let Some(user) = self.repositories.users.get(user).await? else { return Err(missing(&EXECUTE)) };
        let caller = Caller {
            tid: self.repositories.installation.directory_id().await?,
            user: user.id,
            email: user.email,
            display_name: user.display_name,
            is_platform_admin: user.is_platform_admin,
            scopes: TokenScopes::ALL,
            kind: CallerKind::Token,
        };
        match scope {
            Scope::Org(org) => self.organization(&caller, org, &EXECUTE).await,
            Scope::Global => self.global(&caller, &EXECUTE).await,
        }
    }

    /// What the caller may do in each organization that a right of any kind opens, by organization name. Inactive ones
    /// are listed for administrators only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organizations_of(&self, caller: &Caller) -> Result<Vec<(Organization, Permissions)>, StoreError> {
        let mut opened = Vec::new();
        if caller.is_platform_admin {
            let permissions = caller.effective(&Permissions::NONE);
            for organization in self.repositories.organizations.all().await? {
                opened.push((organization, permissions));
            }
        } else {
            for grant in self.repositories.grants.of_user(caller.user).await? {
                let permissions = caller.effective(&grant.permissions);
                if permissions.is_empty() {
                    continue;
                }
                if let Some(organization) = self.repositories.organizations.get(grant.org).await? {
                    opened.push((organization, permissions));
                }
            }
            opened.sort_by_cached_key(|(organization, _)| (organization.name.to_lowercase(), organization.id));
        }
        for (organization, permissions) in &mut opened {
            if !organization.is_active {
                *permissions = permissions.intersect(&in_an_inactive_organization(caller));
            }
        }
        opened.retain(|(_, permissions)| !permissions.is_empty());
        Ok(opened)
    }

    /// The organizations the caller may run workflows in, by name, as its account and its rights are now: none once the
    /// account is inactive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn executable_by(&self, caller: &Caller) -> Result<Vec<Organization>, StoreError> {
        let snapshot = self.repositories.snapshots.current().await?;
        let caller = match still_active(&snapshot, caller, &[Permission::ExecuteWorkflows]).await {
            Ok(caller) => caller,
            Err(Denied::Store(error)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let opened = self.organizations_of(&caller).await?.into_iter();
        Ok(opened.filter(|(_, held)| held.execute_workflows).map(|(organization, _)| organization).collect())
    }

    /// The union of what the caller may do anywhere; everything its scopes allow, for an administrator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn somewhere(&self, caller: &Caller) -> Result<Permissions, StoreError> {
        if caller.is_platform_admin {
            return Ok(caller.effective(&Permissions::NONE));
        }
        let opened = self.organizations_of(caller).await?;
        Ok(Permission::ALL.into_iter().filter(|one| opened.iter().any(|(_, held)| held.allows(*one))).collect())
    }
}

/// What an inactive organization leaves: running things is over for everyone, the rest is for administrators.
fn in_an_inactive_organization(caller: &Caller) -> Permissions {
    if caller.is_administrator() {
        // Managing forms includes calling option generators, which run author code.
        Permissions { execute_workflows: false, manage_forms: false, ..Permissions::ALL }
    } else {
        Permissions::NONE
    }
}

/// The caller as the user's row has it in the snapshot. The row was read when the credential was checked, but perhaps at
/// an earlier version: only what is read at this one is covered by the proof.
async fn still_active(snapshot: &Snapshot, caller: &Caller, any_of: &[Permission]) -> Result<Caller, Denied> {
    let user = snapshot.user(caller.user).await?.filter(|user| user.is_active);
    let Some(user) = user else { return Err(missing(any_of)) };
    Ok(Caller { is_platform_admin: user.is_platform_admin, ..caller.clone() })
}

fn allows_any(permissions: &Permissions, any_of: &[Permission]) -> bool {
    any_of.iter().any(|permission| permissions.allows(*permission))
}

/// Names the first of the permissions that would have opened the gate: the one a person should ask for.
fn missing(any_of: &[Permission]) -> Denied {
    Denied::Permission { permission: any_of.first().copied().unwrap_or(Permission::ExecuteWorkflows) }
}

#[cfg(test)]
mod tests;
