//! HaloPSA for one organization.

mod create_activity;
mod errors;

use crate::{
    broker::{Broker, CallScope, Configured},
    channel::Channel,
    error::{IntegrationError, NOT_CONFIGURED},
    settings::halo::HaloSettings,
    tokens::Grant,
};
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
    let halo = Halo::open(broker, scope, configured)?;
    let value = create_activity::run(&halo, arguments).await?;
    Ok(halo.channel.secrets().mask_value(value))
}

impl<'a> Halo<'a> {
    fn open(broker: &'a Broker, scope: &'a CallScope<'a>, configured: Configured) -> Result<Self, IntegrationError> {
        let org = scope.org.name.as_str();
        let unusable = || {
            IntegrationError::new(
                NOT_CONFIGURED,
                format!("The `halopsa` settings of {org} are not usable. Save them again."),
            )
        };
        let settings: HaloSettings = serde_json::from_value(configured.settings).map_err(|_| unusable())?;
        let mut endpoint = Url::parse(&format!("{}/token", settings.auth_url)).map_err(|_| unusable())?;
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
