//! From a credential to an active caller.

use crate::{TokenError, Tokens};
use chrono::{DateTime, Utc};
use msp_domain::{AppRole, Caller, CallerKind, Clock, TokenScopes, UserId};
use msp_storage::{
    Repositories, StoreError,
    repositories::{service_tokens, snapshot::Snapshot, users::User},
};
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
        if token.starts_with(service_tokens::PREFIX) {
            let token = self.repositories.service_tokens.find(token).await?.ok_or(AuthError::Refused)?;
            return self.active(token.account, TokenScopes::ALL, CallerKind::Service, token.created_at).await;
        }
        let identity = self.tokens.verify(token, self.clock.now())?;
        self.active(identity.user, identity.scopes, CallerKind::Token, identity.issued_at).await
    }

    /// The caller of a session cookie; carries all scopes.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn session(&self, cookie: &str) -> Result<Authenticated, AuthError> {
        let session = self.repositories.sessions.find(cookie).await?.ok_or(AuthError::Refused)?;
        self.active(session.user, TokenScopes::ALL, CallerKind::Session, session.created_at).await
    }

    async fn active(
        &self,
        id: UserId,
        scopes: TokenScopes,
        kind: CallerKind,
        issued_at: DateTime<Utc>,
    ) -> Result<Authenticated, AuthError> {
        let snapshot = self.repositories.snapshots.current().await?;
        let user = snapshot.user(id).await?;
        let user = user.filter(|user| user.is_active && !user.has_signed_out_since(issued_at));
        let user = user.ok_or(AuthError::Refused)?;
        let caller = as_caller(&user, self.directory_id, scopes, kind);
        Ok(Authenticated { caller, snapshot })
    }
}

/// An account as a caller: a service account never does more than its app roles say, and is one however it signed in.
pub(crate) fn as_caller(user: &User, tid: Uuid, scopes: TokenScopes, kind: CallerKind) -> Caller {
    let (scopes, kind) = match &user.app_roles {
        Some(roles) => (scopes.intersect(&roles.scopes()), CallerKind::Service),
        None => (scopes, kind),
    };
    Caller {
        tid,
        user: user.id,
        email: user.email.clone(),
        display_name: user.display_name.clone(),
        is_platform_admin: user.is_platform_admin,
        is_auditor: user.is_auditor,
        records_executions: user.app_roles.as_ref().is_some_and(|roles| roles.has(AppRole::ExecutionsRecord)),
        scopes,
        kind,
    }
}
