//! HaloPSA for one organization.

mod create_activity;
mod errors;

use crate::{
    broker::{Broker, CallScope, Configured},
    channel::{CallFailure, Channel},
    connector::Answer,
    error::{IntegrationError, NOT_CONFIGURED, PERMISSION_DENIED, UNAVAILABLE},
    masking::Secrets,
    retry::Repeat,
    settings::halo::HaloSettings,
    tokens::Grant,
};
use msp_storage::repositories::organizations::Organization;
use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;

pub(crate) const OPERATIONS: [&str; 1] = ["create_activity"];

/// A line to HaloPSA for one organization.
struct Halo<'a> {
    channel: Channel<'a>,
    org: &'a str,
    settings: HaloSettings,
}

/// Makes one call for a run; there is one operation, and the broker has checked its name.
pub(crate) async fn call(
    broker: &Broker,
    scope: &CallScope<'_>,
    configured: Configured,
    _operation: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, IntegrationError> {
    let halo = Halo::open(broker, &scope.org.name, configured)?;
    let value = create_activity::run(&halo, arguments).await?;
    Ok(halo.channel.secrets().mask_value(value))
}

/// Asks for one client. An agent that may see none is the usual mistake, and HaloPSA calls it a success.
pub(crate) async fn check(
    broker: &Broker,
    org: &Organization,
    configured: Configured,
) -> Result<String, IntegrationError> {
    let halo = Halo::open(broker, &org.name, configured)?;
    let mut url = halo.url("Client")?;
    url.query_pairs_mut().extend_pairs([("pageinate", "true"), ("page_size", "1"), ("page_no", "1")]);
    let refusal = |answer: &Answer, secrets: &Secrets| errors::token_refused(answer, secrets, halo.org);
    let answer = match halo.channel.call(Method::GET, url.clone(), None, Repeat::Harmless, &refusal).await {
        Ok(answer) => answer,
        Err(CallFailure::NotMade(error)) => return Err(error),
        Err(CallFailure::UnderWay(error)) => return Err(halo.channel.unanswered(&error, &url)),
    };
    let body = halo.read(&answer)?;
    match body["record_count"].as_u64() {
        Some(0) => Err(IntegrationError::new(
            PERMISSION_DENIED,
            "HaloPSA answers, but shows no clients. Allow the agent the API application logs in as to use all customers.",
        )),
        Some(count) => Ok(format!("Connected to HaloPSA: it shows {count} clients.")),
        None => Err(not_json(&answer)),
    }
}

fn not_json(answer: &Answer) -> IntegrationError {
    let message = "HaloPSA answered something else than expected. Check the `base_url` of the integration.";
    IntegrationError::new(UNAVAILABLE, message).with_status(answer.status)
}

impl<'a> Halo<'a> {
    /// The JSON of a good answer; a bad one as an error.
    fn read(&self, answer: &Answer) -> Result<Value, IntegrationError> {
        if !(200..300).contains(&answer.status) {
            return Err(errors::refused(answer, &self.channel.secrets(), self.org));
        }
        serde_json::from_slice(&answer.body).map_err(|_| not_json(answer))
    }

    fn url(&self, resource: &str) -> Result<Url, IntegrationError> {
        Url::parse(&format!("{}/api/{resource}", self.settings.base_url)).map_err(|_| unusable(self.org))
    }

    fn open(broker: &'a Broker, org: &'a str, configured: Configured) -> Result<Self, IntegrationError> {
        let settings: HaloSettings = serde_json::from_value(configured.settings).map_err(|_| unusable(org))?;
        let mut endpoint = Url::parse(&format!("{}/token", settings.auth_url)).map_err(|_| unusable(org))?;
        if let Some(tenant) = &settings.tenant {
            endpoint.query_pairs_mut().append_pair("tenant", tenant);
        }
        let grant = Grant {
            endpoint,
            tenant: settings.tenant.clone(),
            scope: "all".to_owned(),
            client_id: settings.client_id.clone(),
            credential: configured.credential,
        };
        Ok(Self { channel: Channel::new(broker, "HaloPSA", grant), org, settings })
    }
}

fn unusable(org: &str) -> IntegrationError {
    IntegrationError::new(NOT_CONFIGURED, format!("The `halopsa` settings of {org} are not usable. Save them again."))
}
