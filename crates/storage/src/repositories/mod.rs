//! One repository per entity. Keys, property names, dual writes and their order live here and nowhere else.

pub mod addresses;
pub mod audit;
pub mod config;
pub mod executions;
pub mod generation;
pub mod grants;
pub mod installation;
pub mod integrations;
pub mod organizations;
pub mod sessions;
pub mod sign_in_links;
pub mod users;
pub mod workflow_secrets;

use crate::{BlobStore, ExecutionQueue, SecretStore, TableStore};
use msp_domain::{Clock, UserId};
use std::sync::Arc;

/// The stores of one installation.
#[derive(Clone)]
pub struct Stores {
    /// Entities.
    pub tables: Arc<dyn TableStore>,
    /// Large values.
    pub blobs: Arc<dyn BlobStore>,
    /// Secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// Pending executions.
    pub queue: Arc<dyn ExecutionQueue>,
}

/// Who makes a change, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person or service; `None` for the platform itself (first start, seeding).
    pub user: Option<UserId>,
    /// Where the request came from.
    pub ip_address: Option<String>,
}

impl Actor {
    /// The platform itself.
    pub const PLATFORM: Self = Self { user: None, ip_address: None };

    /// The id that goes into `CreatedBy`-like properties.
    pub fn key(&self) -> String {
        self.user.map_or_else(|| "platform".to_owned(), |user| user.key())
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts: opaque to callers, safe in a URL. `None` at the end.
    pub next_cursor: Option<String>,
}

/// Every repository over the same stores.
#[derive(Clone)]
pub struct Repositories {
    /// Client organizations.
    pub organizations: organizations::Organizations,
    /// Config values.
    pub config: config::Config,
    /// Secrets of workflows.
    pub workflow_secrets: workflow_secrets::WorkflowSecrets,
    /// Integration settings.
    pub integrations: integrations::IntegrationSettings,
    /// The user directory.
    pub users: users::Users,
    /// Who may do what.
    pub grants: grants::Grants,
    /// Browser sessions.
    pub sessions: sessions::Sessions,
    /// One-time sign-in links.
    pub sign_in_links: sign_in_links::SignInLinks,
    /// Executions and their logs.
    pub executions: executions::Executions,
    /// The audit trail.
    pub audit: audit::Audit,
    /// The version of everything caches hold.
    pub generation: generation::Generation,
    /// Facts of this installation.
    pub installation: installation::InstallationFacts,
    /// Private addresses integrations may call.
    pub addresses: addresses::AllowedAddresses,
    /// The stores below, for the few who need one directly (secrets of integrations, the queue).
    pub stores: Stores,
}

impl Repositories {
    /// Repositories over these stores.
    pub fn new(stores: Stores, clock: Arc<dyn Clock>) -> Self {
        let _ = (stores, clock);
        todo!("storage")
    }
}
