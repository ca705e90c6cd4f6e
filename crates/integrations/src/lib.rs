#![doc = include_str!("../README.md")]

use msp_domain::{EffectiveConfig, FieldFault};
use msp_storage::{Repositories, repositories::organizations::Organization};
use serde_json::{Map, Value};

/// The integrations the platform brings itself. Every other name is an author's.
pub const PLATFORM_INTEGRATIONS: [&str; 2] = ["msgraph", "halopsa"];

/// Whose run asks, decided by the host, never by a worker.
pub struct CallScope<'a> {
    /// The organization of the run.
    pub org: &'a Organization,
    /// Its effective config.
    pub config: &'a EffectiveConfig,
}

/// A call that did not succeed. `code` is one of `docs/worker-protocol.md`, "Calls".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IntegrationError {
    /// A stable machine-readable reason.
    pub code: &'static str,
    /// What a person should read: the cause and the remedy. Never a credential or token.
    pub message: String,
    /// The remote service's HTTP status, when there was one.
    pub status: Option<u16>,
}

/// Settings of an integration, checked: what to store, and whether a stored credential may stay.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSettings {
    /// The settings with defaults filled and addresses normalised, without the credential.
    pub settings: Value,
    /// The credential the body carried, to be stored as a secret.
    pub credential: Option<String>,
    /// Whether host, auth address or tenant differ from `previous`, so a stored credential must be cleared.
    pub clears_credential: bool,
}

/// The broker: holds credentials and tokens, adds them to calls, retries, limits addresses.
#[derive(Clone)]
pub struct Integrations {}

impl Integrations {
    /// A broker over these repositories.
    pub fn new(repositories: Repositories) -> Self {
        let _ = repositories;
        todo!("integrations")
    }

    /// Makes one call for a run.
    ///
    /// # Errors
    /// [`IntegrationError`]; nothing in it is secret.
    pub async fn call(
        &self,
        scope: &CallScope<'_>,
        integration: &str,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, IntegrationError> {
        let _ = (scope, integration, operation, arguments);
        todo!("integrations")
    }

    /// Checks settings from the API before they are stored. `None` for an integration type that does not exist.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn check_settings(
        integration: &str,
        settings: &Value,
        previous: Option<&Value>,
    ) -> Option<Result<CheckedSettings, Vec<FieldFault>>> {
        let _ = (integration, settings, previous);
        todo!("integrations")
    }
}
