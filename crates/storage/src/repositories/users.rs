//! The user directory: table `Users`, PK `USER`, RK user id.

use super::audit::AuditDraft;
use super::paging::{Scan, page};
use super::{Actor, Interfered, Journal, Listing, check_version, etag_of, retry, write_over};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::{Scope, UserId};
use serde_json::{Value, json};

const PARTITION: &str = "USER";

/// A person who may sign in, or a service account.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The `oid`.
    pub id: UserId,
    /// For display and for finding; never for decisions.
    pub email: String,
    /// For display.
    pub display_name: String,
    /// An inactive user is refused at the next request.
    pub is_active: bool,
    /// Holds every right everywhere (`IsPlatformAdmin`).
    pub is_platform_admin: bool,
    /// Reads everything everywhere but secrets, and does nothing else (`IsAuditor`).
    pub is_auditor: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the user last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Its version.
    pub etag: Etag,
}

/// A change; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserChange {
    /// A new display name.
    pub display_name: Option<String>,
    /// Activate or deactivate.
    pub is_active: Option<bool>,
    /// Make or unmake a platform administrator.
    pub is_platform_admin: Option<bool>,
    /// Make or unmake an auditor.
    pub is_auditor: Option<bool>,
}

/// Why a user was not written.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Another user has this address, letter case ignored.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// No such user.
    #[error("no such user")]
    NotFound,
    /// The last active administrator cannot be deactivated or demoted.
    #[error("this is the last active administrator")]
    LastAdministrator,
    /// An auditor only reads; an administrator does everything.
    #[error("nobody is administrator and auditor at once")]
    TwoRoles,
    /// The store failed, or the version was stale.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Interfered for UserError {
    fn interfered(&self) -> bool {
        matches!(self, Self::Store(error) if error.interfered())
    }
}

/// The users.
#[derive(Clone)]
pub struct Users {
    journal: Journal,
}

impl Users {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Adds a user. That the address is new is exact: the commit is guarded by the `Generation` row.
    ///
    /// # Errors
    /// [`UserError::EmailTaken`]; then nothing was written.
    pub async fn create(
        &self,
        email: &str,
        display_name: &str,
        is_platform_admin: bool,
        actor: &Actor,
    ) -> Result<User, UserError> {
        let id = UserId::random();
        retry(async || {
            let seen = self.journal.generation.current().await?;
            if self.find_by_email(email).await?.is_some() {
                return Err(UserError::EmailTaken);
            }
            let user = User {
                id,
                email: email.to_owned(),
                display_name: display_name.to_owned(),
                is_active: true,
                is_platform_admin,
                is_auditor: false,
                created_at: self.journal.clock.now(),
                last_login_at: None,
                etag: Etag(String::new()),
            };
            let details = json!({ "after": describe(&user) });
            self.store(user, None, seen, actor, "User.Create", details).await
        })
        .await
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn get(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.journal.tables.get(Table::Users, PARTITION, &id.key()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The user with this address, letter case ignored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn find_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let wanted = email.to_lowercase();
        Ok(self.all().await?.into_iter().find(|user| user.email.to_lowercase() == wanted))
    }

    /// In order of id, page by page.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(&self, cursor: Option<&str>, limit: usize) -> Result<Listing<User>, StoreError> {
        let read = |row: Entity| read(&row).map(Some);
        let query = Query::partition(PARTITION);
        page(self.journal.tables.as_ref(), Table::Users, query, cursor, limit, Scan::Unfiltered, read).await
    }

    /// Active platform administrators, oldest account first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn administrators(&self) -> Result<Vec<User>, StoreError> {
        let mut users = self.all().await?;
        users.retain(is_working_administrator);
        users.sort_by_key(|user| (user.created_at, user.id));
        Ok(users)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`UserError::LastAdministrator`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn update(
        &self,
        id: UserId,
        change: &UserChange,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<User, UserError> {
        let attempt = async || {
            let seen = self.journal.generation.current().await?;
            let before = self.get(id).await?.ok_or(UserError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let mut after = before.clone();
            if let Some(display_name) = &change.display_name {
                after.display_name.clone_from(display_name);
            }
            if let Some(is_active) = change.is_active {
                after.is_active = is_active;
            }
            if let Some(is_platform_admin) = change.is_platform_admin {
                after.is_platform_admin = is_platform_admin;
            }
            if let Some(is_auditor) = change.is_auditor {
                after.is_auditor = is_auditor;
            }
            if after.is_platform_admin && after.is_auditor {
                return Err(UserError::TwoRoles);
            }
            if is_working_administrator(&before)
                && !is_working_administrator(&after)
                && !self.administrators().await?.iter().any(|other| other.id != id)
            {
                return Err(UserError::LastAdministrator);
            }
            let details = json!({ "before": describe(&before), "after": describe(&after) });
            self.store(after, Some(before.etag), seen, actor, "User.Update", details).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(UserError::Store(StoreError::PreconditionFailed))
    }

    /// Notes a sign-in. Does not bump the generation: nothing a decision rests on has changed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such user.
    pub async fn signed_in(&self, id: UserId, actor: &Actor) -> Result<(), StoreError> {
        let seen = Entity::new(PARTITION, id.key()).with("LastLogin", self.journal.clock.now());
        let draft = AuditDraft::new(Scope::Global, actor, "User.SignIn", id.key(), json!({}));
        let writes = vec![(Table::Users, Write::Merge(seen, IfMatch::Any)), self.journal.audit.row(draft)];
        self.journal.tables.commit(Commit::of(writes)).await
    }

    pub(super) async fn all(&self) -> Result<Vec<User>, StoreError> {
        let rows = self.journal.tables.query_all(Table::Users, Query::partition(PARTITION)).await?;
        rows.iter().map(read).collect()
    }

    async fn store(
        &self,
        mut user: User,
        current: Option<Etag>,
        seen: Option<Etag>,
        actor: &Actor,
        action: &str,
        details: Value,
    ) -> Result<User, UserError> {
        let id = user.id;
        let commit = Commit {
            writes: vec![
                (Table::Users, write_over(current, row(&user))),
                self.journal.audit.row(AuditDraft::new(Scope::Global, actor, action, id.key(), details)),
                self.journal.generation.bump(),
            ],
            guards: vec![self.journal.generation.guard(seen)],
        };
        match self.journal.tables.commit_etags(commit).await?.into_iter().next().flatten() {
            Some(etag) => user.etag = etag,
            None => user = self.get(id).await?.ok_or(UserError::NotFound)?,
        }
        Ok(user)
    }
}

fn is_working_administrator(user: &User) -> bool {
    user.is_platform_admin && user.is_active
}

fn describe(user: &User) -> Value {
    let User { email, display_name, is_active, is_platform_admin, is_auditor, .. } = user;
    json!({
        "email": email,
        "display_name": display_name,
        "is_active": is_active,
        "is_platform_admin": is_platform_admin,
        "is_auditor": is_auditor,
    })
}

fn row(user: &User) -> Entity {
    Entity::new(PARTITION, user.id.key())
        .with("Email", user.email.as_str())
        .with("DisplayName", user.display_name.as_str())
        .with("IsActive", user.is_active)
        .with("IsPlatformAdmin", user.is_platform_admin)
        .with("IsAuditor", user.is_auditor)
        .with_some("LastLogin", user.last_login_at)
        .with("CreatedAt", user.created_at)
}

fn read(row: &Entity) -> Result<User, StoreError> {
    Ok(User {
        id: row.row_key.parse().map_err(|_| StoreError::Corrupt(format!("user {} has no GUID", row.row_key)))?,
        email: row.text("Email")?.to_owned(),
        display_name: row.text_opt("DisplayName")?.unwrap_or_default().to_owned(),
        is_active: row.flag("IsActive")?,
        is_platform_admin: row.flag("IsPlatformAdmin")?,
        is_auditor: row.flag("IsAuditor")?,
        created_at: row.instant("CreatedAt")?,
        last_login_at: row.instant_opt("LastLogin")?,
        etag: etag_of(row)?,
    })
}
