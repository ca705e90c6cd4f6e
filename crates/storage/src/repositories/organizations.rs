//! Client organizations: table `Organizations`, PK `ORG`, RK organization id.

mod rows;

pub(super) use rows::{describe, open, read};

use super::audit::AuditDraft;
use super::deletion::Deletion;
use super::integrations::{self, TENANT_BOUND, credential_address};
use super::paging::{Scan, page};
use super::{Actor, Interfered, Journal, Listing, check_version, if_readable, readable, retry, write_over};
use crate::{
    Commit, Entity, Etag, IfMatch, Query, SecretChange, SecretNamespace, SecretStore, StoreError, Table, TableWrite,
    Write,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use msp_domain::{OrgId, Scope, Tags};
use rows::row;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

const PARTITION: &str = "ORG";

/// A client organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its unique name.
    pub name: String,
    /// Its Microsoft Entra tenant.
    pub tenant_id: Option<Uuid>,
    /// Where its working day begins and ends.
    pub time_zone: Option<Tz>,
    /// What groups it with others.
    pub tags: Tags,
    /// Nothing runs for an inactive organization.
    pub is_active: bool,
    /// That it is being deleted: nobody gets into it any more.
    pub deletion: Option<Deletion>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who created it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its version.
    pub etag: Etag,
}

impl Organization {
    /// What lists are sorted by: the name, letter case ignored.
    pub fn place_in_lists(&self) -> (String, OrgId) {
        (self.name.to_lowercase(), self.id)
    }
}

/// An organization to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrganization {
    /// Its unique name.
    pub name: String,
    /// Its Microsoft Entra tenant.
    pub tenant_id: Option<Uuid>,
    /// Where its working day begins and ends.
    pub time_zone: Option<Tz>,
    /// What groups it with others.
    pub tags: Tags,
    /// Nothing runs for an inactive organization.
    pub is_active: bool,
}

impl NewOrganization {
    /// An active organization of which nothing but the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), tenant_id: None, time_zone: None, tags: Tags::default(), is_active: true }
    }
}

/// A change; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrganizationChange {
    /// A new name.
    pub name: Option<String>,
    /// A new tenant; `Some(None)` unlinks it.
    pub tenant_id: Option<Option<Uuid>>,
    /// A new time zone; `Some(None)` forgets it.
    pub time_zone: Option<Option<Tz>>,
    /// New tags in place of all others.
    pub tags: Option<Tags>,
    /// Activate or deactivate.
    pub is_active: Option<bool>,
}

/// Why an organization was not written.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationError {
    /// Another organization has this name, letter case ignored.
    #[error("another organization is called that: {by}")]
    NameTaken {
        /// Which.
        by: OrgId,
    },
    /// Another organization is linked to this tenant.
    #[error("another organization is linked to this tenant: `{name}` ({by})")]
    TenantTaken {
        /// Which.
        by: OrgId,
        /// What it is called.
        name: String,
    },
    /// It is being deleted.
    #[error("the organization is being deleted")]
    BeingDeleted,
    /// It is active, and only what nobody uses is deleted.
    #[error("the organization is active")]
    Active,
    /// Executions of it have not ended.
    #[error("{unended} executions of the organization have not ended")]
    Busy {
        /// How many.
        unended: usize,
    },
    /// No such organization.
    #[error("no such organization")]
    NotFound,
    /// The store failed, or the version was stale.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Interfered for OrganizationError {
    fn interfered(&self) -> bool {
        matches!(self, Self::Store(error) if error.interfered())
    }
}

/// The organizations.
#[derive(Clone)]
pub struct Organizations {
    journal: Journal,
    secrets: Arc<dyn SecretStore>,
}

impl Organizations {
    pub(super) fn new(journal: Journal, secrets: Arc<dyn SecretStore>) -> Self {
        Self { journal, secrets }
    }

    /// Adds an organization. Uniqueness is exact: the commit is guarded by the `Generation` row.
    ///
    /// # Errors
    /// [`OrganizationError::NameTaken`] or [`OrganizationError::TenantTaken`]; then nothing was written.
    pub async fn create(&self, new: NewOrganization, actor: &Actor) -> Result<Organization, OrganizationError> {
        let id = OrgId::random();
        retry(async || {
            let seen = self.journal.generation.current().await?;
            self.check_unique(id, &new.name, new.tenant_id).await?;
            let organization = Organization { id, ..self.draft(new.clone(), actor) };
            let details = json!({ "after": describe(&organization) });
            self.store(organization, (None, seen), actor, "Organization.Create", details, Vec::new()).await
        })
        .await
    }

    /// An organization as it would be added, with an id of its own.
    pub fn draft(&self, new: NewOrganization, actor: &Actor) -> Organization {
        let now = self.journal.clock.now();
        let NewOrganization { name, tenant_id, time_zone, tags, is_active } = new;
        Organization {
            id: OrgId::random(),
            name,
            tenant_id,
            time_zone,
            tags,
            is_active,
            deletion: None,
            created_at: now,
            created_by: actor.key(),
            updated_at: now,
            etag: Etag(String::new()),
        }
    }

    /// What writing an organization over `before` writes, for a commit that holds more, guards the generation and moves
    /// it; and the credentials of an old tenant, which go with it or before it.
    pub(super) async fn prepare(
        &self,
        before: Option<&Organization>,
        after: &Organization,
        actor: &Actor,
    ) -> Result<(Vec<TableWrite>, Vec<SecretChange>), OrganizationError> {
        self.check_unique(after.id, &after.name, after.tenant_id).await?;
        let Some(before) = before else {
            let details = json!({ "after": describe(after) });
            return Ok((self.writes(after, None, actor, "Organization.Create", details), Vec::new()));
        };
        let left = self.leave_tenant(before, after, &self.tenant_bound_credentials(after.id).await?).await?;
        let after = Organization { updated_at: self.journal.clock.now(), ..after.clone() };
        let details = left.described(before, &after);
        let mut writes = self.writes(&after, Some(before.etag.clone()), actor, "Organization.Update", details);
        writes.extend(left.writes);
        let void = left.credentials.iter().map(|integration| {
            let address = credential_address(after.id, integration);
            SecretChange { address, seen: None, value: None }
        });
        Ok((writes, void.collect()))
    }

    /// The integrations with a credential that belongs to the tenant of an organization.
    async fn tenant_bound_credentials(&self, id: OrgId) -> Result<Vec<&'static str>, StoreError> {
        let held = self.secrets.names(SecretNamespace::Integration, Scope::Org(id)).await?;
        Ok(TENANT_BOUND.into_iter().filter(|integration| held.iter().any(|name| name == integration)).collect())
    }

    /// What goes when an organization leaves a tenant: the credentials of that one, of those there were (`held`), and what was
    /// found out about integrations there, which says nothing of where the organization is now.
    async fn leave_tenant(
        &self,
        before: &Organization,
        after: &Organization,
        held: &[&'static str],
    ) -> Result<LeftTenant, StoreError> {
        let mut left = LeftTenant::default();
        if before.tenant_id == after.tenant_id {
            return Ok(left);
        }
        for integration in TENANT_BOUND {
            left.writes.extend(integrations::forget_check(self.journal.tables.as_ref(), after.id, integration).await?);
        }
        if before.tenant_id.is_some() {
            left.credentials = held.to_vec();
        }
        Ok(left)
    }

    fn writes(
        &self,
        organization: &Organization,
        current: Option<Etag>,
        actor: &Actor,
        action: &str,
        details: Value,
    ) -> Vec<TableWrite> {
        let draft = AuditDraft::new(Scope::Org(organization.id), actor, action, organization.id.key(), details);
        // Where this is no transaction, nothing takes effect unrecorded.
        vec![self.journal.audit.row(draft), (Table::Organizations, write_over(current, row(organization)))]
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, id: OrgId) -> Result<Option<Organization>, StoreError> {
        let row = self.journal.tables.get(Table::Organizations, PARTITION, &id.key()).await?;
        row.as_ref().map(read).transpose()
    }

    /// In order of id, page by page; what is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(&self, cursor: Option<&str>, limit: usize) -> Result<Listing<Organization>, StoreError> {
        let read = |row: Entity| Ok(if_readable(Table::Organizations, &row, read(&row)));
        let query = Query::partition(PARTITION);
        page(self.journal.tables.as_ref(), Table::Organizations, query, cursor, limit, Scan::Unfiltered, read).await
    }

    /// Every organization that is readable, sorted by name. There are hundreds, not millions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all(&self) -> Result<Vec<Organization>, StoreError> {
        let mut all = readable(Table::Organizations, &self.rows().await?, read);
        all.sort_by_cached_key(Organization::place_in_lists);
        Ok(all)
    }

    /// The id of every organization, also of one whose row says nothing else that is readable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ids(&self) -> Result<Vec<OrgId>, StoreError> {
        Ok(self.rows().await?.iter().filter_map(|row| row.row_key.parse().ok()).collect())
    }

    async fn rows(&self) -> Result<Vec<Entity>, StoreError> {
        self.journal.tables.query_all(Table::Organizations, Query::partition(PARTITION)).await
    }

    /// Changes an organization; `if_match` of `None` takes whatever version is there. Moving it from one tenant to
    /// another, or unlinking it, first removes the credentials that belong to the old tenant.
    ///
    /// # Errors
    /// As for `create`; [`OrganizationError::BeingDeleted`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn update(
        &self,
        id: OrgId,
        change: &OrganizationChange,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<Organization, OrganizationError> {
        // Before the first attempt, because it removes them: a later one names them all the same.
        let held = if change.tenant_id.is_some() { self.tenant_bound_credentials(id).await? } else { Vec::new() };
        let attempt = async || {
            let seen = self.journal.generation.current().await?;
            let before = self.get(id).await?.ok_or(OrganizationError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            if before.deletion.is_some() {
                return Err(OrganizationError::BeingDeleted);
            }
            let mut after = before.clone();
            if let Some(name) = &change.name {
                after.name.clone_from(name);
            }
            if let Some(tenant_id) = change.tenant_id {
                after.tenant_id = tenant_id;
            }
            if let Some(time_zone) = change.time_zone {
                after.time_zone = time_zone;
            }
            if let Some(tags) = &change.tags {
                after.tags.clone_from(tags);
            }
            if let Some(is_active) = change.is_active {
                after.is_active = is_active;
            }
            self.check_unique(id, &after.name, after.tenant_id).await?;
            after.updated_at = self.journal.clock.now();
            let left = self.leave_tenant(&before, &after, &held).await?;
            for integration in &left.credentials {
                self.secrets.delete(&credential_address(id, integration)).await?;
            }
            let details = left.described(&before, &after);
            let current = Some(before.etag);
            self.store(after, (current, seen), actor, "Organization.Update", details, left.writes).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(OrganizationError::Store(StoreError::PreconditionFailed))
    }

    /// Says in the organization's row that it is being deleted.
    pub(super) async fn mark_deleting(
        &self,
        before: Organization,
        deletion: Deletion,
        seen: Option<Etag>,
        audit: [TableWrite; 2],
    ) -> Result<Organization, OrganizationError> {
        let id = before.id;
        let marked = row(&Organization { deletion: Some(deletion), ..before.clone() });
        let mut writes = Vec::from(audit);
        writes.push((Table::Organizations, write_over(Some(before.etag), marked)));
        writes.push(self.journal.generation.bump());
        let guards = vec![self.journal.generation.guard(seen)];
        self.journal.take_away(Commit { writes, guards }).await?;
        self.get(id).await?.ok_or(OrganizationError::NotFound)
    }

    /// Removes the row of an organization that has nothing left: it is deleted.
    pub(super) async fn drop_deleted(&self, id: OrgId, actor: &Actor) -> Result<(), StoreError> {
        retry(async || {
            let Some(organization) = self.get(id).await? else { return Ok(()) };
            let Some(deletion) = &organization.deletion else { return Ok(()) };
            let details = json!({
                "before": describe(&organization),
                "removed": deletion.belongings,
                "started_by": deletion.started_by,
                "started_at": deletion.started_at,
            });
            let record = |scope| {
                let draft = AuditDraft::new(scope, actor, "Organization.Delete", id.key(), details.clone());
                self.journal.audit.row(draft)
            };
            let delete = Write::delete(PARTITION, id.key(), IfMatch::Etag(organization.etag));
            let writes = vec![
                record(Scope::Global),
                record(Scope::Org(id)),
                (Table::Organizations, delete),
                self.journal.generation.bump(),
            ];
            match self.journal.tables.commit(Commit::of(writes)).await {
                // Somebody else was at it: the next look finds nothing.
                Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
                outcome => outcome,
            }
        })
        .await
    }

    async fn check_unique(&self, id: OrgId, name: &str, tenant_id: Option<Uuid>) -> Result<(), OrganizationError> {
        let wanted = name.to_lowercase();
        for row in self.rows().await? {
            // What a row says of these counts, whatever else of it is damaged.
            let Some(by) = row.row_key.parse().ok().filter(|by| *by != id) else { continue };
            let taken = row.text_opt("Name").ok().flatten().unwrap_or_default();
            if taken.to_lowercase() == wanted {
                return Err(OrganizationError::NameTaken { by });
            }
            if tenant_id.is_some() && row.guid_opt("TenantId").ok().flatten() == tenant_id {
                return Err(OrganizationError::TenantTaken { by, name: taken.to_owned() });
            }
        }
        Ok(())
    }

    async fn store(
        &self,
        mut organization: Organization,
        (current, seen): (Option<Etag>, Option<Etag>),
        actor: &Actor,
        action: &str,
        details: Value,
        besides: Vec<TableWrite>,
    ) -> Result<Organization, OrganizationError> {
        let id = organization.id;
        let mut writes = self.writes(&organization, current, actor, action, details);
        writes.extend(besides);
        writes.push(self.journal.generation.bump());
        let guards = vec![self.journal.generation.guard(seen)];
        let etags = self.journal.take_away(Commit { writes, guards }).await.map_err(|error| match error {
            // Something that was to go with it went meanwhile.
            StoreError::NotFound => StoreError::PreconditionFailed,
            error => error,
        })?;
        match etags.into_iter().nth(1).flatten() {
            Some(etag) => organization.etag = etag,
            None => organization = self.get(id).await?.ok_or(OrganizationError::NotFound)?,
        }
        Ok(organization)
    }
}

/// What goes when an organization leaves a tenant.
#[derive(Default)]
struct LeftTenant {
    /// The integrations whose credential goes, before the commit.
    credentials: Vec<&'static str>,
    /// What the commit removes.
    writes: Vec<TableWrite>,
}

impl LeftTenant {
    /// What the audit trail says of the change.
    fn described(&self, before: &Organization, after: &Organization) -> Value {
        let mut details = json!({ "before": describe(before), "after": describe(after) });
        if !self.credentials.is_empty() {
            details["dropped_credentials"] = json!(self.credentials);
        }
        details
    }
}
