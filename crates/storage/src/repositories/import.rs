//! Writing much into one organization, or into what everybody shares, at once: one commit, so all of it or nothing.
//!
//! Every write names the version its maker has seen, secrets included, so nothing somebody else changed meanwhile is
//! overwritten. Where a home makes no transaction of a commit, the order bears being stopped: what is audited first, then the
//! organization, its config, its forms; secrets that stand apart from tables last. The same import again then finishes it.

use super::config::StoredConfig;
use super::forms::{FormsVersion, StoredForm};
use super::organizations::{Organization, OrganizationError};
use super::{Actor, Interfered, MAX_ATTEMPTS, Repositories};
use crate::{Commit, Etag, SecretChange, SecretValue, StoreError, Table};
use msp_domain::{ConfigEntry, Scope, form::FormSchema};

/// Most things of one import into one scope: a row and an audit row each, far within a commit.
pub const MAX_CHANGES: usize = 5_000;

/// What is written into one scope.
#[derive(Debug, Default)]
pub struct Changes {
    /// The organization: as it was, if it was, and as it shall be.
    pub organization: Option<(Option<Organization>, Organization)>,
    /// Config values, each with what was there and its category.
    pub config: Vec<(Option<StoredConfig>, ConfigEntry, Option<String>)>,
    /// Forms, each with what was there, and whether they can be submitted.
    pub forms: Vec<(Option<StoredForm>, FormSchema, bool)>,
    /// The version of the scope's forms before they were read: a form that came since may have the name of a new one.
    pub forms_seen: Option<FormsVersion>,
    /// Secrets of workflows, each with what was there.
    pub secrets: Vec<(String, Option<SecretValue>, SecretValue)>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things are written.
    pub fn len(&self) -> usize {
        usize::from(self.organization.is_some()) + self.config.len() + self.forms.len() + self.secrets.len()
    }
}

impl Repositories {
    /// Writes changes into a scope.
    ///
    /// # Errors
    /// [`OrganizationError::NameTaken`], [`OrganizationError::TenantTaken`] or [`OrganizationError::BeingDeleted`];
    /// [`OrganizationError::NotFound`] when the organization is gone; [`StoreError::PreconditionFailed`] or
    /// [`StoreError::AlreadyExists`] when somebody changed one of these things meanwhile. Then nothing was written.
    pub async fn apply(&self, scope: Scope, changes: &Changes, actor: &Actor) -> Result<(), OrganizationError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let seen = self.generation.current().await?;
            match self.try_to_apply(scope, changes, seen.clone(), actor).await {
                // Something else than what is written here may have changed: only then another try can go well.
                Err(error)
                    if error.interfered() && tries < MAX_ATTEMPTS && self.generation.current().await? != seen => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_to_apply(
        &self,
        scope: Scope,
        changes: &Changes,
        seen: Option<Etag>,
        actor: &Actor,
    ) -> Result<(), OrganizationError> {
        if !matches!(changes.organization, Some((None, _))) {
            self.check_open(scope).await?;
        }
        let mut commit = Commit { writes: Vec::new(), guards: vec![self.generation.guard(seen)] };
        let (mut void, mut secrets) = (Vec::new(), Vec::new());
        if let Some((before, after)) = &changes.organization {
            let (writes, credentials) = self.organizations.prepare(before.as_ref(), after, actor).await?;
            commit.writes.extend(writes);
            void = credentials;
        }
        for (before, entry, category) in &changes.config {
            commit.writes.extend(self.config.writes(scope, (entry, category.as_deref()), before.as_ref(), actor));
        }
        for (before, schema, is_active) in &changes.forms {
            commit.writes.extend(self.forms.writes(scope, before.as_ref(), schema, *is_active, actor));
        }
        if !changes.forms.is_empty() {
            commit.writes.push(self.forms.moved(scope));
            commit.guards.extend(changes.forms_seen.as_ref().map(FormsVersion::guard));
        }
        for (name, before, after) in &changes.secrets {
            let (audit, change) = self.workflow_secrets.change(scope, name, (before.as_ref(), after), actor);
            commit.writes.push(audit);
            secrets.push(change);
        }
        commit.writes.push(self.generation.bump());
        // Where this is no transaction, nothing takes effect unrecorded.
        commit.writes.sort_by_key(|(table, _)| *table != Table::AuditLogs);
        self.commit_with(commit, &void, &secrets).await
    }

    /// Makes a commit together with changes of secrets. A home that keeps them apart loses what must go before it, and gets
    /// what is new after it.
    async fn commit_with(
        &self,
        mut commit: Commit,
        void: &[SecretChange],
        secrets: &[SecretChange],
    ) -> Result<(), OrganizationError> {
        let store = &self.stores.secrets;
        let together = if void.is_empty() && secrets.is_empty() {
            Some(Commit::default())
        } else {
            store.within(&[void, secrets].concat()).await?
        };
        let Some(together) = together else {
            for SecretChange { address, seen, .. } in secrets {
                let held = store.get(address).await?;
                let differs = |seen: &Option<SecretValue>| {
                    held.as_ref().map(SecretValue::reveal) != seen.as_ref().map(SecretValue::reveal)
                };
                if seen.as_ref().is_some_and(differs) {
                    return Err(StoreError::PreconditionFailed.into());
                }
            }
            for void in void {
                store.delete(&void.address).await?;
            }
            self.stores.tables.commit(commit).await?;
            for SecretChange { address, value, .. } in secrets {
                if let Some(value) = value {
                    store.set(address, value).await?;
                }
            }
            if !secrets.is_empty() {
                let (table, moved) = self.generation.bump();
                self.stores.tables.write(table, moved).await?;
            }
            return Ok(());
        };
        commit.writes.extend(together.writes);
        commit.guards.extend(together.guards);
        Ok(self.stores.tables.commit(commit).await?)
    }

    /// Refuses an organization that is gone, or is going. Whoever begins to delete it moves the generation.
    async fn check_open(&self, scope: Scope) -> Result<(), OrganizationError> {
        let Scope::Org(org) = scope else { return Ok(()) };
        match self.organizations.get(org).await? {
            Some(organization) if organization.deletion.is_some() => Err(OrganizationError::BeingDeleted),
            Some(_) => Ok(()),
            None => Err(OrganizationError::NotFound),
        }
    }
}
