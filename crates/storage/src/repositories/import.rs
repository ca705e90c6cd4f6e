//! Writing much into one organization, or into what everybody shares, at once.
//!
//! What fits one commit is written whole or not at all. What does not is cut between things, never within one, and in an
//! order that a repeat finishes: the organization, its config, its forms. Secrets share no transaction with tables and come
//! last. Every write names the version its maker has seen, so nothing somebody else changed meanwhile is overwritten.

use super::config::StoredConfig;
use super::forms::StoredForm;
use super::organizations::{Organization, OrganizationError};
use super::{Actor, Repositories};
use crate::{Commit, SecretValue, StoreError, Table, TableWrite, limits};
use msp_domain::{ConfigEntry, Scope, form::FormSchema};

/// Largest commit this writes, in bytes: what Azure takes, with room for how it counts.
const MAX_BYTES: usize = limits::MAX_BATCH_BYTES / 4 * 3;

/// What is written into one scope.
#[derive(Debug, Default)]
pub struct Changes {
    /// The organization: as it was, if it was, and as it shall be.
    pub organization: Option<(Option<Organization>, Organization)>,
    /// Config values, each with what was there.
    pub config: Vec<(Option<StoredConfig>, ConfigEntry)>,
    /// Forms, each with what was there, and whether they can be submitted.
    pub forms: Vec<(Option<StoredForm>, FormSchema, bool)>,
    /// Secrets of workflows.
    pub secrets: Vec<(String, SecretValue)>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.organization.is_none() && self.config.is_empty() && self.forms.is_empty() && self.secrets.is_empty()
    }
}

impl Repositories {
    /// Writes changes into a scope.
    ///
    /// # Errors
    /// [`OrganizationError::NameTaken`] or [`OrganizationError::TenantTaken`], and [`StoreError::PreconditionFailed`] or
    /// [`StoreError::AlreadyExists`] when somebody changed one of these things meanwhile: then nothing was written, unless
    /// it took several commits.
    pub async fn apply(&self, scope: Scope, changes: &Changes, actor: &Actor) -> Result<(), OrganizationError> {
        let seen = self.generation.current().await?;
        let mut guards = vec![self.generation.guard(seen)];
        let mut things: Vec<Vec<TableWrite>> = Vec::new();
        if let Some((before, after)) = &changes.organization {
            things.push(self.organizations.prepare(before.as_ref(), after, actor).await?);
        }
        for (before, entry) in &changes.config {
            things.push(self.config.writes(scope, entry, before.as_ref(), actor));
        }
        for (before, schema, is_active) in &changes.forms {
            things.push(self.forms.writes(scope, before.as_ref(), schema, *is_active, actor));
        }
        for mut writes in commits(things) {
            if writes.iter().any(|(table, _)| *table == Table::Forms) {
                writes.push(self.forms.moved(scope));
            }
            writes.push(self.generation.bump());
            self.stores.tables.commit(Commit { writes, guards: std::mem::take(&mut guards) }).await?;
        }
        for (name, value) in &changes.secrets {
            self.workflow_secrets.set(scope, name, value, actor).await?;
        }
        Ok(())
    }

    /// Whether a secret of workflows has exactly this value already; `None`: there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not decrypt at its address.
    pub async fn secret_is(
        &self,
        scope: Scope,
        name: &str,
        value: Option<&SecretValue>,
    ) -> Result<Option<bool>, StoreError> {
        let stored = self.workflow_secrets.own(scope, name).await?;
        Ok(stored.map(|stored| value.is_some_and(|value| value.reveal() == stored.reveal())))
    }
}

/// What may come into a commit besides: the versions of forms and of everything else.
const BESIDES: usize = 2;

/// Things in as few commits as they fit, with room for [`BESIDES`] in each.
fn commits(things: Vec<Vec<TableWrite>>) -> Vec<Vec<TableWrite>> {
    let (mut commits, mut bytes) = (Vec::<Vec<TableWrite>>::new(), 0);
    for thing in things {
        let size: usize = thing.iter().filter_map(|(_, write)| write.entity()).map(limits::entity_bytes).sum();
        match commits.last_mut() {
            Some(last)
                if last.len() + thing.len() + BESIDES <= limits::MAX_BATCH_WRITES && bytes + size <= MAX_BYTES =>
            {
                bytes += size;
                last.extend(thing);
            }
            _ => {
                bytes = size;
                commits.push(thing);
            }
        }
    }
    commits
}
