//! The user directory: table `Users`, PK `USER`, RK user id.
//!
//! Accounts were made here, or Entra ID vouches for them. Both may be on record, and only those of the directory in force
//! act: the local ones, or those of the one tenant that signs people in. Local service accounts act in either case.

mod entra;
mod rows;

pub use entra::EntraAccount;
pub(super) use rows::read;

use super::audit::AuditDraft;
use super::paging::{Scan, encode, page};
use super::{Actor, Interfered, Journal, Listing, check_version, if_readable, readable, retry, write_over};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::{AppRole, AppRoles, Permissions, Scope, UserId};
use rows::{describe, row};
use serde_json::{Value, json};
use uuid::Uuid;

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
    /// What a service account may be used for; `None` for a person.
    pub app_roles: Option<AppRoles>,
    /// The Entra tenant that vouches for it; `None` for an account that was made here.
    pub tenant_id: Option<Uuid>,
    /// When what is on record here of an account of Entra ID was so.
    pub described_at: Option<DateTime<Utc>>,
    /// Credentials issued until this instant are void: it was deactivated then.
    pub signed_out_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the user last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Its version.
    pub etag: Etag,
}

impl User {
    /// What of a grant can hold for the account: everything for a person, what its app roles allow for a service account.
    pub fn ceiling(&self) -> Permissions {
        self.app_roles.as_ref().map_or(Permissions::ALL, |roles| roles.scopes().ceiling())
    }

    /// Whether a credential that was issued at this instant is void.
    pub fn has_signed_out_since(&self, issued_at: DateTime<Utc>) -> bool {
        self.signed_out_at.is_some_and(|signed_out_at| issued_at <= signed_out_at)
    }
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUser {
    email: String,
    display_name: String,
    is_platform_admin: bool,
    is_auditor: bool,
    app_roles: Option<AppRoles>,
}

impl NewUser {
    /// A person.
    pub fn person(email: &str, display_name: &str, is_platform_admin: bool) -> Self {
        Self {
            email: email.to_owned(),
            display_name: display_name.to_owned(),
            is_platform_admin,
            is_auditor: false,
            app_roles: None,
        }
    }

    /// A service account: it has no address, and its name tells it from the others.
    pub fn service(name: &str, app_roles: AppRoles) -> Self {
        Self {
            email: String::new(),
            display_name: name.to_owned(),
            is_platform_admin: false,
            is_auditor: app_roles.has(AppRole::PlatformAuditor),
            app_roles: Some(app_roles),
        }
    }
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
    /// Other roles of a service account.
    pub app_roles: Option<AppRoles>,
}

/// Why a user was not written.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Another user has this address, letter case ignored.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// Another service account has this name, letter case ignored.
    #[error("another service account has this name")]
    NameTaken,
    /// People hold grants and flags, service accounts hold app roles.
    #[error("roles of people and of service accounts are different ones")]
    OtherKind,
    /// Nobody deactivates their own account.
    #[error("this is the account of whoever asks")]
    OwnAccount,
    /// No such user.
    #[error("no such user")]
    NotFound,
    /// The last active administrator cannot be deactivated or demoted.
    #[error("this is the last active administrator")]
    LastAdministrator,
    /// Entra ID says what is to be changed, or whether there is such an account at all.
    #[error("this comes from Entra ID")]
    OfEntra,
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
    tenant_id: Option<Uuid>,
}

impl Users {
    pub(super) fn new(journal: Journal, tenant_id: Option<Uuid>) -> Self {
        Self { journal, tenant_id }
    }

    /// The Entra tenant that signs people in; `None` where local accounts do.
    pub fn tenant_id(&self) -> Option<Uuid> {
        self.tenant_id
    }

    /// Whether an account may act at all now: it is active, and of the directory in force.
    pub fn may_act(&self, user: &User) -> bool {
        user.is_active && self.is_in_force(user)
    }

    fn is_in_force(&self, user: &User) -> bool {
        user.tenant_id == self.tenant_id || (user.tenant_id.is_none() && user.app_roles.is_some())
    }

    /// Adds a person, as [`Self::add`] does.
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
        self.add(NewUser::person(email, display_name, is_platform_admin), actor).await
    }

    /// Adds an account. That address or name is new is exact: the commit is guarded by the `Generation` row.
    ///
    /// # Errors
    /// [`UserError::EmailTaken`], [`UserError::NameTaken`]; then nothing was written.
    pub async fn add(&self, new: NewUser, actor: &Actor) -> Result<User, UserError> {
        let id = UserId::random();
        retry(async || {
            let seen = self.journal.generation.current().await?;
            let new = new.clone();
            if new.app_roles.is_some() {
                self.check_service_name(id, &new.display_name).await?;
            } else if self.is_taken("Email", &new.email, id).await? {
                return Err(UserError::EmailTaken);
            }
            let user = User {
                id,
                email: new.email,
                display_name: new.display_name,
                is_active: true,
                is_platform_admin: new.is_platform_admin,
                is_auditor: new.is_auditor,
                app_roles: new.app_roles,
                tenant_id: None,
                described_at: None,
                signed_out_at: None,
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

    /// The person of the directory in force with this address, letter case ignored.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let wanted = email.to_lowercase();
        let mut people =
            self.all().await?.into_iter().filter(|user| user.app_roles.is_none() && self.is_in_force(user));
        Ok(people.find(|user| user.email.to_lowercase() == wanted))
    }

    /// The service account that was made here with this name, letter case ignored.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_service(&self, name: &str) -> Result<Option<User>, StoreError> {
        let wanted = name.to_lowercase();
        let mut services =
            self.all().await?.into_iter().filter(|user| user.app_roles.is_some() && user.tenant_id.is_none());
        Ok(services.find(|user| user.display_name.to_lowercase() == wanted))
    }

    async fn check_service_name(&self, id: UserId, name: &str) -> Result<(), UserError> {
        if self.is_taken("DisplayName", name, id).await? { Err(UserError::NameTaken) } else { Ok(()) }
    }

    /// Whether another account that was made here, of the kind that this property tells apart, has this value, letter case
    /// ignored. What a row says of that counts, whatever else of it is damaged.
    async fn is_taken(&self, property: &str, wanted: &str, id: UserId) -> Result<bool, StoreError> {
        let (wanted, own) = (wanted.to_lowercase(), id.key());
        let of_services = property == "DisplayName";
        Ok(self.rows().await?.iter().any(|row| {
            row.row_key != own
                && !row.properties.contains_key("TenantId")
                && row.properties.contains_key("AppRoles") == of_services
                && row.text_opt(property).ok().flatten().is_some_and(|taken| taken.to_lowercase() == wanted)
        }))
    }

    /// In order of id, page by page; what is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(&self, cursor: Option<&str>, limit: usize) -> Result<Listing<User>, StoreError> {
        let read = |row: Entity| Ok(if_readable(Table::Users, &row, read(&row)));
        let query = Query::partition(PARTITION);
        page(self.journal.tables.as_ref(), Table::Users, query, cursor, limit, Scan::Unfiltered, read).await
    }

    /// As [`Self::list`], from this account on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_from(&self, first: Option<UserId>, limit: usize) -> Result<Listing<User>, StoreError> {
        self.list(first.map(|id| encode(&id.key())).as_deref(), limit).await
    }

    /// Active platform administrators of the directory in force, oldest account first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn administrators(&self) -> Result<Vec<User>, StoreError> {
        let mut users = self.all().await?;
        users.retain(|user| is_working_administrator(user) && self.is_in_force(user));
        users.sort_by_key(|user| (user.created_at, user.id));
        Ok(users)
    }

    /// Whether there is an active platform administrator of the directory in force, or an account of which nobody can tell.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn may_have_administrator(&self) -> Result<bool, StoreError> {
        let is = |user: User| is_working_administrator(&user) && self.is_in_force(&user);
        let may_be = |row: &Entity| read(row).map_or(true, is);
        Ok(self.rows().await?.iter().any(may_be))
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
                if before.app_roles.is_some() {
                    self.check_service_name(id, display_name).await?;
                }
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
            let flags = change.is_platform_admin.is_some() || change.is_auditor.is_some();
            if before.app_roles.is_some() && flags || before.app_roles.is_none() && change.app_roles.is_some() {
                return Err(UserError::OtherKind);
            }
            if let Some(app_roles) = &change.app_roles {
                after.is_auditor = app_roles.has(AppRole::PlatformAuditor);
                after.app_roles = Some(app_roles.clone());
            }
            if before.is_active && !after.is_active {
                // Sessions and tokens of before do not come back with the account.
                after.signed_out_at = Some(self.journal.clock.now());
            }
            if entra::decides(&before, &after) {
                return Err(UserError::OfEntra);
            }
            if after.is_platform_admin && after.is_auditor {
                return Err(UserError::TwoRoles);
            }
            if is_working_administrator(&before)
                && self.is_in_force(&before)
                && !is_working_administrator(&after)
                && !self.administrators().await?.iter().any(|other| other.id != id)
            {
                return Err(UserError::LastAdministrator);
            }
            if before.is_active && !after.is_active && actor.user == Some(id) {
                return Err(UserError::OwnAccount);
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

    /// Everybody whose row is readable, people and services. There are thousands, not millions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all(&self) -> Result<Vec<User>, StoreError> {
        Ok(readable(Table::Users, &self.rows().await?, read))
    }

    async fn rows(&self) -> Result<Vec<Entity>, StoreError> {
        self.journal.tables.query_all(Table::Users, Query::partition(PARTITION)).await
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
            // Where this is no transaction, nothing takes effect unrecorded.
            writes: vec![
                self.journal.audit.row(AuditDraft::new(Scope::Global, actor, action, id.key(), details)),
                (Table::Users, write_over(current, row(&user))),
                self.journal.generation.bump(),
            ],
            guards: vec![self.journal.generation.guard(seen)],
        };
        // A change may take something away.
        match self.journal.take_away(commit).await?.into_iter().nth(1).flatten() {
            Some(etag) => user.etag = etag,
            None => user = self.get(id).await?.ok_or(UserError::NotFound)?,
        }
        Ok(user)
    }
}

fn is_working_administrator(user: &User) -> bool {
    user.is_platform_admin && user.is_active
}
