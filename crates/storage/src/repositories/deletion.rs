//! Deleting an organization with everything that belongs to it.
//!
//! First its row says that it is being deleted: from then on nobody gets into it, whatever rights they hold. Then rights
//! go, then secrets, then the rest, each in small commits with an audit row of its own, and the row of the organization
//! last. Interrupted anywhere, the organization stays unreachable and [`Repositories::finish_deletion`] goes on from
//! there. Its audit trail stays, and its id is never given again.

use super::audit::AuditDraft;
use super::executions::lookup::RESERVED_ROWS;
use super::integrations::credential_address;
use super::organizations::{Organization, OrganizationError, describe};
use super::{Actor, Repositories, clear_partition, retry};
use crate::{Etag, Query, SecretAddress, SecretNamespace, StoreError, Table};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, PauseTarget, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Executions counted at most: a page of the store.
pub const MAX_COUNTED: usize = 1_000;
/// What is left of an organization where its own things were removed one by one: rows nobody could read.
const OWN_PARTITIONS: [Table; 4] = [Table::OrgConfig, Table::IntegrationConfig, Table::Forms, Table::NotificationRules];

/// That an organization is being deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Who decided it.
    pub started_by: String,
    /// What it had then.
    pub belongings: Belongings,
}

/// What an organization has, and what goes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Belongings {
    /// Users who may do something in it.
    pub grants: usize,
    /// Secrets of workflows.
    pub secrets: usize,
    /// Integrations, with their credentials.
    pub integrations: usize,
    /// Config values of its own.
    pub config: usize,
    /// Forms of its own.
    pub forms: usize,
    /// Rules by which its failures are told, with their addresses.
    #[serde(default)]
    pub notification_rules: usize,
    /// Exports on a schedule, with the files they wrote.
    #[serde(default)]
    pub exports: usize,
    /// Failures that wait to be told.
    #[serde(default)]
    pub untold_failures: u64,
    /// Whether it has a limit of its own to how long executions are kept.
    #[serde(default)]
    pub has_retention_limit: bool,
    /// Whether it is paused: that ends with it.
    #[serde(default)]
    pub is_paused: bool,
    /// Files that were uploaded and wait for a submission.
    #[serde(default)]
    pub uploads: usize,
    /// Forms that were submitted with many rows, and these rows; counted to 1,000.
    #[serde(default)]
    pub batches: usize,
    /// Whether there are more batches than were counted.
    #[serde(default)]
    pub more_batches: bool,
    /// Executions with their logs, results, files and figures by day; counted to 1,000.
    pub executions: usize,
    /// Whether there are more executions than were counted.
    pub more_executions: bool,
}

/// What a deletion is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nobody holds a right in it any more.
    Grants,
    /// No secret or credential is left.
    Secrets,
    /// Neither are integrations, config, forms, rules of notifications, the limit of retention and pauses.
    Settings,
    /// Nor exports, executions, batches and uploads; only the organization's own row is left.
    Executions,
}

impl Repositories {
    /// What an organization has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn belongings(&self, org: OrgId) -> Result<Belongings, StoreError> {
        let (scope, tables, all) = (Scope::Org(org), &self.stores.tables, Query::partition(org.key()));
        // Rows are counted, readable or not: all of them go.
        let rows = async |table| Ok::<_, StoreError>(tables.query_all(table, all.clone()).await?.len());
        let executions = Query { row_before: Some(RESERVED_ROWS.to_owned()), ..all.clone() };
        let executions = tables.query(Table::WorkflowExecutions, executions.limit(MAX_COUNTED)).await?;
        let batches = tables.query(Table::Batches, all.clone().limit(MAX_COUNTED)).await?;
        Ok(Belongings {
            grants: rows(Table::OrgPermissions).await?,
            secrets: self.workflow_secrets.names(scope).await?.len(),
            integrations: self.integrations.count(org).await?,
            config: rows(Table::OrgConfig).await?,
            forms: rows(Table::Forms).await?,
            notification_rules: self.notification_rules.count(scope).await?,
            exports: self.exports.of(scope).await?.len(),
            untold_failures: self.notices.untold_of(scope).await?,
            has_retention_limit: self.retention.is_limited(scope).await?,
            is_paused: self.pauses.is_paused(&PauseTarget::Organization(org)).await?,
            uploads: self.files.count_uploads(org).await?,
            batches: batches.entities.len(),
            more_batches: batches.continuation.is_some(),
            executions: executions.entities.len(),
            more_executions: executions.continuation.is_some(),
        })
    }

    /// How much of an organization runs or waits to: executions, or batches if those are more. What is not readable is not
    /// among them: no engine begins it, or puts an end to it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn unended_of(&self, org: OrgId) -> Result<usize, StoreError> {
        let scope = Scope::Org(org);
        let of_batches = self.batches.open().await?.iter().filter(|batch| batch.scope == scope).count();
        Ok(self.executions.unended(Some(scope)).await?.len().max(of_batches))
    }

    /// Decides that an inactive organization is deleted: from now on it is closed for everybody. Deciding it again is no
    /// error, whatever version is meant.
    ///
    /// # Errors
    /// [`OrganizationError::Active`] and [`OrganizationError::Busy`] say what keeps it from being deleted;
    /// [`OrganizationError::NotFound`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn begin_deletion(
        &self,
        org: OrgId,
        if_match: &Etag,
        actor: &Actor,
    ) -> Result<Organization, OrganizationError> {
        let attempt = async || {
            // Executions are recorded under this version, and only for active organizations: none comes in behind this.
            let seen = self.generation.current().await?;
            let before = self.organizations.get(org).await?.ok_or(OrganizationError::NotFound)?;
            if before.deletion.is_some() {
                return Ok(Some(before));
            }
            if before.etag != *if_match {
                return Ok(None);
            }
            if before.is_active {
                return Err(OrganizationError::Active);
            }
            let unended = self.unended_of(org).await?;
            if unended > 0 {
                return Err(OrganizationError::Busy { unended });
            }
            let belongings = self.belongings(org).await?;
            let details = json!({ "before": describe(&before), "removes": belongings });
            let deletion = Deletion { started_at: self.clock.now(), started_by: actor.key(), belongings };
            let audit = [Scope::Global, Scope::Org(org)].map(|scope| {
                self.audit.row(AuditDraft::new(scope, actor, "Organization.Deleting", org.key(), details.clone()))
            });
            self.organizations.mark_deleting(before, deletion, seen, audit).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(OrganizationError::Store(StoreError::PreconditionFailed))
    }

    /// The organizations that are being deleted.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn deletions(&self) -> Result<Vec<Organization>, StoreError> {
        let mut all = self.organizations.all().await?;
        all.retain(|organization| organization.deletion.is_some());
        Ok(all)
    }

    /// Removes what is left of an organization that is being deleted, and tells `passed` what it is done with. An
    /// organization that is gone, or that is not being deleted, is left alone.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; calling it again goes on. What cannot be read goes with the rest.
    pub async fn finish_deletion(
        &self,
        org: OrgId,
        actor: &Actor,
        passed: &(dyn Fn(Part) + Send + Sync),
    ) -> Result<(), StoreError> {
        if self.organizations.get(org).await?.is_none_or(|organization| organization.deletion.is_none()) {
            return Ok(());
        }
        self.grants.revoke_all(org, actor).await?;
        passed(Part::Grants);
        self.remove_secrets(org, actor).await?;
        passed(Part::Secrets);
        self.remove_settings(org, actor).await?;
        passed(Part::Settings);
        self.exports.remove_all(Scope::Org(org), actor).await?;
        self.files.remove_uploads(Scope::Org(org), actor).await?;
        self.batches.remove_all(Scope::Org(org)).await?;
        self.executions.remove_all(Scope::Org(org)).await?;
        self.executions.forget_counted(Scope::Org(org)).await?;
        self.retention.forget(Scope::Org(org)).await?;
        passed(Part::Executions);
        self.organizations.drop_deleted(org, actor).await
    }

    async fn remove_secrets(&self, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        let (scope, secrets) = (Scope::Org(org), &self.stores.secrets);
        for name in self.workflow_secrets.names(scope).await? {
            unless_gone(self.workflow_secrets.delete(scope, &name, actor).await)?;
        }
        for name in secrets.names(SecretNamespace::Integration, scope).await? {
            secrets.delete(&credential_address(org, &name)).await?;
        }
        for name in secrets.names(SecretNamespace::Parameter, scope).await? {
            secrets.delete(&SecretAddress::new(SecretNamespace::Parameter, scope, name)).await?;
        }
        self.notification_rules.drop_all_addresses(scope).await
    }

    async fn remove_settings(&self, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        let scope = Scope::Org(org);
        for stored in self.integrations.list(org).await? {
            unless_gone(self.integrations.delete(org, &stored.integration_type, None, actor).await)?;
        }
        for stored in self.config.of_scope(scope).await? {
            unless_gone(self.config.delete(scope, &stored.entry.key, None, actor).await)?;
        }
        for form in self.forms.list(scope).await? {
            unless_gone(self.forms.delete((scope, form.id), None, actor).await)?;
        }
        for stored in self.notification_rules.list(scope).await? {
            unless_gone(self.notification_rules.delete((scope, stored.id), None, actor).await)?;
        }
        self.notices.forget_all(Some(scope)).await?;
        for table in OWN_PARTITIONS {
            clear_partition(self.stores.tables.as_ref(), table, org.key()).await?;
        }
        self.forms.forget(scope).await?;
        // The limit of retention goes at the end if it is not readable.
        unless_gone(self.retention.clear(scope, None, actor).await)?;
        let paused = PauseTarget::Organization(org);
        unless_gone(self.pauses.resume(&paused, actor).await.map(drop))?;
        self.pauses.forget(&paused).await
    }
}

/// Somebody else, or a call that was interrupted, has removed it; or it goes with what cannot be read.
fn unless_gone(removed: Result<(), StoreError>) -> Result<(), StoreError> {
    match removed {
        Err(StoreError::NotFound | StoreError::Corrupt(_)) => Ok(()),
        removed => removed,
    }
}
