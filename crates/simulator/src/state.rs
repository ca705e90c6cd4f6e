//! What the simulator remembers. All of it is one JSON document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Everything the simulator keeps between starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Entra tenants by id.
    pub tenants: BTreeMap<Uuid, Tenant>,
    /// Application registrations by client id; multi-tenant, so not below a tenant.
    pub apps: BTreeMap<String, App>,
    /// HaloPSA instances by the name given as `tenant`; the empty name is one that is not cloud hosted.
    pub halo: BTreeMap<String, HaloInstance>,
}

/// An Entra tenant with its directory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Domains a user principal name may end in.
    pub domains: Vec<String>,
    /// Its users, in order of creation.
    pub users: Vec<User>,
    /// Its subscriptions.
    pub skus: Vec<Sku>,
    /// The application permissions consented to, by client id.
    pub consents: BTreeMap<String, Vec<String>>,
}

/// A user of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The object id.
    pub id: Uuid,
    /// The sign-in name.
    pub user_principal_name: String,
    /// Where licences may be used: two letters.
    pub usage_location: Option<String>,
    /// Ids of the SKUs assigned.
    pub licenses: Vec<Uuid>,
    /// Every other property as it was sent, `passwordProfile` excepted: passwords are checked and forgotten.
    pub properties: Map<String, Value>,
}

/// A subscription of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sku {
    /// Its id.
    pub id: Uuid,
    /// Its name, such as `SPB`.
    pub part_number: String,
    /// Units bought (`prepaidUnits.enabled`).
    pub enabled: u64,
    /// Units consumed by users the simulator does not list.
    pub consumed_elsewhere: u64,
}

/// An application registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Its secret.
    pub client_secret: String,
}

/// One HaloPSA instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HaloInstance {
    /// API applications: client id and secret.
    pub apps: BTreeMap<String, App>,
    /// Clients by id.
    pub clients: BTreeMap<i64, HaloClient>,
    /// Tickets by id.
    pub tickets: BTreeMap<i64, HaloTicket>,
    /// Actions, oldest first.
    pub actions: Vec<HaloAction>,
    /// Notes on clients, oldest first.
    pub notes: Vec<HaloNote>,
}

/// A client in HaloPSA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaloClient {
    /// Its name.
    pub name: String,
}

/// A ticket in HaloPSA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaloTicket {
    /// The client it belongs to.
    pub client_id: i64,
    /// What it is about.
    pub summary: String,
}

/// An action on a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaloAction {
    /// Its id.
    pub id: i64,
    /// The ticket.
    pub ticket_id: i64,
    /// The outcome; 7 is the stock internal note.
    pub outcome_id: i64,
    /// What was noted.
    pub note: String,
    /// Whether the end user does not see it.
    pub hidden_from_user: bool,
}

/// A note on a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaloNote {
    /// Its id.
    pub id: i64,
    /// The client.
    pub client_id: i64,
    /// What was noted.
    pub note: String,
}

impl Tenant {
    /// The user with this object id or user principal name; names ignore letter case.
    pub fn user(&self, id_or_name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.is(id_or_name))
    }

    /// Units of a SKU in use.
    pub fn consumed_units(&self, sku: &Sku) -> u64 {
        let here = self.users.iter().filter(|user| user.licenses.contains(&sku.id)).count();
        sku.consumed_elsewhere + here as u64
    }
}

impl User {
    /// Whether this is the user an address names by object id or user principal name.
    pub fn is(&self, id_or_name: &str) -> bool {
        self.user_principal_name.eq_ignore_ascii_case(id_or_name)
            || Uuid::parse_str(id_or_name).is_ok_and(|id| id == self.id)
    }
}
