//! The invented organizations of the demo, and the world the simulator plays for them.

use msp_domain::ConfigType;
use msp_simulator::Change;
use serde_json::{Value, json};
use std::net::SocketAddr;
use uuid::{Uuid, uuid};

/// The demo's application registration at Entra, and what the tenants consent to. Invented: it opens the simulator only.
const GRAPH_CLIENT_ID: &str = "7d0c5a3e-51c9-4f0b-9c5e-2f6f1f6f0a01";
const GRAPH_SECRET: &str = "demo-graph-secret-of-the-simulator";
const GRAPH_ROLES: [&str; 2] = ["User.ReadWrite.All", "Organization.Read.All"];
/// The demo's HaloPSA instance and API application.
const HALO_TENANT: &str = "demo-msp";
const HALO_CLIENT_ID: &str = "5e1b7c7a-8d55-4a06-93c1-6d0b3c7e0b02";
const HALO_SECRET: &str = "demo-halo-secret-of-the-simulator";

/// A subscription of a demo tenant. Ids and names are Microsoft's own ("Product names and service plan identifiers
/// for licensing", Microsoft Learn), so that what is learnt here holds there.
struct DemoSku {
    id: Uuid,
    part_number: &'static str,
    enabled: u64,
    consumed_elsewhere: u64,
}

const fn business_premium(enabled: u64, consumed_elsewhere: u64) -> DemoSku {
    DemoSku { id: uuid!("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"), part_number: "SPB", enabled, consumed_elsewhere }
}

const fn office_e3(enabled: u64, consumed_elsewhere: u64) -> DemoSku {
    let id = uuid!("6fd2c87f-b296-42f0-b197-1e91e994b900");
    DemoSku { id, part_number: "ENTERPRISEPACK", enabled, consumed_elsewhere }
}

const fn business_basic(enabled: u64, consumed_elsewhere: u64) -> DemoSku {
    let id = uuid!("3b555118-da6a-4418-894f-7df1e2096870");
    DemoSku { id, part_number: "O365_BUSINESS_ESSENTIALS", enabled, consumed_elsewhere }
}

/// A demo organization.
pub struct DemoOrganization {
    /// Its name.
    pub name: &'static str,
    /// Its simulated tenant; an organization linked to it is a demo one.
    pub tenant: Uuid,
    /// Where its working day begins and ends.
    pub time_zone: &'static str,
    /// What groups it with others.
    pub tags: [&'static str; 2],
    domain: &'static str,
    usage_location: &'static str,
    office: &'static str,
    departments: &'static str,
    halo_client_id: i64,
    halo_ticket_id: i64,
    skus: [DemoSku; 2],
    people: [(&'static str, &'static str); 2],
}

/// The three of them.
pub const ORGANIZATIONS: [DemoOrganization; 3] = [
    DemoOrganization {
        name: "Contoso",
        tenant: uuid!("c0c0c0c0-0001-4c0c-8c0c-c0c0c0c0c0c0"),
        time_zone: "America/Los_Angeles",
        tags: ["us", "gold"],
        domain: "contoso.example",
        usage_location: "US",
        office: "Seattle",
        departments: "Sales, Finance, Engineering",
        halo_client_id: 101,
        halo_ticket_id: 1001,
        // One unit left: the second new colleague meets the refusal everybody knows.
        skus: [business_premium(25, 12), office_e3(10, 9)],
        people: [("Ada", "Larsen"), ("Bruno", "Keller")],
    },
    DemoOrganization {
        name: "Fabrikam",
        tenant: uuid!("fab0fab0-0002-4fab-8fab-fab0fab0fab0"),
        time_zone: "Europe/Berlin",
        tags: ["eu", "gold"],
        domain: "fabrikam.example",
        usage_location: "DE",
        office: "Hamburg",
        departments: "Sales, Production, Logistics",
        halo_client_id: 102,
        halo_ticket_id: 1002,
        skus: [business_premium(40, 31), business_basic(15, 15)],
        people: [("Carla", "Nowak"), ("Deniz", "Aydin")],
    },
    DemoOrganization {
        name: "Northwind",
        tenant: uuid!("0a0a0a0a-0003-4a0a-8a0a-0a0a0a0a0a0a"),
        time_zone: "Europe/London",
        tags: ["uk", "silver"],
        domain: "northwind.example",
        usage_location: "GB",
        office: "Leeds",
        departments: "Sales, Finance, Warehouse",
        halo_client_id: 103,
        halo_ticket_id: 1003,
        skus: [business_basic(60, 22), office_e3(5, 1)],
        people: [("Elif", "Moore"), ("Frank", "Osei")],
    },
];

/// A config value: key, type, value and what it is for.
pub type DemoConfig = (&'static str, ConfigType, Value, &'static str);

/// What holds for every organization unless it says otherwise.
pub fn global_config() -> Vec<DemoConfig> {
    vec![
        ("support_email", ConfigType::String, json!("helpdesk@demo-msp.example"), "Where people of a client write to"),
        ("demo_vendor_region", ConfigType::String, json!("eu-west"), "Region of the accounts at the demo vendor"),
    ]
}

/// The value of the secret `demo_api_key`, which the example workflows read; different per organization, so that a mix-up
/// would show.
pub fn demo_api_key(organization: &DemoOrganization) -> String {
    format!("demo-key-of-{}", organization.name.to_lowercase())
}

impl DemoOrganization {
    /// Its config.
    pub fn config(&self) -> Vec<DemoConfig> {
        vec![
            (
                "default_usage_location",
                ConfigType::String,
                json!(self.usage_location),
                "Country of new users, needed before a licence can be assigned",
            ),
            ("default_office_location", ConfigType::String, json!(self.office), "Office of new users"),
            (
                "user_naming_template",
                ConfigType::String,
                json!(format!("{{first_name}}.{{last_name}}@{}", self.domain)),
                "How sign-in names are made",
            ),
            ("halo_client_id", ConfigType::Int, json!(self.halo_client_id), "The client's number in HaloPSA"),
            ("departments", ConfigType::String, json!(self.departments), "Departments, separated by commas"),
            ("teams_sales", ConfigType::String, json!("Inside Sales, Field Sales"), "Teams of the department Sales"),
        ]
    }

    /// Its integrations with credentials: type and settings, as the API takes them.
    pub fn integrations(&self, simulator: SocketAddr) -> [(&'static str, Value); 2] {
        [
            (
                "msgraph",
                json!({
                    "auth_url": format!("http://{simulator}"),
                    "base_url": format!("http://{simulator}/v1.0"),
                    "client_id": GRAPH_CLIENT_ID,
                    "client_secret": GRAPH_SECRET,
                }),
            ),
            (
                "halopsa",
                json!({
                    "base_url": format!("http://{simulator}"),
                    "tenant": HALO_TENANT,
                    "client_id": HALO_CLIENT_ID,
                    "client_secret": HALO_SECRET,
                }),
            ),
        ]
    }

    fn changes(&self) -> Vec<Change> {
        let tenant = self.tenant;
        let mut changes = vec![
            Change::Tenant { id: tenant, name: self.name.into(), domains: vec![self.domain.into()] },
            Change::Consent {
                tenant,
                client_id: GRAPH_CLIENT_ID.into(),
                roles: GRAPH_ROLES.map(str::to_owned).to_vec(),
            },
            Change::HaloClient { tenant: HALO_TENANT.into(), id: self.halo_client_id, name: self.name.into() },
            Change::HaloTicket {
                tenant: HALO_TENANT.into(),
                id: self.halo_ticket_id,
                client_id: self.halo_client_id,
                summary: format!("New colleague at {}", self.name),
            },
        ];
        changes.extend(self.skus.iter().map(|sku| Change::Sku {
            tenant,
            id: sku.id,
            part_number: sku.part_number.into(),
            enabled: sku.enabled,
            consumed_elsewhere: sku.consumed_elsewhere,
        }));
        changes.extend(self.people.iter().map(|(first, last)| Change::User {
            tenant,
            user_principal_name: format!("{}.{}@{}", first.to_lowercase(), last.to_lowercase(), self.domain),
            display_name: format!("{first} {last}"),
            usage_location: Some(self.usage_location.into()),
        }));
        changes
    }
}

/// Everything the simulator has to know. Applying it again changes nothing.
pub fn simulated_world() -> Vec<Change> {
    let mut changes = vec![
        Change::App { client_id: GRAPH_CLIENT_ID.into(), client_secret: GRAPH_SECRET.into() },
        Change::HaloInstance { tenant: HALO_TENANT.into() },
        Change::HaloApp {
            tenant: HALO_TENANT.into(),
            client_id: HALO_CLIENT_ID.into(),
            client_secret: HALO_SECRET.into(),
        },
    ];
    changes.extend(ORGANIZATIONS.iter().flat_map(DemoOrganization::changes));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_simulator::Simulator;

    #[test]
    fn the_simulator_accepts_its_world_twice_and_a_licence_is_nearly_used_up() {
        let simulator = Simulator::open(None).expect("a simulator in memory");
        simulator.apply(simulated_world()).expect("the world");
        let once = simulator.state();
        simulator.apply(simulated_world()).expect("the same world");
        assert_eq!(simulator.state(), once);
        let contoso = &once.tenants[&ORGANIZATIONS[0].tenant];
        assert!(contoso.skus.iter().any(|sku| sku.enabled - contoso.consumed_units(sku) == 1));
    }
}
