//! From a credential to an active caller.

use crate::{TokenError, Tokens};
use msp_domain::{Caller, CallerKind, Clock, TokenScopes, UserId};
use msp_storage::{Repositories, StoreError, repositories::snapshot::Snapshot};
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

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid | TokenError::Expired => Self::Refused,
        }
    }
}

/// An active caller, and the version of everything at which this was so.
pub struct Authenticated {
    /// Who.
    pub caller: Caller,
    /// Good for the gate of the same request.
    pub snapshot: Arc<Snapshot>,
}

/// Turns credentials into callers; looks whether the user is active every time.
#[derive(Clone)]
pub struct Authenticator {
    repositories: Repositories,
    tokens: Tokens,
    directory_id: Uuid,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// Over these repositories, for the directory of this installation.
    pub fn new(repositories: Repositories, tokens: Tokens, directory_id: Uuid, clock: Arc<dyn Clock>) -> Self {
        Self { repositories, tokens, directory_id, clock }
    }

    /// The caller of a bearer token.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn bearer(&self, token: &str) -> Result<Authenticated, AuthError> {
        let identity = self.tokens.verify(token, self.clock.now())?;
        self.active(identity.user, identity.scopes, CallerKind::Token).await
    }

    /// The caller of a session cookie; carries all scopes.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn session(&self, cookie: &str) -> Result<Authenticated, AuthError> {
        let session = self.repositories.sessions.find(cookie).await?.ok_or(AuthError::Refused)?;
        self.active(session.user, TokenScopes::ALL, CallerKind::Session).await
    }

    async fn active(&self, id: UserId, scopes: TokenScopes, kind: CallerKind) -> Result<Authenticated, AuthError> {
        let snapshot = self.repositories.snapshots.current().await?;
        let user = snapshot.user(id).await?;
        let user = user.filter(|user| user.is_active).ok_or(AuthError::Refused)?;
        let caller = Caller {
            tid: self.directory_id,
            user: user.id,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
            is_platform_admin: user.is_platform_admin,
            is_auditor: user.is_auditor,
            scopes,
            kind,
        };
        Ok(Authenticated { caller, snapshot })
    }
}
