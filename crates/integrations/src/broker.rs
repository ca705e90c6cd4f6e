//! The broker itself: finds an organization's settings and credential and hands the call to the right service.

use crate::{
    PLATFORM_INTEGRATIONS,
    connector::Connector,
    error::{DISABLED, IntegrationError, NOT_CONFIGURED, UNAVAILABLE, UNKNOWN_OPERATION},
    graph, halo,
    settings::{self, CheckedSettings, IntegrationType},
    timing::{SystemTiming, Timing},
    tokens::Tokens,
};
use msp_domain::{EffectiveConfig, FieldFault, workflow::nearest};
use msp_storage::{Repositories, SecretValue, StoreError, repositories::organizations::Organization};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc, time::Duration};

/// Whose run asks, decided by the host, never by a worker.
pub struct CallScope<'a> {
    /// The organization of the run.
    pub org: &'a Organization,
    /// Its effective config.
    pub config: &'a EffectiveConfig,
}

/// The broker: holds credentials and tokens, adds them to calls, retries, limits addresses.
#[derive(Clone)]
pub struct Integrations(Arc<Broker>);

pub(crate) struct Broker {
    repositories: Repositories,
    pub(crate) connector: Connector,
    pub(crate) tokens: Tokens,
    pub(crate) timing: Arc<dyn Timing>,
}

/// What one organization has set up for one integration.
pub(crate) struct Configured {
    pub(crate) settings: Value,
    pub(crate) credential: SecretValue,
}

/// What settings are wanted for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// A call of a run: not while they are switched off.
    Run,
    /// A check.
    Check,
}

/// Longest check: somebody waits in front of it.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);
/// Reads of settings and credential that must agree before a call is given up; they change together rarely.
const MAX_READS: u32 = 3;

impl Integrations {
    /// A broker over these repositories.
    pub fn new(repositories: Repositories) -> Self {
        Self::with_timing(repositories, Arc::new(SystemTiming))
    }

    /// A broker whose clock and waits the caller controls, for tests.
    pub fn with_timing(repositories: Repositories, timing: Arc<dyn Timing>) -> Self {
        let connector = Connector::new(repositories.addresses.clone());
        Self(Arc::new(Broker { repositories, connector, tokens: Tokens::default(), timing }))
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
        let broker = self.0.as_ref();
        match integration {
            "msgraph" => {
                check_operation(integration, operation, &graph::OPERATIONS)?;
                let configured = broker.configured(scope.org, integration, Use::Run).await?;
                graph::call(broker, scope, configured, operation, arguments).await
            }
            "halopsa" => {
                check_operation(integration, operation, &halo::OPERATIONS)?;
                let configured = broker.configured(scope.org, integration, Use::Run).await?;
                halo::call(broker, scope, configured, operation, arguments).await
            }
            unknown => Err(unknown_integration(unknown)),
        }
    }

    /// Asks the service something harmless with an organization's settings, also while they are switched off, and says in a
    /// sentence what was found.
    ///
    /// A broker made for this one check has no token yet, so what is checked is the credential, not what it once gave.
    ///
    /// # Errors
    /// [`IntegrationError`] says what is wrong and what to do.
    pub async fn check(&self, org: &Organization, integration: &str) -> Result<String, IntegrationError> {
        let broker = self.0.as_ref();
        let asking = async {
            let configured = async || broker.configured(org, integration, Use::Check).await;
            match integration {
                "msgraph" => graph::check(broker, org, configured().await?).await,
                "halopsa" => halo::check(broker, org, configured().await?).await,
                unknown => Err(unknown_integration(unknown)),
            }
        };
        tokio::time::timeout(CHECK_TIMEOUT, asking).await.unwrap_or_else(|_| {
            let seconds = CHECK_TIMEOUT.as_secs();
            let message =
                format!("The service gave no final answer within {seconds} seconds. Try again in a few minutes.");
            Err(IntegrationError::new(UNAVAILABLE, message))
        })
    }

    /// What people call an integration, and the JSON Schema of its settings.
    pub fn types() -> [IntegrationType; 2] {
        settings::types()
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
        settings::check(integration, settings, previous)
    }
}

impl fmt::Debug for Integrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Integrations(..)")
    }
}

impl Broker {
    /// An organization's settings with the credential that belongs to them. The settings are read again after the
    /// credential: between two reads somebody may have moved the integration to another address and stored the
    /// credential for that one, which must not be sent to the old address.
    async fn configured(&self, org: &Organization, integration: &str, to: Use) -> Result<Configured, IntegrationError> {
        let integrations = &self.repositories.integrations;
        let mut stored = integrations.get(org.id, integration).await.map_err(store_fault)?;
        for _ in 0..MAX_READS {
            let Some(found) = stored else { return Err(not_configured(org, integration)) };
            if !found.enabled && to == Use::Run {
                let message = format!(
                    "`{integration}` is switched off for {}. Switch it on in the organization's integration settings.",
                    org.name
                );
                return Err(IntegrationError::new(DISABLED, message));
            }
            let credential = integrations.credential(org.id, integration).await.map_err(store_fault)?;
            stored = integrations.get(org.id, integration).await.map_err(store_fault)?;
            if stored.as_ref().is_some_and(|again| again.etag == found.etag) {
                let Some(credential) = credential else {
                    let message = format!(
                        "`{integration}` has no credential for {}. Enter its `client_secret` in the organization's \
                         integration settings.",
                        org.name
                    );
                    return Err(IntegrationError::new(NOT_CONFIGURED, message));
                };
                return Ok(Configured { settings: found.settings, credential });
            }
        }
        let message = format!("The settings of `{integration}` are being changed. Run again in a moment.");
        Err(IntegrationError::new(UNAVAILABLE, message))
    }
}

fn check_operation(integration: &str, operation: &str, known: &[&'static str]) -> Result<(), IntegrationError> {
    if known.contains(&operation) {
        return Ok(());
    }
    let hint = match nearest(operation, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Err(IntegrationError::new(UNKNOWN_OPERATION, format!("`{integration}` has no operation `{operation}`; {hint}")))
}

fn unknown_integration(name: &str) -> IntegrationError {
    let known = PLATFORM_INTEGRATIONS.join("` and `");
    let message = format!("The platform has no integration `{name}`; it brings `{known}`.");
    IntegrationError::new(UNKNOWN_OPERATION, message)
}

fn not_configured(org: &Organization, integration: &str) -> IntegrationError {
    let message = format!(
        "`{integration}` is not set up for {}. An administrator sets it up with \
         PUT /api/organizations/{}/integrations/{integration}.",
        org.name, org.id
    );
    IntegrationError::new(NOT_CONFIGURED, message)
}

fn store_fault(error: StoreError) -> IntegrationError {
    tracing::error!(error = %error, "The settings of an integration could not be read");
    IntegrationError::new(UNAVAILABLE, "The settings of the integration cannot be read at the moment. Run again later.")
}
