//! Secrets workflows read through `context.secrets`: names are listed, values are only ever handed to a run.

use super::audit::AuditDraft;
use super::{Actor, Journal};
use crate::{SecretAddress, SecretChange, SecretNamespace, SecretStore, SecretValue, StoreError, TableWrite};
use msp_domain::{ConfigOrigin, OrgId, Scope, config::check_name};
use serde_json::json;
use std::sync::Arc;

/// Shorter ones cannot be masked without masking ordinary words (design section 6, "Secrets").
pub const MIN_SECRET_LENGTH: usize = 8;

/// The secrets of workflows.
#[derive(Clone)]
pub struct WorkflowSecrets {
    journal: Journal,
    secrets: Arc<dyn SecretStore>,
}

impl WorkflowSecrets {
    pub(super) fn new(journal: Journal, secrets: Arc<dyn SecretStore>) -> Self {
        Self { journal, secrets }
    }

    /// The names set in one scope, sorted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn names(&self, scope: Scope) -> Result<Vec<String>, StoreError> {
        self.secrets.names(SecretNamespace::Workflow, scope).await
    }

    /// Stores a value; the audit row says who and when, never what. The caller has checked name and length.
    ///
    /// Secrets share no transaction with tables, so the audit row is written first: a secret never changes
    /// unrecorded, though a recorded change may have failed. The generation moves last; safe to repeat.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the organization is being deleted; [`StoreError::Limit`] when the value is too long;
    /// [`StoreError::Full`].
    pub async fn set(&self, scope: Scope, name: &str, value: &SecretValue, actor: &Actor) -> Result<(), StoreError> {
        self.journal.audit.record(AuditDraft::new(scope, actor, "Secret.Set", name, json!({}))).await?;
        self.journal.set_secret(self.secrets.as_ref(), &address(scope, name), value).await
    }

    /// Removes a value: [`StoreError::NotFound`] if it is not set in exactly this scope.
    ///
    /// # Errors
    /// As said, or [`StoreError::Full`].
    pub async fn delete(&self, scope: Scope, name: &str, actor: &Actor) -> Result<(), StoreError> {
        if !self.names(scope).await?.iter().any(|known| known == name) {
            return Err(StoreError::NotFound);
        }
        self.journal.audit.record(AuditDraft::new(scope, actor, "Secret.Delete", name, json!({}))).await?;
        self.secrets.delete(&address(scope, name)).await?;
        self.changed().await
    }

    /// A change over what was seen, with the audit row that goes before it.
    pub(super) fn change(
        &self,
        scope: Scope,
        name: &str,
        (seen, value): (Option<&SecretValue>, &SecretValue),
        actor: &Actor,
    ) -> (TableWrite, SecretChange) {
        let audit = self.journal.audit.row(AuditDraft::new(scope, actor, "Secret.Set", name, json!({})));
        let address = address(scope, name);
        (audit, SecretChange { address, seen: Some(seen.cloned()), value: Some(value.clone()) })
    }

    /// What was answered with the earlier value is void. After the change: an answer made before it is given to nobody.
    async fn changed(&self) -> Result<(), StoreError> {
        let (table, write) = self.journal.generation.bump();
        self.journal.tables.write(table, write).await.map(|_| ())
    }

    /// The value set in exactly this scope, for comparing: no run reads it this way.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not decrypt at its address.
    pub async fn own(&self, scope: Scope, name: &str) -> Result<Option<SecretValue>, StoreError> {
        self.secrets.get(&address(scope, name)).await
    }

    /// What a run for this organization gets: its own secret of the name, else the global one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a secret does not decrypt at its address.
    pub async fn resolve(
        &self,
        org: Option<OrgId>,
        name: &str,
    ) -> Result<Option<(SecretValue, ConfigOrigin)>, StoreError> {
        // The name comes from author code: what cannot be set is not set, and no failure of the store.
        if check_name(name).is_err() {
            return Ok(None);
        }
        if let Some(org) = org
            && let Some(value) = self.secrets.get(&address(Scope::Org(org), name)).await?
        {
            return Ok(Some((value, ConfigOrigin::Organization)));
        }
        let global = self.secrets.get(&address(Scope::Global, name)).await?;
        Ok(global.map(|value| (value, ConfigOrigin::Global)))
    }
}

fn address(scope: Scope, name: &str) -> SecretAddress {
    SecretAddress::new(SecretNamespace::Workflow, scope, name)
}
