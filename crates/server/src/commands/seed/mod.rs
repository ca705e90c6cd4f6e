//! `msp seed`: demo organizations backed by the simulator. What exists already is left as it is.

mod demo;

use crate::{cli::Seed, failure::UsageError, platform::Platform};
use anyhow::{Context, Result, anyhow, bail};
use demo::{DemoConfig, DemoOrganization};
use msp_domain::{ConfigEntry, Scope, Tags, time_zone};
use msp_integrations::Integrations;
use msp_simulator::{Change, Simulator};
use msp_storage::{
    SecretValue,
    repositories::{
        Actor,
        integrations::CredentialChange,
        organizations::{NewOrganization, Organization, OrganizationError},
    },
};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use url::Url;

/// The secret the example workflows read.
const DEMO_SECRET: &str = "demo_api_key";

/// Seeds platform and simulator.
pub async fn seed(platform: &Platform, arguments: &Seed) -> Result<()> {
    if !arguments.simulator.ip().is_loopback() {
        return Err(UsageError(format!("the simulator is on this machine, not on {}", arguments.simulator)).into());
    }
    platform.ensure_administrator().await?;
    seed_simulator(platform, arguments.simulator).await?;
    let addresses = &platform.repositories.addresses;
    if !addresses.list().await?.contains(&arguments.simulator) {
        addresses.allow(arguments.simulator, &Actor::PLATFORM).await?;
    }
    set_config(platform, Scope::Global, demo::global_config()).await?;
    for demo in &demo::ORGANIZATIONS {
        let organization = organization(platform, demo).await?;
        set_config(platform, Scope::Org(organization.id), demo.config()).await?;
        set_secret(platform, &organization, demo).await?;
        for (integration, settings) in demo.integrations(arguments.simulator) {
            set_integration(platform, &organization, integration, &settings).await?;
        }
        println!("{}  {}", organization.id, organization.name);
    }
    Ok(())
}

/// Tells the simulator that is running, or else changes the state the next one starts with.
async fn seed_simulator(platform: &Platform, address: SocketAddr) -> Result<()> {
    if TcpStream::connect(address).await.is_err() {
        let simulator = Simulator::open(Some(platform.data.join("simulator")))?;
        return Ok(simulator.apply(demo::simulated_world())?);
    }
    let changes: Vec<Change> = demo::simulated_world();
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("http://{address}/_simulator/changes"))
        .json(&changes)
        .send()
        .await
        .with_context(|| format!("what listens on {address} does not answer"))?;
    if !answer.status().is_success() {
        bail!("what listens on {address} is not the simulator (it answered {})", answer.status());
    }
    Ok(())
}

/// The demo organization: the one linked to its simulated tenant, made if there is none.
async fn organization(platform: &Platform, demo: &DemoOrganization) -> Result<Organization> {
    let organizations = &platform.repositories.organizations;
    let known = organizations.all().await?.into_iter().find(|known| known.tenant_id == Some(demo.tenant));
    if let Some(known) = known {
        return Ok(known);
    }
    let new = NewOrganization {
        tenant_id: Some(demo.tenant),
        time_zone: Some(time_zone::parse(demo.time_zone).expect("the demo names zones there are")),
        tags: Tags::parse(demo.tags).expect("the tags of the demo are valid"),
        ..NewOrganization::named(demo.name)
    };
    match organizations.create(new, &Actor::PLATFORM).await {
        Ok(organization) => Ok(organization),
        Err(OrganizationError::NameTaken { .. }) => {
            bail!("there is an organization called {} that is not a demo; rename it before seeding", demo.name)
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_config(platform: &Platform, scope: Scope, values: Vec<DemoConfig>) -> Result<()> {
    let config = &platform.repositories.config;
    for (key, config_type, value, description) in values {
        if config.get(scope, key).await?.is_none() {
            let entry = ConfigEntry { key: key.into(), config_type, value, description: Some(description.into()) };
            config.set(scope, &entry, None, &Actor::PLATFORM).await?;
        }
    }
    Ok(())
}

async fn set_secret(platform: &Platform, organization: &Organization, demo: &DemoOrganization) -> Result<()> {
    let secrets = &platform.repositories.workflow_secrets;
    let scope = Scope::Org(organization.id);
    if !secrets.names(scope).await?.iter().any(|name| name == DEMO_SECRET) {
        let value = SecretValue::new(demo::demo_api_key(demo));
        secrets.set(scope, DEMO_SECRET, &value, &Actor::PLATFORM).await?;
    }
    Ok(())
}

/// Writes settings where there are none, or where they lead to another simulator of this machine: an organization that
/// was pointed at a real service stays there.
async fn set_integration(
    platform: &Platform,
    organization: &Organization,
    integration: &str,
    settings: &Value,
) -> Result<()> {
    let store = &platform.repositories.integrations;
    let previous = store.get(organization.id, integration).await?;
    if let Some(previous) = &previous
        && (!leads_here(&previous.settings) || previous.settings["base_url"] == settings["base_url"])
    {
        return Ok(());
    }
    let checked = Integrations::check_settings(integration, settings, previous.as_ref().map(|known| &known.settings))
        .ok_or_else(|| anyhow!("there is no integration {integration}"))?
        .map_err(|faults| anyhow!("the demo settings of {integration} are refused: {faults:?}"))?;
    let credential =
        checked.credential.map_or(CredentialChange::Keep, |text| CredentialChange::Set(SecretValue::new(text)));
    store.put(organization.id, integration, true, &checked.settings, credential, None, &Actor::PLATFORM).await?;
    Ok(())
}

/// Whether settings lead to an address of this machine, as those of a simulator do.
fn leads_here(settings: &Value) -> bool {
    let host = settings["base_url"].as_str().and_then(|text| Url::parse(text).ok());
    host.as_ref().and_then(Url::host).is_some_and(|host| match host {
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
        url::Host::Domain(name) => name == "localhost",
    })
}
