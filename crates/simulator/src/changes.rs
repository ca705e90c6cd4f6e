//! Setting up what the simulator plays: the same changes in process and over HTTP.

use crate::state::{App, HaloClient, HaloInstance, HaloTicket, Sku, State, Tenant, User};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use uuid::Uuid;

/// One change of the simulated world. Applying the same one twice changes nothing more, and nothing that grew since
/// (users, licences, notes) is lost: seeding may be repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Adds a tenant, or renames it and replaces its verified domains.
    Tenant {
        /// The tenant id.
        id: Uuid,
        /// Its name.
        name: String,
        /// Domains a user principal name may end in.
        domains: Vec<String>,
    },
    /// Registers a multi-tenant application, or replaces its secret.
    App {
        /// Its client id.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
    /// Consents to an application in a tenant with exactly these application permissions.
    Consent {
        /// The tenant.
        tenant: Uuid,
        /// The application.
        client_id: String,
        /// App roles, such as `User.ReadWrite.All`.
        roles: Vec<String>,
    },
    /// Takes a tenant's consent back; tokens already issued keep working, as they do in Entra.
    WithdrawConsent {
        /// The tenant.
        tenant: Uuid,
        /// The application.
        client_id: String,
    },
    /// Adds a subscription, or changes its name and number of units.
    Sku {
        /// The tenant.
        tenant: Uuid,
        /// The SKU id.
        id: Uuid,
        /// Its name, such as `SPB`.
        part_number: String,
        /// Units bought.
        enabled: u64,
        /// Units consumed by users the simulator does not list.
        #[serde(default)]
        consumed_elsewhere: u64,
    },
    /// Adds a user unless the tenant has one of that name.
    User {
        /// The tenant.
        tenant: Uuid,
        /// The sign-in name.
        user_principal_name: String,
        /// The name shown.
        display_name: String,
        /// Two letters, or none: such a user cannot be licensed.
        usage_location: Option<String>,
    },
    /// Adds a HaloPSA instance.
    HaloInstance {
        /// What callers give as `tenant`; empty for one that is not cloud hosted.
        tenant: String,
    },
    /// Registers an API application with a HaloPSA instance, or replaces its secret.
    HaloApp {
        /// The instance.
        tenant: String,
        /// Its client id.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
    /// Adds or renames a client.
    HaloClient {
        /// The instance.
        tenant: String,
        /// The client's id.
        id: i64,
        /// Its name.
        name: String,
    },
    /// Adds or replaces a ticket.
    HaloTicket {
        /// The instance.
        tenant: String,
        /// The ticket's id.
        id: i64,
        /// The client it belongs to.
        client_id: i64,
        /// What it is about.
        summary: String,
    },
}

/// A change that names something the simulator does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No such tenant; add it first.
    #[error("there is no tenant {0}; add it with a `tenant` change first")]
    UnknownTenant(Uuid),
    /// No such HaloPSA instance; add it first.
    #[error("there is no HaloPSA instance `{0}`; add it with a `halo_instance` change first")]
    UnknownHaloInstance(String),
}

impl Change {
    pub(crate) fn apply(self, state: &mut State) -> Result<(), ChangeError> {
        match self {
            Self::Tenant { id, name, domains } => {
                let tenant = state.tenants.entry(id).or_default();
                tenant.name = name;
                tenant.domains = domains;
            }
            Self::App { client_id, client_secret } => {
                state.apps.insert(client_id, App { client_secret });
            }
            Self::Consent { tenant, client_id, roles } => {
                tenant_mut(state, tenant)?.consents.insert(client_id, roles);
            }
            Self::WithdrawConsent { tenant, client_id } => {
                tenant_mut(state, tenant)?.consents.remove(&client_id);
            }
            Self::Sku { tenant, id, part_number, enabled, consumed_elsewhere } => {
                let skus = &mut tenant_mut(state, tenant)?.skus;
                let sku = Sku { id, part_number, enabled, consumed_elsewhere };
                match skus.iter_mut().find(|known| known.id == id) {
                    Some(known) => *known = sku,
                    None => skus.push(sku),
                }
            }
            Self::User { tenant, user_principal_name, display_name, usage_location } => {
                let tenant = tenant_mut(state, tenant)?;
                if tenant.user(&user_principal_name).is_none() {
                    let mut properties = Map::new();
                    properties.insert("displayName".into(), display_name.into());
                    properties.insert("accountEnabled".into(), true.into());
                    let id = Uuid::new_v4();
                    tenant.users.push(User {
                        id,
                        user_principal_name,
                        usage_location,
                        licenses: Vec::new(),
                        properties,
                    });
                }
            }
            Self::HaloInstance { tenant } => {
                state.halo.entry(tenant).or_default();
            }
            Self::HaloApp { tenant, client_id, client_secret } => {
                halo_mut(state, tenant)?.apps.insert(client_id, App { client_secret });
            }
            Self::HaloClient { tenant, id, name } => {
                halo_mut(state, tenant)?.clients.insert(id, HaloClient { name });
            }
            Self::HaloTicket { tenant, id, client_id, summary } => {
                halo_mut(state, tenant)?.tickets.insert(id, HaloTicket { client_id, summary });
            }
        }
        Ok(())
    }
}

fn tenant_mut(state: &mut State, id: Uuid) -> Result<&mut Tenant, ChangeError> {
    state.tenants.get_mut(&id).ok_or(ChangeError::UnknownTenant(id))
}

fn halo_mut(state: &mut State, tenant: String) -> Result<&mut HaloInstance, ChangeError> {
    state.halo.get_mut(&tenant).ok_or(ChangeError::UnknownHaloInstance(tenant))
}
