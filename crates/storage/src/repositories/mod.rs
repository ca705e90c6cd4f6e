//! One repository per entity. Keys, property names, dual writes and their order live here and nowhere else.

pub mod addresses;
pub mod audit;
pub mod batches;
pub mod config;
pub mod deletion;
pub mod executions;
pub mod exports;
pub mod files;
pub mod forms;
pub mod generation;
pub mod grants;
pub mod import;
pub mod installation;
pub mod integrations;
mod merged;
pub mod notifications;
pub mod order;
pub mod organizations;
mod paging;
pub mod pauses;
pub mod repair;
pub mod restored;
pub mod retention;
pub mod seals;
pub mod service_tokens;
pub mod sessions;
pub mod sign_in_links;
pub mod snapshot;
pub mod spent_sign_ins;
mod tokens;
pub mod user_settings;
pub mod users;
pub mod workflow_secrets;

pub use merged::{MergedPage, Unreadable};

use crate::{
    BlobStore, Commit, Entity, Etag, ExecutionQueue, Guard, IfMatch, Query, SecretAddress, SecretStore, SecretValue,
    StoreError, Table, TableStore, Write, limits,
};
use chrono::{DateTime, Utc};
use msp_domain::{Clock, Scope, UserId};
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

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

/// How often a change is tried again when somebody else changed what it rests on. Of any number of racing changes
/// one wins each round, so this many can race without one failing.
const MAX_ATTEMPTS: usize = 50;

/// Repeats a change that reads, decides and commits under guards until nobody interfered.
async fn retry<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: Interfered,
    F: Future<Output = Result<T, E>>,
{
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(error) if error.interfered() => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

/// Tells the errors after which reading again helps.
trait Interfered {
    fn interfered(&self) -> bool;
}

impl Interfered for StoreError {
    fn interfered(&self) -> bool {
        matches!(self, Self::PreconditionFailed | Self::AlreadyExists)
    }
}

/// The ETag of an entity that was read.
fn etag_of(entity: &Entity) -> Result<Etag, StoreError> {
    entity.etag.clone().ok_or_else(|| StoreError::Corrupt("an entity was read without its ETag".to_owned()))
}

/// Refuses a change that was meant for another version than the one that is there.
fn check_version(current: Option<&Etag>, wanted: Option<&Etag>) -> Result<(), StoreError> {
    match wanted {
        Some(_) if current != wanted => Err(StoreError::PreconditionFailed),
        _ => Ok(()),
    }
}

/// Whether a row is there, readable or not.
fn is_there(read: Result<Option<Entity>, StoreError>) -> Result<bool, StoreError> {
    match read {
        Ok(row) => Ok(row.is_some()),
        Err(StoreError::Corrupt(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// What can be read of these rows. One that cannot is left out and named in the log (`msp repair` lists it too): a damaged
/// row must not take the others along.
fn readable<T>(table: Table, rows: &[Entity], read: impl Fn(&Entity) -> Result<T, StoreError>) -> Vec<T> {
    rows.iter().filter_map(|row| if_readable(table, row, read(row))).collect()
}

/// As [`readable`], of one row.
fn if_readable<T>(table: Table, row: &Entity, item: Result<T, StoreError>) -> Option<T> {
    let Entity { partition_key, row_key, .. } = row;
    item.inspect_err(|error| {
        let table = table.name();
        tracing::error!(table, partition_key, row_key, error = %error, "A row is not readable and is left out; `msp repair` names it");
    })
    .ok()
}

/// The write that sets an entity exactly if it still has the version that was read (`None`: is still missing).
fn write_over(current: Option<Etag>, entity: Entity) -> Write {
    match current {
        Some(etag) => Write::Replace(entity, IfMatch::Etag(etag)),
        None => Write::Insert(entity),
    }
}

/// Removes a row that may be gone already.
async fn forget_row(
    tables: &dyn TableStore,
    table: Table,
    partition_key: &str,
    row_key: &str,
) -> Result<(), StoreError> {
    match tables.write(table, Write::delete(partition_key, row_key, IfMatch::Any)).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes every row of a partition, batch by batch; safe to be interrupted and called again.
async fn clear_partition(tables: &dyn TableStore, table: Table, partition_key: String) -> Result<(), StoreError> {
    clear_rows(tables, table, Query::partition(partition_key)).await
}

/// Deletes the rows of one partition that a query finds, a batch at a time.
async fn clear_rows(tables: &dyn TableStore, table: Table, query: Query) -> Result<(), StoreError> {
    let mut query = query.limit(limits::MAX_BATCH_WRITES);
    loop {
        let page = tables.query(table, query.clone()).await?;
        let delete = |row: Entity| Write::delete(row.partition_key, row.row_key, IfMatch::Any);
        let deletes: Vec<Write> = page.entities.into_iter().map(delete).collect();
        if !deletes.is_empty() {
            match tables.batch(table, deletes).await {
                Ok(()) => {}
                // Somebody else is at it: look again from the start.
                Err(StoreError::NotFound) => {
                    query.continuation = None;
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        match page.continuation {
            Some(next) => query.continuation = Some(next),
            None => return Ok(()),
        }
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

/// What every repository that changes things needs: the tables, the time, and the rows that accompany a change.
#[derive(Clone)]
struct Journal {
    tables: Arc<dyn TableStore>,
    clock: Arc<dyn Clock>,
    audit: audit::Audit,
    generation: generation::Generation,
    order: order::Order,
}

impl Journal {
    /// Holds while the organization of a scope is there and is not being deleted: for commits that put something new into
    /// it, so that nothing arrives behind its deletion.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not, or not any more.
    async fn open(&self, scope: Scope) -> Result<Vec<Guard>, StoreError> {
        let Scope::Org(org) = scope else { return Ok(Vec::new()) };
        organizations::open(self.tables.as_ref(), org).await.map(|guard| vec![guard])
    }

    /// Commits what takes something away, answering as [`TableStore::commit_etags`]; one of its writes moves the generation.
    ///
    /// Where a commit may end halfway, the generation moves before it as well: what others hold in memory is void by then, so
    /// an interruption right before the last write leaves nobody with what is gone. Only who looks between the first two
    /// writes of a process that then dies may keep it until the generation moves again.
    async fn take_away(&self, mut commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        if !self.tables.commits_whole() {
            let seen = commit.guards.iter_mut().find(|guard| generation::is_of(guard));
            let (table, moved) = match &seen {
                Some(guard) => self.generation.bump_over(guard.etag.clone()),
                None => self.generation.bump(),
            };
            let etag = self.tables.write(table, moved).await?;
            if let Some(guard) = seen {
                guard.etag = etag;
            }
        }
        self.tables.commit_etags(commit).await
    }

    /// Sets a secret and moves the generation right after it. Secrets share no transaction with tables, so whether the
    /// organization is still open is asked behind it: one that is not loses it again.
    async fn set_secret(
        &self,
        secrets: &dyn SecretStore,
        address: &SecretAddress,
        value: &SecretValue,
    ) -> Result<(), StoreError> {
        // First: what goes already gets nothing.
        self.open(address.scope).await?;
        secrets.set(address, value).await?;
        let moved = retry(async || {
            let guards = self.open(address.scope).await?;
            self.tables.commit(Commit { writes: vec![self.generation.bump()], guards }).await
        });
        match moved.await {
            Err(StoreError::NotFound) => secrets.delete(address).await.and(Err(StoreError::NotFound)),
            outcome => outcome,
        }
    }
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
    /// Uploads and the files of executions.
    pub files: files::Files,
    /// Who is told of failures.
    pub notification_rules: notifications::NotificationRules,
    /// Failures that are to be told.
    pub notices: notifications::Notices,
    /// Forms.
    pub forms: forms::Forms,
    /// The user directory.
    pub users: users::Users,
    /// What people have chosen for the client.
    pub user_settings: user_settings::SettingsOfUsers,
    /// Who may do what.
    pub grants: grants::Grants,
    /// Tokens of service accounts.
    pub service_tokens: service_tokens::ServiceTokens,
    /// Browser sessions.
    pub sessions: sessions::Sessions,
    /// One-time sign-in links.
    pub sign_in_links: sign_in_links::SignInLinks,
    /// Sign-ins with Entra ID that were completed.
    pub spent_sign_ins: spent_sign_ins::SpentSignIns,
    /// Executions and their logs.
    pub executions: executions::Executions,
    /// Forms submitted with many rows.
    pub batches: batches::Batches,
    /// Exports on a schedule, and their files.
    pub exports: exports::Exports,
    /// The audit trail.
    pub audit: audit::Audit,
    /// What seals it.
    pub seals: seals::AuditSeals,
    /// The version of everything caches hold.
    pub generation: generation::Generation,
    /// What is read for every request, kept in memory for as long as it holds.
    pub snapshots: snapshot::Snapshots,
    /// Facts of this installation.
    pub installation: installation::InstallationFacts,
    /// Private addresses integrations may call.
    pub addresses: addresses::AllowedAddresses,
    /// What an emergency stop holds.
    pub pauses: pauses::Pauses,
    /// How long executions are kept.
    pub retention: retention::Retention,
    /// Under which time executions and batches stand.
    pub order: order::Order,
    /// The stores below, for the few who need one directly (secrets of integrations, the queue).
    pub stores: Stores,
    clock: Arc<dyn Clock>,
}

impl Repositories {
    /// The time as everything here sees it.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Repositories over these stores, of an installation with local accounts.
    pub fn new(stores: Stores, clock: Arc<dyn Clock>) -> Self {
        Self::of_tenant(stores, clock, None)
    }

    /// Repositories over these stores, of an installation whose people this Entra tenant signs in, if one does.
    pub fn of_tenant(stores: Stores, clock: Arc<dyn Clock>, tenant_id: Option<Uuid>) -> Self {
        let tables = &stores.tables;
        let audit = audit::Audit::new(Arc::clone(tables), Arc::clone(&clock));
        let generation = generation::Generation::new(Arc::clone(tables));
        let order = order::Order::default();
        let journal =
            Journal { tables: Arc::clone(tables), clock: Arc::clone(&clock), audit, generation, order: order.clone() };
        let organizations = organizations::Organizations::new(journal.clone(), stores.secrets.clone());
        let config = config::Config::new(journal.clone());
        let users = users::Users::new(journal.clone(), tenant_id);
        let grants = grants::Grants::new(journal.clone());
        let snapshots = snapshot::Snapshots::new(snapshot::Sources {
            generation: journal.generation.clone(),
            users: users.clone(),
            organizations: organizations.clone(),
            grants: grants.clone(),
            config: config.clone(),
        });
        let notification_rules = notifications::NotificationRules::new(journal.clone(), Arc::clone(&stores.secrets));
        let notices = notifications::Notices::new(journal.clone(), notification_rules.clone());
        let seals = seals::AuditSeals::new(
            Arc::clone(tables),
            Arc::clone(&stores.secrets),
            Arc::clone(&clock),
            journal.audit.clone(),
            organizations.clone(),
        );
        Self {
            organizations,
            config,
            seals,
            workflow_secrets: workflow_secrets::WorkflowSecrets::new(journal.clone(), Arc::clone(&stores.secrets)),
            integrations: integrations::IntegrationSettings::new(journal.clone(), Arc::clone(&stores.secrets)),
            notification_rules,
            notices: notices.clone(),
            files: files::Files::new(journal.clone(), &stores),
            forms: forms::Forms::new(journal.clone()),
            users,
            user_settings: user_settings::SettingsOfUsers::new(journal.clone()),
            grants,
            snapshots,
            service_tokens: service_tokens::ServiceTokens::new(journal.clone()),
            sessions: sessions::Sessions::new(journal.clone()),
            sign_in_links: sign_in_links::SignInLinks::new(journal.clone()),
            spent_sign_ins: spent_sign_ins::SpentSignIns::new(journal.clone()),
            executions: executions::Executions::new(journal.clone(), &stores, notices),
            batches: batches::Batches::new(journal.clone(), &stores),
            exports: exports::Exports::new(journal.clone(), &stores),
            installation: installation::InstallationFacts::new(Arc::clone(tables)),
            addresses: addresses::AllowedAddresses::new(journal.clone()),
            pauses: pauses::Pauses::new(journal.clone()),
            retention: retention::Retention::new(journal.clone()),
            audit: journal.audit,
            generation: journal.generation,
            order,
            stores,
            clock,
        }
    }
}
