//! What every test stands on: a simulator on a free port, a local home in a temporary folder, two organizations.

use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::{ConfigEntry, ConfigType, EffectiveConfig, SystemClock};
use msp_integrations::{CallScope, IntegrationError, Integrations, Timing};
use msp_simulator::{Change, JournalEntry, Service, Simulator};
use msp_storage::{
    Repositories, SecretValue,
    repositories::{
        Actor,
        integrations::CredentialChange,
        organizations::{NewOrganization, Organization},
    },
};
use msp_storage_local::{LocalHome, LocalOptions};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use uuid::Uuid;

pub const APP: &str = "7b0d2f4e-0000-4000-8000-00000000a001";
pub const GRAPH_SECRET: &str = "graph-canary~8Q/secret+value";
pub const HALO_SECRET: &str = "halo-canary-secret=value";
pub const SPB: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";

/// A clock that moves only when somebody waits, and remembers how long.
pub struct TurnedClock {
    now: Mutex<DateTime<Utc>>,
    pub waits: Mutex<Vec<Duration>>,
}

#[async_trait::async_trait]
impl Timing for TurnedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().expect("the clock")
    }
    async fn sleep(&self, duration: Duration) {
        self.waits.lock().expect("the waits").push(duration);
        self.turn(TimeDelta::from_std(duration).expect("a short wait"));
    }
    fn jitter(&self, most: Duration) -> Duration {
        most
    }
}

impl TurnedClock {
    pub fn turn(&self, by: TimeDelta) {
        *self.now.lock().expect("the clock") += by;
    }

    pub fn waited_seconds(&self) -> Vec<u64> {
        self.waits.lock().expect("the waits").iter().map(Duration::as_secs).collect()
    }
}

pub struct Bench {
    pub simulator: Simulator,
    pub address: SocketAddr,
    pub repositories: Repositories,
    pub integrations: Integrations,
    pub clock: Arc<TurnedClock>,
    pub contoso: Organization,
    pub fabrikam: Organization,
    _data: tempfile::TempDir,
}

impl Bench {
    /// Both organizations set up and consented, one licence each, usage location set.
    pub async fn new() -> Self {
        let bench = Self::bare().await;
        bench.allow().await;
        for org in [&bench.contoso, &bench.fabrikam] {
            let graph = json!({
                "client_id": APP,
                "auth_url": format!("http://{}", bench.address),
                "base_url": format!("http://{}/v1.0", bench.address),
                "client_secret": GRAPH_SECRET,
            });
            bench.set_up(org, "msgraph", graph).await;
            let halo = json!({
                "base_url": format!("http://{}/api", bench.address),
                "tenant": "acme",
                "client_id": "halo-app",
                "client_secret": HALO_SECRET,
            });
            bench.set_up(org, "halopsa", halo).await;
        }
        bench
    }

    /// Nothing set up and no address allowed.
    pub async fn bare() -> Self {
        let simulator = Simulator::open(None).expect("a simulator");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(msp_simulator::serve(listener, simulator.clone(), std::future::pending()));
        let data = tempfile::tempdir().expect("a folder");
        let options = LocalOptions {
            data: data.path().join("data"),
            master_key_file: None,
            create: true,
            clock: Arc::new(SystemClock),
        };
        let home = LocalHome::open(options).await.expect("a local home");
        let repositories = Repositories::new(home.stores, Arc::new(SystemClock));
        let mut organizations = Vec::new();
        for name in ["Contoso", "Fabrikam"] {
            let tenant = Uuid::new_v4();
            let created = repositories
                .organizations
                .create(NewOrganization { tenant_id: Some(tenant), ..NewOrganization::named(name) }, &Actor::PLATFORM)
                .await;
            organizations.push(created.expect("an organization"));
            simulator.apply(world(tenant, name)).expect("a world");
        }
        let (fabrikam, contoso) = (organizations.remove(1), organizations.remove(0));
        let clock = Arc::new(TurnedClock { now: Mutex::new(Utc::now()), waits: Mutex::default() });
        let integrations = Integrations::with_timing(repositories.clone(), Arc::clone(&clock) as Arc<dyn Timing>);
        Self { simulator, address, repositories, integrations, clock, contoso, fabrikam, _data: data }
    }

    pub async fn allow(&self) {
        self.repositories.addresses.allow(self.address, &Actor::PLATFORM).await.expect("allowed");
    }

    /// Stores settings the way the API does.
    pub async fn set_up(&self, org: &Organization, integration: &str, body: Value) {
        let checked = Integrations::check_settings(integration, &body, None).expect("known").expect("valid settings");
        let credential =
            checked.credential.map_or(CredentialChange::Keep, |secret| CredentialChange::Set(SecretValue::new(secret)));
        let stored = &self.repositories.integrations;
        let stored = stored.put(org.id, integration, true, &checked.settings, credential, None, &Actor::PLATFORM);
        stored.await.expect("stored");
    }

    /// A call with config `default_usage_location`.
    pub async fn call(
        &self,
        org: &Organization,
        integration: &str,
        operation: &str,
        arguments: Value,
    ) -> Result<Value, IntegrationError> {
        let location = ConfigEntry {
            key: "default_usage_location".into(),
            config_type: ConfigType::String,
            value: json!("US"),
            description: None,
        };
        let config = EffectiveConfig::merge(vec![location], Vec::new());
        let arguments = arguments.as_object().expect("an object");
        self.integrations.call(&CallScope { org, config: &config }, integration, operation, arguments).await
    }

    pub async fn graph(&self, operation: &str, arguments: Value) -> Result<Value, IntegrationError> {
        self.call(&self.contoso, "msgraph", operation, arguments).await
    }

    pub async fn halo(&self, arguments: Value) -> Result<Value, IntegrationError> {
        self.call(&self.contoso, "halopsa", "create_activity", arguments).await
    }

    /// Calls that arrived at one service.
    pub fn arrived(&self, service: Service) -> Vec<JournalEntry> {
        self.simulator.journal().into_iter().filter(|entry| entry.service == service).collect()
    }

    pub fn tenant(&self) -> Uuid {
        self.contoso.tenant_id.expect("a tenant")
    }
}

fn world(tenant: Uuid, name: &str) -> Vec<Change> {
    let roles = ["User.ReadWrite.All", "LicenseAssignment.ReadWrite.All"].map(str::to_owned).to_vec();
    let acme = || "acme".to_owned();
    vec![
        Change::Tenant { id: tenant, name: name.into(), domains: vec![format!("{}.example", name.to_lowercase())] },
        Change::App { client_id: APP.into(), client_secret: GRAPH_SECRET.into() },
        Change::Consent { tenant, client_id: APP.into(), roles },
        Change::Sku {
            tenant,
            id: SPB.parse().expect("a GUID"),
            part_number: "SPB".into(),
            enabled: 1,
            consumed_elsewhere: 0,
        },
        Change::HaloInstance { tenant: acme() },
        Change::HaloApp { tenant: acme(), client_id: "halo-app".into(), client_secret: HALO_SECRET.into() },
        Change::HaloClient { tenant: acme(), id: 12, name: name.into() },
        Change::HaloTicket { tenant: acme(), id: 95, client_id: 12, summary: "A new user".into() },
    ]
}
