//! Grants, dual-indexed: `UserPermissions` (PK user, RK organization) decides, `OrgPermissions` mirrors it.
//!
//! The order of the two writes fails closed where a home cannot make one transaction of them. What takes something away
//! begins with the row that decides; what only gives begins with the mirror. So an interruption never leaves a right that
//! was to go, and never one that nobody can see. The `Generation` row comes last: caches that were filled before it moved
//! are void, and whoever repeats an interrupted change moves it.

use super::audit::AuditDraft;
use super::paging::{Scan, page};
use super::{Actor, Journal, Listing, check_version, etag_of, forget_row, if_readable, readable, retry, write_over};
use crate::{Commit, Entity, Etag, Guard, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Utc};
use msp_domain::{Categories, OrgId, Permissions, Scope, UserId};
use serde_json::{Value, json};

/// What a grant gives, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantTerms {
    /// Which rights.
    pub permissions: Permissions,
    /// Which workflows `execute_workflows` is about.
    pub categories: Categories,
    /// From this instant on it gives nothing; `None`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

impl GrantTerms {
    /// Whether these terms allow everything, and for as long, as the others.
    pub fn cover(&self, other: &Self) -> bool {
        let lasts = match (self.expires_at, other.expires_at) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(this), Some(that)) => this >= that,
        };
        lasts && self.permissions.cover(&other.permissions) && self.categories.cover(&other.categories)
    }
}

impl From<Permissions> for GrantTerms {
    fn from(permissions: Permissions) -> Self {
        Self { permissions, ..Self::default() }
    }
}

/// The rights of one user in one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub org: OrgId,
    /// Which, and until when.
    pub terms: GrantTerms,
    /// Who granted them.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

impl Grant {
    /// Whether its time is over.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.terms.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// What it gives at this instant.
    pub fn permissions_at(&self, now: DateTime<Utc>) -> Permissions {
        if self.is_expired(now) { Permissions::NONE } else { self.terms.permissions }
    }
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

    /// The grant of a user in an organization and its version, also one whose time is over.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn get(&self, user: UserId, org: OrgId) -> Result<Option<(Grant, Etag)>, StoreError> {
        let row = self.journal.tables.get(Table::UserPermissions, &user.key(), &org.key()).await?;
        row.map(|row| Ok((read(&row, user, org)?, etag_of(&row)?))).transpose()
    }

    /// What a user may do in an organization now; [`Permissions::NONE`] without a grant.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn permissions(&self, user: UserId, org: OrgId) -> Result<Permissions, StoreError> {
        let now = self.journal.clock.now();
        Ok(self.get(user, org).await?.map_or(Permissions::NONE, |(grant, _)| grant.permissions_at(now)))
    }

    /// Everything a user holds, also what has expired. What is not readable gives nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Grant>, StoreError> {
        let rows = self.journal.tables.query_all(Table::UserPermissions, Query::partition(user.key())).await?;
        let read = |row: &Entity| read(row, user, parse(&row.row_key, "organization")?);
        Ok(readable(Table::UserPermissions, &rows, read))
    }

    /// As [`Self::of_user`], page by page in order of the organizations' ids.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list_of_user(
        &self,
        user: UserId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<Grant>, StoreError> {
        let read = |row: Entity| {
            let grant = parse(&row.row_key, "organization").and_then(|org| read(&row, user, org));
            Ok(if_readable(Table::UserPermissions, &row, grant))
        };
        let query = Query::partition(user.key());
        let tables = self.journal.tables.as_ref();
        page(tables, Table::UserPermissions, query, cursor, limit, Scan::Unfiltered, read).await
    }

    /// Everyone who holds something in an organization, also what has expired; what is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn of_org(&self, org: OrgId) -> Result<Vec<Grant>, StoreError> {
        let rows = self.journal.tables.query_all(Table::OrgPermissions, Query::partition(org.key())).await?;
        let read = |row: &Entity| read(row, parse(&row.row_key, "user")?, org);
        Ok(readable(Table::OrgPermissions, &rows, read))
    }

    /// Takes everything away that anybody holds in an organization, also what is listed and not readable.
    ///
    /// # Errors
    /// As for [`Self::revoke`].
    pub(super) async fn revoke_all(&self, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        let rows = self.journal.tables.query_all(Table::OrgPermissions, Query::partition(org.key())).await?;
        for row in rows {
            let revoked = match row.row_key.parse() {
                Ok(user) => self.revoke(user, org, actor).await,
                Err(_) => Err(StoreError::Corrupt(row.row_key.clone())),
            };
            match revoked {
                // A row that cannot be made out goes without a word of what it said.
                Err(StoreError::Corrupt(_)) => self.forget(&row).await?,
                revoked => revoked?,
            }
        }
        Ok(())
    }

    /// Removes a grant by what lists it; what decides goes first.
    async fn forget(&self, listed: &Entity) -> Result<(), StoreError> {
        let (tables, org, user) = (self.journal.tables.as_ref(), &listed.partition_key, &listed.row_key);
        forget_row(tables, Table::UserPermissions, user, org).await?;
        forget_row(tables, Table::OrgPermissions, org, user).await?;
        self.journal.tables.commit(Commit::of(vec![self.journal.generation.bump()])).await
    }

    /// Sets exactly these rights until they are revoked, whatever is there.
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
        self.change(user, org, &permissions.into(), None, actor).await.map(|(grant, _)| grant)
    }

    /// Sets exactly these rights and answers the grant with its new version.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Full`] or [`StoreError::Unavailable`],
    /// safe to repeat.
    pub async fn change(
        &self,
        user: UserId,
        org: OrgId,
        terms: &GrantTerms,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(Grant, Etag), StoreError> {
        let attempt = async || {
            let current = self.row(user, org).await?;
            let version = current.as_ref().map(etag_of).transpose()?;
            if check_version(version.as_ref(), if_match).is_err() {
                return Ok(None);
            }
            let guards = self.journal.open(Scope::Org(org)).await?;
            self.store((user, org), terms, current.as_ref(), guards, actor).await
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    /// Sets for `to` what `decide` makes of what `from` and `to` hold in an organization, in this order; decided anew when
    /// either changes meanwhile, so that nothing comes back that was revoked. What `decide` refuses is answered.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable; [`StoreError::Full`] or [`StoreError::Unavailable`], safe to repeat.
    pub async fn derive<R>(
        &self,
        (from, to): (UserId, UserId),
        org: OrgId,
        decide: impl Fn(Option<&Grant>, Option<&Grant>) -> Result<GrantTerms, R> + Sync,
        actor: &Actor,
    ) -> Result<Result<Grant, R>, StoreError> {
        let attempt = async || {
            let (source, own) = (self.row(from, org).await?, self.row(to, org).await?);
            let held = source.as_ref().map(|row| read(row, from, org)).transpose()?;
            let holds = own.as_ref().map(|row| read(row, to, org)).transpose()?;
            let terms = match decide(held.as_ref(), holds.as_ref()) {
                Ok(terms) => terms,
                Err(refused) => return Ok(Err(refused)),
            };
            let guard = Guard {
                table: Table::UserPermissions,
                partition_key: from.key(),
                row_key: org.key(),
                etag: source.as_ref().map(etag_of).transpose()?,
            };
            let mut guards = self.journal.open(Scope::Org(org)).await?;
            guards.push(guard);
            let stored = self.store((to, org), &terms, own.as_ref(), guards, actor).await?;
            stored.map(|(grant, _)| Ok(grant)).ok_or(StoreError::PreconditionFailed)
        };
        retry(attempt).await
    }

    async fn row(&self, user: UserId, org: OrgId) -> Result<Option<Entity>, StoreError> {
        self.journal.tables.get(Table::UserPermissions, &user.key(), &org.key()).await
    }

    /// Writes terms over the row that was read; `None` when somebody has taken the grant away right behind it.
    async fn store(
        &self,
        (user, org): (UserId, OrgId),
        terms: &GrantTerms,
        current: Option<&Entity>,
        guards: Vec<Guard>,
        actor: &Actor,
    ) -> Result<Option<(Grant, Etag)>, StoreError> {
        let version = current.map(etag_of).transpose()?;
        // One that is not readable gives nothing, and is set anew as if it had given everything.
        let before = current.map(|row| read_terms(row).ok());
        let granted_at = self.journal.clock.now();
        let grant = Grant { user, org, terms: terms.clone(), granted_by: actor.key(), granted_at };
        let details = json!({
            "user_id": user,
            "before": before.as_ref().map(described),
            "after": describe(terms),
        });
        let draft = AuditDraft::new(Scope::Org(org), actor, "Grant.Set", user.key(), details);
        let mirrors = (Table::OrgPermissions, Write::UpsertReplace(row(&grant, org.key(), user.key())));
        let decides = (Table::UserPermissions, write_over(version, row(&grant, user.key(), org.key())));
        // What takes one right away and gives another takes something away: that weighs more.
        let takes_away = before.is_some_and(|before| before.is_none_or(|before| !terms.cover(&before)));
        let (first, second) = if takes_away { (decides, mirrors) } else { (mirrors, decides) };
        let writes = vec![self.journal.audit.row(draft), first, second, self.journal.generation.bump()];
        let commit = Commit { writes, guards };
        let etags = if takes_away {
            self.journal.take_away(commit).await
        } else {
            self.journal.tables.commit_etags(commit).await
        };
        let etags = etags.map_err(as_interference)?;
        let written = etags.into_iter().nth(if takes_away { 1 } else { 2 }).flatten();
        Ok(match written {
            Some(etag) => Some((grant, etag)),
            None => self.get(user, org).await?,
        })
    }

    /// Takes everything away; the deciding row first. Revoking what is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn revoke(&self, user: UserId, org: OrgId, actor: &Actor) -> Result<(), StoreError> {
        self.revoke_if(user, org, None, actor).await
    }

    /// As [`Self::revoke`], if the grant still has the version that is meant.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; otherwise as for [`Self::revoke`].
    pub async fn revoke_if(
        &self,
        user: UserId,
        org: OrgId,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let attempt = async || {
            let tables = &self.journal.tables;
            let decides = tables.get(Table::UserPermissions, &user.key(), &org.key()).await?;
            let version = decides.as_ref().map(etag_of).transpose()?;
            if check_version(version.as_ref(), if_match).is_err() {
                return Ok(None);
            }
            let writes = self.revocation(user, org, decides.as_ref(), actor).await?;
            self.journal.take_away(Commit::of(writes)).await.map(|_| Some(())).map_err(as_interference)
        };
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    async fn revocation(
        &self,
        user: UserId,
        org: OrgId,
        decides: Option<&Entity>,
        actor: &Actor,
    ) -> Result<Vec<TableWrite>, StoreError> {
        let (user_key, org_key) = (user.key(), org.key());
        let mirrors = self.journal.tables.get(Table::OrgPermissions, &org_key, &user_key).await?;
        let mut writes = Vec::new();
        if let Some(row) = decides {
            let details = json!({ "user_id": user, "before": described(&read_terms(row).ok()) });
            let draft = AuditDraft::new(Scope::Org(org), actor, "Grant.Revoke", user_key.clone(), details);
            writes.push(self.journal.audit.row(draft));
            let as_read = IfMatch::Etag(etag_of(row)?);
            writes.push((Table::UserPermissions, Write::delete(user_key.clone(), org_key.clone(), as_read)));
        }
        if mirrors.is_some() {
            writes.push((Table::OrgPermissions, Write::delete(org_key, user_key, IfMatch::Any)));
        }
        // Always, because an earlier call may have been interrupted right before it.
        writes.push(self.journal.generation.bump());
        Ok(writes)
    }
}

/// A row that vanished between reading and deleting it: somebody else revoked it, so look again.
fn as_interference(error: StoreError) -> StoreError {
    match error {
        StoreError::NotFound => StoreError::PreconditionFailed,
        other => other,
    }
}

/// Terms that were there, or that they were not readable.
fn described(before: &Option<GrantTerms>) -> Value {
    before.as_ref().map_or_else(|| json!("not readable"), describe)
}

/// Terms as the audit trail shows them.
fn describe(terms: &GrantTerms) -> Value {
    let GrantTerms { permissions, categories, expires_at } = terms;
    let mut described = json!(permissions);
    if let Some(names) = categories.names() {
        described["categories"] = json!(names);
    }
    if let Some(expires_at) = expires_at {
        described["expires_at"] = json!(expires_at);
    }
    described
}

fn row(grant: &Grant, partition_key: String, row_key: String) -> Entity {
    let GrantTerms { permissions, categories, expires_at } = &grant.terms;
    Entity::new(partition_key, row_key)
        .with("CanExecuteWorkflows", permissions.execute_workflows)
        .with("CanManageConfig", permissions.manage_config)
        .with("CanManageForms", permissions.manage_forms)
        .with("CanViewHistory", permissions.view_history)
        .with_some("Categories", categories.names().map(|names| json!(names).to_string()))
        .with_some("ExpiresAt", *expires_at)
        .with("GrantedBy", grant.granted_by.as_str())
        .with("GrantedAt", grant.granted_at)
}

/// A row whose terms cannot be read in full gives nothing: it is an error.
pub(super) fn read_terms(row: &Entity) -> Result<GrantTerms, StoreError> {
    let categories = match row.text_opt("Categories")? {
        None => Categories::Every,
        Some(text) => serde_json::from_str(text)
            .map(Categories::Only)
            .map_err(|_| StoreError::Corrupt("the categories of a grant".to_owned()))?,
    };
    Ok(GrantTerms {
        permissions: Permissions {
            execute_workflows: row.flag("CanExecuteWorkflows")?,
            manage_config: row.flag("CanManageConfig")?,
            manage_forms: row.flag("CanManageForms")?,
            view_history: row.flag("CanViewHistory")?,
        },
        categories,
        expires_at: row.instant_opt("ExpiresAt")?,
    })
}

fn read(row: &Entity, user: UserId, org: OrgId) -> Result<Grant, StoreError> {
    Ok(Grant {
        user,
        org,
        terms: read_terms(row)?,
        granted_by: row.text_opt("GrantedBy")?.unwrap_or_default().to_owned(),
        granted_at: row.instant("GrantedAt")?,
    })
}

fn parse<T: std::str::FromStr>(key: &str, kind: &str) -> Result<T, StoreError> {
    key.parse().map_err(|_| StoreError::Corrupt(format!("a grant names the {kind} `{key}`, which is no GUID")))
}
