//! From a credential to an active caller.

use crate::Tokens;
use msp_domain::{Caller, Clock};
use msp_storage::{Repositories, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// Why a credential is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Invalid, expired, revoked, or its user is inactive or gone.
    #[error("the credential is not valid")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Turns credentials into callers; looks at the user's row every time.
#[derive(Clone)]
pub struct Authenticator {}

impl Authenticator {
    /// Over these repositories, for the directory of this installation.
    pub fn new(repositories: Repositories, tokens: Tokens, directory_id: Uuid, clock: Arc<dyn Clock>) -> Self {
        let _ = (repositories, tokens, directory_id, clock);
        todo!("auth")
    }

    /// The caller of a bearer token.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn bearer(&self, token: &str) -> Result<Caller, AuthError> {
        let _ = token;
        todo!("auth")
    }

    /// The caller of a session cookie; carries all scopes.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn session(&self, cookie: &str) -> Result<Caller, AuthError> {
        let _ = cookie;
        todo!("auth")
    }
}
