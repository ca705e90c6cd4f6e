//! The user directory: table `Users`, PK `USER`, RK user id.

use super::{Actor, Listing};
use crate::{Etag, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::UserId;

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
    /// The store failed, or the version was stale.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The users.
#[derive(Clone)]
pub struct Users {}

impl Users {
    /// Adds a user.
    pub async fn create(
        &self,
        email: &str,
        display_name: &str,
        is_platform_admin: bool,
        actor: &Actor,
    ) -> Result<User, UserError> {
        let _ = (email, display_name, is_platform_admin, actor);
        todo!("storage")
    }

    /// The user with this id.
    pub async fn get(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let _ = id;
        todo!("storage")
    }

    /// The user with this address, letter case ignored.
    pub async fn find_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let _ = email;
        todo!("storage")
    }

    /// In order of id, page by page.
    pub async fn list(&self, cursor: Option<&str>, limit: usize) -> Result<Listing<User>, StoreError> {
        let _ = (cursor, limit);
        todo!("storage")
    }

    /// Active platform administrators, oldest account first.
    pub async fn administrators(&self) -> Result<Vec<User>, StoreError> {
        todo!("storage")
    }

    /// Changes a user.
    pub async fn update(
        &self,
        id: UserId,
        change: &UserChange,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<User, UserError> {
        let _ = (id, change, if_match, actor);
        todo!("storage")
    }

    /// Notes a sign-in. Does not bump the generation: nothing a decision rests on has changed.
    pub async fn signed_in(&self, id: UserId, actor: &Actor) -> Result<(), StoreError> {
        let _ = (id, actor);
        todo!("storage")
    }
}
