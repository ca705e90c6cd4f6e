//! Secrets: encrypted at rest, bound to their address, never printable.

use crate::{Commit, StoreError};
use async_trait::async_trait;
use msp_domain::Scope;
use std::fmt;
use zeroize::Zeroizing;

/// Who a secret is for. No worker frame can name any but `Workflow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretNamespace {
    /// Read by workflows through `context.secrets`.
    Workflow,
    /// Credentials of integrations; they never leave the host.
    Integration,
    /// `password` parameters of executions that have not ended; named by execution id.
    Parameter,
    /// Addresses that notifications are posted to, which hold signatures; no worker can name them.
    Notification,
    /// The platform's own.
    Platform,
}

impl SecretNamespace {
    /// The name in keys and associated data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Integration => "integration",
            Self::Parameter => "parameter",
            Self::Notification => "notification",
            Self::Platform => "platform",
        }
    }
}

/// Where a secret is kept. All three parts are bound to the ciphertext, so a row that is moved does not decrypt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretAddress {
    /// Who it is for.
    pub namespace: SecretNamespace,
    /// Whose it is.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
}

impl SecretAddress {
    /// An address.
    pub fn new(namespace: SecretNamespace, scope: Scope, name: impl Into<String>) -> Self {
        Self { namespace, scope, name: name.into() }
    }
}

/// A secret in memory. Wiped when dropped; shows itself to nobody.
#[derive(Clone)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// Takes a text as secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every call of this is a place to review.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(..)")
    }
}

/// A change of one secret that is made together with others.
#[derive(Debug, Clone)]
pub struct SecretChange {
    /// Which secret.
    pub address: SecretAddress,
    /// What must be there still; `None`: whatever is there, also what does not decrypt.
    pub seen: Option<Option<SecretValue>>,
    /// What shall be there; `None`: nothing.
    pub value: Option<SecretValue>,
}

/// A store of secrets.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// Stores a secret, replacing one at the same address.
    async fn set(&self, address: &SecretAddress, value: &SecretValue) -> Result<(), StoreError>;

    /// The secret at an address.
    async fn get(&self, address: &SecretAddress) -> Result<Option<SecretValue>, StoreError>;

    /// Removes a secret; removing one that is not there is no error.
    async fn delete(&self, address: &SecretAddress) -> Result<(), StoreError>;

    /// What makes these changes, for a commit that holds more: nobody then sees a part of it. `None`: this home keeps secrets
    /// apart from tables (Key Vault), so each must be set or deleted by itself.
    ///
    /// [`StoreError::PreconditionFailed`] when one of them is not what was seen.
    async fn within(&self, changes: &[SecretChange]) -> Result<Option<Commit>, StoreError>;

    /// The names in a namespace and scope, sorted.
    async fn names(&self, namespace: SecretNamespace, scope: Scope) -> Result<Vec<String>, StoreError>;
}
