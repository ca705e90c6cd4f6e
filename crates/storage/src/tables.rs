//! The table store: what Azure Table Storage offers, plus one ordered multi-table commit.

use crate::{Entity, Etag, Property, StoreError};
use async_trait::async_trait;
use std::cmp::Ordering;

/// Every table there is. Names are the seed's ("Table Storage Schema"), additions are design section 3's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Client organizations, PK `ORG`.
    Organizations,
    /// Config values, PK organization or `GLOBAL`, RK `config:{key}`.
    OrgConfig,
    /// Integration settings, PK organization, RK `integration:{type}`.
    IntegrationConfig,
    /// Forms, PK organization or `GLOBAL`, RK form id.
    Forms,
    /// The user directory, PK `USER`.
    Users,
    /// What people have chosen for the client, PK user, RK `settings`.
    UserSettings,
    /// Grants by user: authoritative.
    UserPermissions,
    /// Grants by organization: mirror of `UserPermissions`.
    OrgPermissions,
    /// Executions by organization: authoritative.
    WorkflowExecutions,
    /// Executions by user: pointers into `WorkflowExecutions`.
    UserExecutions,
    /// Forms submitted with many rows, PK organization or `GLOBAL`.
    Batches,
    /// Log lines, PK execution id, RK `{epoch:6}_{seq:8}`; of long logs the index of their blobs, RK `~pack_{last seq:8}`.
    ExecutionLogs,
    /// Steps of executions, PK execution id, RK `{epoch:6}_{seq:4}`.
    ExecutionSteps,
    /// Executions that have not ended, PK `ACTIVE`: what recovery looks at. Long logs that are not packed yet, PK `PACKING`;
    /// batches with rows that have not ended, PK `BATCHES`. Failures to be told, PK `ACTIVE`, RK `~notice_{rule}_{kind}`.
    ActiveExecutions,
    /// Uploads that wait for an execution to take them, PK user; RK `~turn` is written with each new one.
    Uploads,
    /// Files of executions, PK execution id, RK file id.
    ExecutionFiles,
    /// Exports on a schedule, PK organization or `GLOBAL`; how far each is, RK `~{schedule}`.
    ExportSchedules,
    /// Their files, PK schedule; the blobs of a file, PK file.
    ExportFiles,
    /// The audit trail, PK organization or `GLOBAL`.
    AuditLogs,
    /// What seals the audit trail: blocks, PK as there, RK `{seq:10}`; their heads, PK `HEAD`; which key, PK `KEY`.
    AuditSeals,
    /// Browser sessions by hash of their cookie, PK `SESSION`.
    Sessions,
    /// One-time sign-in links by hash of their token, PK `LINK`.
    SignInLinks,
    /// Tokens of service accounts, PK account, RK token id.
    ServiceTokens,
    /// Who is told of failures, PK organization or `GLOBAL`, RK `rule:{id}`; how telling went, RK `delivery:{id}`.
    NotificationRules,
    /// Encrypted secrets of the embedded home.
    Secrets,
    /// The installation's own rows: `Generation`, its directory id.
    Platform,
}

impl Table {
    /// Every table, for homes that create them at start.
    pub const ALL: [Self; 26] = [
        Self::Organizations,
        Self::OrgConfig,
        Self::IntegrationConfig,
        Self::Forms,
        Self::Users,
        Self::UserSettings,
        Self::UserPermissions,
        Self::OrgPermissions,
        Self::WorkflowExecutions,
        Self::UserExecutions,
        Self::Batches,
        Self::ExecutionLogs,
        Self::ExecutionSteps,
        Self::ActiveExecutions,
        Self::Uploads,
        Self::ExecutionFiles,
        Self::ExportSchedules,
        Self::ExportFiles,
        Self::AuditLogs,
        Self::AuditSeals,
        Self::Sessions,
        Self::SignInLinks,
        Self::ServiceTokens,
        Self::NotificationRules,
        Self::Secrets,
        Self::Platform,
    ];

    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organizations => "Organizations",
            Self::OrgConfig => "OrgConfig",
            Self::IntegrationConfig => "IntegrationConfig",
            Self::Forms => "Forms",
            Self::Users => "Users",
            Self::UserSettings => "UserSettings",
            Self::UserPermissions => "UserPermissions",
            Self::OrgPermissions => "OrgPermissions",
            Self::WorkflowExecutions => "WorkflowExecutions",
            Self::UserExecutions => "UserExecutions",
            Self::Batches => "Batches",
            Self::ExecutionLogs => "ExecutionLogs",
            Self::ExecutionSteps => "ExecutionSteps",
            Self::ActiveExecutions => "ActiveExecutions",
            Self::Uploads => "Uploads",
            Self::ExecutionFiles => "ExecutionFiles",
            Self::ExportSchedules => "ExportSchedules",
            Self::ExportFiles => "ExportFiles",
            Self::AuditLogs => "AuditLogs",
            Self::AuditSeals => "AuditSeals",
            Self::Sessions => "Sessions",
            Self::SignInLinks => "SignInLinks",
            Self::ServiceTokens => "ServiceTokens",
            Self::NotificationRules => "NotificationRules",
            Self::Secrets => "Secrets",
            Self::Platform => "Platform",
        }
    }
}

/// Tables whose row keys are a time and a unique id in every partition: their rows have one order over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeline {
    /// [`Table::WorkflowExecutions`].
    Executions,
    /// [`Table::AuditLogs`].
    Audit,
    /// [`Table::Batches`].
    Batches,
}

impl Timeline {
    /// The table.
    pub fn table(self) -> Table {
        match self {
            Self::Executions => Table::WorkflowExecutions,
            Self::Audit => Table::AuditLogs,
            Self::Batches => Table::Batches,
        }
    }
}

/// Which version of an entity a write is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any, as long as the entity exists (`If-Match: *`).
    Any,
    /// Exactly this one.
    Etag(Etag),
}

/// One change of one entity.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Adds an entity; [`StoreError::AlreadyExists`] if there is one.
    Insert(Entity),
    /// Sets all properties; [`StoreError::NotFound`] or [`StoreError::PreconditionFailed`].
    Replace(Entity, IfMatch),
    /// Sets the given properties and keeps the others; errors as for `Replace`.
    Merge(Entity, IfMatch),
    /// Inserts or replaces.
    UpsertReplace(Entity),
    /// Inserts or merges.
    UpsertMerge(Entity),
    /// Removes; errors as for `Replace`.
    Delete {
        /// Partition of the entity.
        partition_key: String,
        /// Row of the entity.
        row_key: String,
        /// Which version.
        if_match: IfMatch,
    },
}

impl Write {
    /// Partition and row key of the entity it is about.
    pub fn keys(&self) -> (&str, &str) {
        match self {
            Self::Insert(entity)
            | Self::Replace(entity, _)
            | Self::Merge(entity, _)
            | Self::UpsertReplace(entity)
            | Self::UpsertMerge(entity) => (&entity.partition_key, &entity.row_key),
            Self::Delete { partition_key, row_key, .. } => (partition_key, row_key),
        }
    }

    /// The entity it carries; `None` for a delete.
    pub fn entity(&self) -> Option<&Entity> {
        match self {
            Self::Insert(entity)
            | Self::Replace(entity, _)
            | Self::Merge(entity, _)
            | Self::UpsertReplace(entity)
            | Self::UpsertMerge(entity) => Some(entity),
            Self::Delete { .. } => None,
        }
    }

    /// Removes an entity of this version.
    pub fn delete(partition_key: impl Into<String>, row_key: impl Into<String>, if_match: IfMatch) -> Self {
        Self::Delete { partition_key: partition_key.into(), row_key: row_key.into(), if_match }
    }
}

/// A change and the table it goes to.
pub type TableWrite = (Table, Write);

/// Something that must hold for a commit to take place.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Table of the guarded entity.
    pub table: Table,
    /// Partition of the guarded entity.
    pub partition_key: String,
    /// Row of the guarded entity.
    pub row_key: String,
    /// The version it must have; `None`: it must not exist.
    pub etag: Option<Etag>,
}

/// Writes over several tables and partitions, in an order that is safe to be interrupted after any of them.
/// SQLite makes them one transaction, however many they are; Azure checks the guards, then writes in order, as batches of
/// what follows each other into one partition (design section 2).
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The writes, in order.
    pub writes: Vec<TableWrite>,
    /// What must hold.
    pub guards: Vec<Guard>,
}

impl Commit {
    /// A commit of these writes without guards.
    pub fn of(writes: Vec<TableWrite>) -> Self {
        Self { writes, guards: Vec::new() }
    }
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Different; never matches an entity that lacks the property.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// A condition on properties. At most 15 comparisons; values are typed, so nothing is ever quoted by hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Compares a property with a value of the same type; an entity lacking it never matches.
    Compare(String, Comparison, Property),
    /// All must hold.
    And(Vec<Filter>),
    /// One must hold.
    Or(Vec<Filter>),
}

impl Filter {
    /// Whether an entity satisfies the condition: for homes whose medium cannot tell.
    pub fn matches(&self, entity: &Entity) -> bool {
        match self {
            Self::Compare(name, comparison, wanted) => {
                entity.properties.get(name).is_some_and(|held| comparison.holds(held, wanted))
            }
            Self::And(parts) => parts.iter().all(|part| part.matches(entity)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(entity)),
        }
    }
}

impl Comparison {
    /// Compares values of one type; values of two types satisfy nothing, not even `Ne`.
    fn holds(self, held: &Property, wanted: &Property) -> bool {
        if std::mem::discriminant(held) != std::mem::discriminant(wanted) {
            return false;
        }
        let order = match (held, wanted) {
            (Property::String(held), Property::String(wanted)) => held.partial_cmp(wanted),
            (Property::Int(held), Property::Int(wanted)) => held.partial_cmp(wanted),
            (Property::Double(held), Property::Double(wanted)) => held.partial_cmp(wanted),
            (Property::Bool(held), Property::Bool(wanted)) => held.partial_cmp(wanted),
            (Property::DateTime(held), Property::DateTime(wanted)) => held.partial_cmp(wanted),
            (Property::Guid(held), Property::Guid(wanted)) => held.partial_cmp(wanted),
            (Property::Binary(held), Property::Binary(wanted)) => held.partial_cmp(wanted),
            _ => None,
        };
        match self {
            Self::Eq => order.is_some_and(Ordering::is_eq),
            Self::Ne => order.is_none_or(Ordering::is_ne),
            Self::Gt => order.is_some_and(Ordering::is_gt),
            Self::Ge => order.is_some_and(Ordering::is_ge),
            Self::Lt => order.is_some_and(Ordering::is_lt),
            Self::Le => order.is_some_and(Ordering::is_le),
        }
    }
}

/// Where the next page starts: opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// First partition of the next page.
    pub partition_key: String,
    /// First row of the next page.
    pub row_key: String,
}

/// A query, answered in (partition key, row key) order. Key order is ordinal (by UTF-8 bytes).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Only this partition. `None` walks the whole table: for repair, never for a request.
    pub partition_key: Option<String>,
    /// Only rows at or after this key.
    pub row_from: Option<String>,
    /// Only rows before this key.
    pub row_before: Option<String>,
    /// Only entities that satisfy this.
    pub filter: Option<Filter>,
    /// Most entities in the page, 1 to 1000; 0 means 1000, Azure's own page.
    pub limit: usize,
    /// Where an earlier page ended.
    pub continuation: Option<Continuation>,
}

impl Query {
    /// Everything in one partition.
    pub fn partition(partition_key: impl Into<String>) -> Self {
        Self { partition_key: Some(partition_key.into()), ..Self::default() }
    }

    /// Only rows whose key starts with the prefix. The prefix must end in an ASCII character below `~`.
    #[must_use]
    pub fn rows_with_prefix(mut self, prefix: &str) -> Self {
        let mut end = prefix.as_bytes().to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        self.row_from = Some(prefix.to_owned());
        self.row_before = String::from_utf8(end).ok();
        self
    }

    /// At most this many entities.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// One page of a query. May be short, even empty, while more follow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The entities, in key order.
    pub entities: Vec<Entity>,
    /// Where the next page starts; `None` at the end.
    pub continuation: Option<Continuation>,
}

/// A store of entities. Every write is durable when the call returns.
#[async_trait]
pub trait TableStore: Send + Sync + 'static {
    /// The entity with these keys.
    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError>;

    /// One page of a query. A row whose properties the home cannot make out is among them without any: it takes no other
    /// along, and whoever reads it finds that it lacks what it needs.
    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError>;

    /// One write; answers the new ETag (`None` after a delete).
    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError>;

    /// Up to 100 writes in one partition of one table, each entity once: all or none.
    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError>;

    /// Ordered writes under guards; see [`Commit`]. A guard that fails is [`StoreError::PreconditionFailed`].
    async fn commit(&self, commit: Commit) -> Result<(), StoreError>;

    /// As `commit`, answering the new ETag of each write in order where the home knows it without asking again
    /// (`None` otherwise, and after a delete). The answer may be shorter than the commit.
    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        self.commit(commit).await.map(|()| Vec::new())
    }

    /// Whether a commit over several tables and partitions is made whole or not at all. Where it is not, an interruption may
    /// end it after any of its writes.
    fn commits_whole(&self) -> bool {
        false
    }

    /// The rows of all partitions together, by row key: the first `limit` of those at or after `from` and before `before`.
    /// `None`: this home keeps no such order (Azure has none), so each partition must be asked.
    async fn across(
        &self,
        _timeline: Timeline,
        _from: &str,
        _before: &str,
        _limit: usize,
    ) -> Result<Option<Vec<Entity>>, StoreError> {
        Ok(None)
    }

    /// Every entity of a query, page after page. For partitions that are small by design.
    async fn query_all(&self, table: Table, mut query: Query) -> Result<Vec<Entity>, StoreError> {
        let mut entities = Vec::new();
        loop {
            let page = self.query(table, query.clone()).await?;
            entities.extend(page.entities);
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(entities),
            }
        }
    }
}
