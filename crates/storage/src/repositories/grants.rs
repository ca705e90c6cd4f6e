//! Grants, dual-indexed: `UserPermissions` (PK user, RK organization) decides, `OrgPermissions` mirrors it.

use super::audit::AuditDraft;
use super::{Actor, Journal};
use crate::{Commit, Entity, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Permissions, Scope, UserId};
use serde_json::json;

/// The rights of one user in one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub org: OrgId,
    /// Which.
    pub permissions: Permissions,
    /// Who granted them.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

/// The grants.
#[derive(Clone)]
pub struct Grants {
    journal: Journal,
}

impl Grants {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// What a user may do in an organization; [`Permissions::NONE`] without a grant.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn permissions(&self, user: UserId, org: OrgId) -> Result<Permissions, StoreError> {
        let row = self.journal.tables.get(Table::UserPermissions, &user.key(), &org.key()).await?;
        row.as_ref().map_or(Ok(Permissions::NONE), read_permissions)
    }

    /// Everything a user holds.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Grant>, StoreError> {
        let rows = self.journal.tables.query_all(Table::UserPermissions, Query::partition(user.key())).await?;
        rows.iter().map(|row| read(row, user, parse(&row.row_key, "organization")?)).collect()
    }

    /// Everyone who holds something in an organization.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn of_org(&self, org: OrgId) -> Result<Vec<Grant>, StoreError> {
        let rows = self.journal.tables.query_all(Table::OrgPermissions, Query::partition(org.key())).await?;
        rows.iter().map(|row| read(row, parse(&row.row_key, "user")?, org)).collect()
    }

    /// Sets exactly these rights. Writes the mirror first, the deciding row last, so an interrupted grant is listed
    /// but does not work yet.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn set(
        &self,
        user: UserId,
        org: OrgId,
        permissions: Permissions,
        actor: &Actor,
    ) -> Result<Grant, StoreError> {
        let before = self.permissions(user, org).await?;
        let grant = Grant { user, org, permissions, granted_by: actor.key(), granted_at: self.journal.clock.now() };
        let details = json!({ "user_id": user, "before": before, "after": permissions });
        let draft = AuditDraft::new(Scope::Org(org), actor, "Grant.Set", user.key(), details);
        let writes = vec![
            self.journal.audit.row(draft),
            (Table::OrgPermissions, Write::UpsertReplace(row(&grant, org.key(), user.key()))),
            (Table::UserPermissions, Write::UpsertReplace(row(&grant, user.key(), org.key()))),
            self.journal.generation.bump(),
        ];
        self.journal.tables.commit(Commit::of(writes)).await?;
        Ok(grant)
    }

    /// Takes everything away; the deciding row first. Revoking what is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn revoke(&self, user: UserId, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        super::retry(async || self.revoke_once(user, org, actor).await.map_err(as_interference)).await
    }

    async fn revoke_once(&self, user: UserId, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        let tables = &self.journal.tables;
        let (user_key, org_key) = (user.key(), org.key());
        let decides = tables.get(Table::UserPermissions, &user_key, &org_key).await?;
        let mirrors = tables.get(Table::OrgPermissions, &org_key, &user_key).await?;
        let mut writes = Vec::new();
        if let Some(row) = &decides {
            let details = json!({ "user_id": user, "before": read_permissions(row)? });
            let draft = AuditDraft::new(Scope::Org(org), actor, "Grant.Revoke", user_key.clone(), details);
            writes.push(self.journal.audit.row(draft));
            writes.push((Table::UserPermissions, Write::delete(user_key.clone(), org_key.clone(), IfMatch::Any)));
        }
        if mirrors.is_some() {
            writes.push((Table::OrgPermissions, Write::delete(org_key, user_key, IfMatch::Any)));
        }
        // Always, because an earlier call may have been interrupted right before it.
        writes.push(self.journal.generation.bump());
        tables.commit(Commit::of(writes)).await
    }
}

/// A row that vanished between reading and deleting it: somebody else revoked it, so look again.
fn as_interference(error: StoreError) -> StoreError {
    match error {
        StoreError::NotFound => StoreError::PreconditionFailed,
        other => other,
    }
}

fn row(grant: &Grant, partition_key: String, row_key: String) -> Entity {
    Entity::new(partition_key, row_key)
        .with("CanExecuteWorkflows", grant.permissions.execute_workflows)
        .with("CanManageConfig", grant.permissions.manage_config)
        .with("CanManageForms", grant.permissions.manage_forms)
        .with("CanViewHistory", grant.permissions.view_history)
        .with("GrantedBy", grant.granted_by.as_str())
        .with("GrantedAt", grant.granted_at)
}

pub(super) fn read_permissions(row: &Entity) -> Result<Permissions, StoreError> {
    Ok(Permissions {
        execute_workflows: row.flag("CanExecuteWorkflows")?,
        manage_config: row.flag("CanManageConfig")?,
        manage_forms: row.flag("CanManageForms")?,
        view_history: row.flag("CanViewHistory")?,
    })
}

fn read(row: &Entity, user: UserId, org: OrgId) -> Result<Grant, StoreError> {
    Ok(Grant {
        user,
        org,
        permissions: read_permissions(row)?,
        granted_by: row.text_opt("GrantedBy")?.unwrap_or_default().to_owned(),
        granted_at: row.instant("GrantedAt")?,
    })
}

fn parse<T: std::str::FromStr>(key: &str, kind: &str) -> Result<T, StoreError> {
    key.parse().map_err(|_| StoreError::Corrupt(format!("a grant names the {kind} `{key}`, which is no GUID")))
}
