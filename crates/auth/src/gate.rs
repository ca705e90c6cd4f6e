//! The one gate: a caller and an organization in, access or a denial out (design section 4).

use crate::{
    access::{Access, Denied},
    authenticate::as_caller,
};
use chrono::{DateTime, Utc};
use msp_domain::{Caller, CallerKind, Categories, OrgId, Permission, Permissions, Scope, TokenScopes, UserId};
use msp_storage::{
    Etag, Repositories, StoreError,
    repositories::{grants::Grant, organizations::Organization, snapshot::Snapshot, users::User},
};
use std::sync::Arc;
use uuid::Uuid;

/// What a caller may do in an organization.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Which.
    pub organization: Arc<Organization>,
    /// Within the scopes of its token.
    pub permissions: Permissions,
    /// Which workflows `execute_workflows` is about.
    pub categories: Categories,
    /// From when on none of it holds, if the grant behind it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Opened {
    /// Whether a workflow of this category may be run there; `None`: of any.
    fn runs(&self, category: Option<&str>) -> bool {
        self.permissions.execute_workflows && category.is_none_or(|category| self.categories.include(category))
    }
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
    /// In an inactive organization nothing runs, and only administrators and auditors read, and administrators manage.
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
        let caller = self.still_active(snapshot, caller, any_of).await?;
        let found = match snapshot.organization(org).await {
            // It is there. Nobody gets in, and why not is told to whoever otherwise would.
            Err(error @ StoreError::Corrupt(_)) => Err(error),
            found => Ok(found?),
        };
        if matches!(found, Ok(None)) {
            return Err(if caller.may_review() { Denied::NoSuchOrganization } else { missing(any_of) });
        }
        let grant = if caller.reaches_everything() { Arc::default() } else { snapshot.grant(caller.user, org).await? };
        let (mut permissions, categories) = held(&caller, grant.as_ref().as_ref(), self.repositories.now());
        if !allows_any(&permissions, any_of) {
            return Err(missing(any_of));
        }
        let Some(organization) = found? else { return Err(missing(any_of)) };
        if organization.deletion.is_some() {
            permissions = permissions.intersect(&in_a_deleted_organization(&caller));
            if !allows_any(&permissions, any_of) {
                return Err(if caller.may_review() { Denied::BeingDeleted } else { missing(any_of) });
            }
        } else if !organization.is_active {
            permissions = permissions.intersect(&in_an_inactive_organization(&caller));
            if !allows_any(&permissions, any_of) {
                return Err(Denied::Inactive);
            }
        }
        let generation = snapshot.generation().cloned();
        Ok(Access { caller, organization: Some(organization), permissions, categories, generation })
    }

    /// Lets a caller run things without organization: any active user holding the permission somewhere.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn global(&self, caller: &Caller, any_of: &[Permission]) -> Result<Access, Denied> {
        let snapshot = self.repositories.snapshots.current().await?;
        let caller = self.still_active(&snapshot, caller, any_of).await?;
        let opened = self.opened(&caller).await?;
        let (permissions, categories) = anywhere(&caller, &opened);
        if !allows_any(&permissions, any_of) {
            return Err(missing(any_of));
        }
        let generation = snapshot.generation().cloned();
        Ok(Access { caller, organization: None, permissions, categories, generation })
    }

    /// Lets a service account put runs on record that took place elsewhere: it needs the app role, and a grant that reaches
    /// every workflow of the organization, because nobody here knows the category of one that is none of ours.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn may_record(&self, caller: &Caller, org: OrgId) -> Result<Option<Etag>, Denied> {
        const EXECUTE: [Permission; 1] = [Permission::ExecuteWorkflows];
        let snapshot = self.repositories.snapshots.current().await?;
        let caller = self.still_active(&snapshot, caller, &EXECUTE).await?;
        let grant = snapshot.grant(caller.user, org).await?;
        let now = self.repositories.now();
        let reaches = grant.as_ref().as_ref().is_some_and(|grant| {
            grant.permissions_at(now).execute_workflows && grant.terms.categories == Categories::Every
        });
        if !caller.records_executions || !reaches {
            return Err(missing(&EXECUTE));
        }
        match snapshot.organization(org).await? {
            Some(organization) if organization.is_active => Ok(snapshot.generation().cloned()),
            Some(_) => Err(Denied::Inactive),
            None => Err(missing(&EXECUTE)),
        }
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
        let directory_id = self.directory_id().await?;
        let caller = as_caller(&user, directory_id, TokenScopes::ALL, CallerKind::Token);
        match scope {
            Scope::Org(org) => self.organization(&caller, org, &EXECUTE).await,
            Scope::Global => self.global(&caller, &EXECUTE).await,
        }
    }

    /// What the caller may do in each organization that a right of any kind opens, by organization name. Inactive ones
    /// are listed for administrators and auditors only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organizations_of(&self, caller: &Caller) -> Result<Vec<(Arc<Organization>, Permissions)>, StoreError> {
        let opened = self.opened(caller).await?.into_iter();
        Ok(opened.map(|one| (one.organization, one.permissions)).collect())
    }

    /// As [`Self::organizations_of`], with what limits the rights: categories and time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn opened(&self, caller: &Caller) -> Result<Vec<Opened>, StoreError> {
        let now = self.repositories.now();
        let open = |organization, grant: Option<&Grant>| {
            let (permissions, categories) = held(caller, grant, now);
            Opened { organization, permissions, categories, expires_at: grant.and_then(|grant| grant.terms.expires_at) }
        };
        let snapshot = self.repositories.snapshots.current().await?;
        let mut opened = Vec::new();
        if caller.reaches_everything() {
            for organization in snapshot.all_organizations().await?.iter() {
                opened.push(open(Arc::clone(organization), None));
            }
        } else {
            for grant in snapshot.grants_of(caller.user).await?.iter() {
                if held(caller, Some(grant), now).0.is_empty() {
                    continue;
                }
                match snapshot.organization(grant.org).await {
                    Ok(Some(organization)) => opened.push(open(organization, Some(grant))),
                    Ok(None) => {}
                    // One that is not readable is closed, and keeps nobody from the others.
                    Err(StoreError::Corrupt(error)) => {
                        tracing::error!(org.id = %grant.org, error, "An organization is not readable, and closed until it is");
                    }
                    Err(error) => return Err(error),
                }
            }
            opened.sort_by_cached_key(|one| one.organization.place_in_lists());
        }
        for one in opened.iter_mut().filter(|one| !one.organization.is_active) {
            let left = match one.organization.deletion {
                Some(_) => in_a_deleted_organization(caller),
                None => in_an_inactive_organization(caller),
            };
            one.permissions = one.permissions.intersect(&left);
        }
        opened.retain(|one| !one.permissions.is_empty());
        Ok(opened)
    }

    /// What an account can reach now, with every scope it may have: nothing while it is inactive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reach_of(&self, user: &User) -> Result<Vec<Opened>, StoreError> {
        if !self.repositories.users.may_act(user) {
            return Ok(Vec::new());
        }
        let directory_id = self.directory_id().await?;
        self.opened(&as_caller(user, directory_id, TokenScopes::ALL, CallerKind::Token)).await
    }

    /// The organizations the caller may run workflows of a category in (`None`: any), by name, as its account and its
    /// rights are now: none once the account is inactive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn executable_by(&self, caller: &Caller, category: Option<&str>) -> Result<Vec<Opened>, StoreError> {
        let snapshot = self.repositories.snapshots.current().await?;
        let caller = match self.still_active(&snapshot, caller, &[Permission::ExecuteWorkflows]).await {
            Ok(caller) => caller,
            Err(Denied::Store(error)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let mut opened = self.opened(&caller).await?;
        opened.retain(|one| one.runs(category));
        Ok(opened)
    }

    /// The union of what the caller may do anywhere, and of the categories it may run somewhere; everything its scopes
    /// allow, for an administrator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn somewhere(&self, caller: &Caller) -> Result<(Permissions, Categories), StoreError> {
        let opened = if caller.reaches_everything() { Vec::new() } else { self.opened(caller).await? };
        Ok(anywhere(caller, &opened))
    }

    /// The caller as the user's row has it in the snapshot. The row was read when the credential was checked, but perhaps at
    /// an earlier version: only what is read at this one is covered by the proof.
    async fn still_active(
        &self,
        snapshot: &Snapshot,
        caller: &Caller,
        any_of: &[Permission],
    ) -> Result<Caller, Denied> {
        let user = snapshot.user(caller.user).await?.filter(|user| snapshot.may_act(user));
        let Some(user) = user else { return Err(missing(any_of)) };
        let mut now = as_caller(&user, caller.tid, caller.scopes, caller.kind);
        // A credential may give less than the row.
        now.is_platform_admin &= caller.is_platform_admin;
        now.is_auditor &= caller.is_auditor;
        now.records_executions &= caller.records_executions;
        Ok(now)
    }

    /// The directory that vouches for people.
    async fn directory_id(&self) -> Result<Uuid, StoreError> {
        match self.repositories.users.tenant_id() {
            Some(tenant_id) => Ok(tenant_id),
            None => self.repositories.installation.directory_id().await,
        }
    }
}

/// What a grant gives the caller at this instant, within the scopes of its token.
fn held(caller: &Caller, grant: Option<&Grant>, now: DateTime<Utc>) -> (Permissions, Categories) {
    if caller.is_platform_admin {
        return (caller.effective(&Permissions::NONE), Categories::Every);
    }
    let granted = grant.map_or(Permissions::NONE, |grant| grant.permissions_at(now));
    let categories = grant.map_or(Categories::NONE, |grant| grant.terms.categories.clone());
    (caller.effective(&granted), categories)
}

/// The union of what is held in any of these organizations; an administrator needs none.
fn anywhere(caller: &Caller, opened: &[Opened]) -> (Permissions, Categories) {
    if caller.reaches_everything() {
        let categories = if caller.is_platform_admin { Categories::Every } else { Categories::NONE };
        return (caller.effective(&Permissions::NONE), categories);
    }
    let held = Permission::ALL.into_iter().filter(|one| opened.iter().any(|held| held.permissions.allows(*one)));
    let running = opened.iter().filter(|one| one.runs(None));
    (held.collect(), running.fold(Categories::NONE, |all, one| all.or(&one.categories)))
}

/// What an inactive organization leaves: running things is over for everyone, the rest is for administrators.
fn in_an_inactive_organization(caller: &Caller) -> Permissions {
    if caller.may_review() {
        // Managing forms includes calling option generators, which run author code.
        Permissions { execute_workflows: false, manage_forms: false, ..Permissions::ALL }
    } else {
        Permissions::NONE
    }
}

/// What an organization that is being deleted leaves: administrators and auditors see what is left of it.
fn in_a_deleted_organization(caller: &Caller) -> Permissions {
    Permissions { view_history: caller.may_review(), ..Permissions::NONE }
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
