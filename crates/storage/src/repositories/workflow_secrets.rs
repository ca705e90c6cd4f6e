//! Secrets workflows read through `context.secrets`: names are listed, values are only ever handed to a run.

use super::Actor;
use crate::{SecretValue, StoreError};
use msp_domain::{ConfigOrigin, OrgId, Scope};

/// Shorter ones cannot be masked without masking ordinary words (design section 6, "Secrets").
pub const MIN_SECRET_LENGTH: usize = 8;

/// The secrets of workflows.
#[derive(Clone)]
pub struct WorkflowSecrets {}

impl WorkflowSecrets {
    /// The names set in one scope, sorted.
    pub async fn names(&self, scope: Scope) -> Result<Vec<String>, StoreError> {
        let _ = scope;
        todo!("storage")
    }

    /// Stores a value; the audit row says who and when, never what. The caller has checked name and length.
    pub async fn set(&self, scope: Scope, name: &str, value: &SecretValue, actor: &Actor) -> Result<(), StoreError> {
        let _ = (scope, name, value, actor);
        todo!("storage")
    }

    /// Removes a value: [`StoreError::NotFound`] if it is not set in exactly this scope.
    pub async fn delete(&self, scope: Scope, name: &str, actor: &Actor) -> Result<(), StoreError> {
        let _ = (scope, name, actor);
        todo!("storage")
    }

    /// What a run for this organization gets: its own secret of the name, else the global one.
    pub async fn resolve(
        &self,
        org: Option<OrgId>,
        name: &str,
    ) -> Result<Option<(SecretValue, ConfigOrigin)>, StoreError> {
        let _ = (org, name);
        todo!("storage")
    }
}
