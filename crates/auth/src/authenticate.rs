//! From a credential to an active caller.

use crate::{Entra, EntraError, EntraIdentity, TokenError, Tokens};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use msp_domain::{AppRole, Caller, CallerKind, Clock, TokenScopes, UserId};
use msp_storage::{
    Repositories, StoreError,
    repositories::{
        Actor, service_tokens,
        snapshot::Snapshot,
        users::{User, UserError},
    },
};
use std::sync::Arc;
use uuid::Uuid;

/// How long a browser's session lasts that began with Entra ID: a working day. Nobody tells us that an account was disabled
/// there or lost a role; whoever signs in again has what is so then.
const ENTRA_SESSION_LIFETIME: TimeDelta = TimeDelta::hours(12);

/// Why a credential is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Invalid, expired, revoked, or its user is inactive or gone.
    #[error("the credential is not valid")]
    Refused,
    /// Entra ID cannot be asked for its keys, so nobody can tell.
    #[error("Entra ID cannot be reached: {0}")]
    EntraUnavailable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EntraError> for AuthError {
    fn from(error: EntraError) -> Self {
        match error {
            EntraError::Refused(reason) => {
                tracing::debug!(reason, "A token of Entra ID was refused");
                Self::Refused
            }
            EntraError::Unavailable(reason) => Self::EntraUnavailable(reason),
        }
    }
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
    entra: Option<Entra>,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// Over these repositories, for the directory of this installation.
    pub fn new(repositories: Repositories, tokens: Tokens, directory_id: Uuid, clock: Arc<dyn Clock>) -> Self {
        Self { repositories, tokens, directory_id, entra: None, clock }
    }

    /// The same where people sign in with Entra ID. The repositories must be those of its tenant, and `tokens` be of a key
    /// that only the command line of this installation has (docs/adr/0009).
    #[must_use]
    pub fn with_entra(self, entra: Entra) -> Self {
        Self { directory_id: entra.settings().tenant_id, entra: Some(entra), ..self }
    }

    /// Entra ID, where people sign in with it.
    pub fn entra(&self) -> Option<&Entra> {
        self.entra.as_ref()
    }

    /// The caller of a bearer token. Whom Entra ID vouches for is put on record at first sight, which the trail shows with
    /// the address the token came from.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn bearer(&self, token: &str, address: Option<&str>) -> Result<Authenticated, AuthError> {
        if token.starts_with(service_tokens::PREFIX) {
            let token = self.repositories.service_tokens.find(token).await?.ok_or(AuthError::Refused)?;
            return self.active(token.account, TokenScopes::ALL, CallerKind::Service, token.created_at).await;
        }
        if let Some(entra) = &self.entra
            && !is_of_command_line(token)
        {
            return self.vouched_for(&*entra.access_token(token).await?, address).await;
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
        if self.entra.is_some() && self.clock.now() - session.created_at >= ENTRA_SESSION_LIFETIME {
            return Err(AuthError::Refused);
        }
        self.active(session.user, TokenScopes::ALL, CallerKind::Session, session.created_at).await
    }

    /// Puts whom Entra ID vouches for on record, as it says the account is, and answers the account if it may act here. For
    /// the end of a browser's sign-in, which then begins a session and notes the sign-in.
    ///
    /// # Errors
    /// [`AuthError::Refused`] for an account that was deactivated here.
    pub async fn admit(&self, identity: &EntraIdentity, address: Option<&str>) -> Result<User, AuthError> {
        let actor = Actor { user: Some(identity.user()), ip_address: address.map(str::to_owned) };
        let admitted = self.repositories.users.admit(&identity.account, &actor).await;
        let user = admitted.map_err(|error| match error {
            UserError::Store(error) => AuthError::Store(error),
            _ => AuthError::Refused,
        })?;
        let may_act = self.repositories.users.may_act(&user) && !user.has_signed_out_since(identity.issued_at);
        if may_act { Ok(user) } else { Err(AuthError::Refused) }
    }

    /// The caller whom Entra ID vouches for. What is on record is written only when it differs.
    async fn vouched_for(&self, identity: &EntraIdentity, address: Option<&str>) -> Result<Authenticated, AuthError> {
        let mut snapshot = self.repositories.snapshots.current().await?;
        let known = snapshot.user(identity.user()).await?;
        if known.as_ref().is_none_or(|user| user.is_active && identity.account.differs_from(user)) {
            match self.admit(identity, address).await {
                // A full disk shuts nobody out who was there before.
                Err(AuthError::Store(StoreError::Full(_))) if known.is_some() => {}
                admitted => drop(admitted?),
            }
            snapshot = self.repositories.snapshots.current().await?;
        }
        let kind = if identity.is_service() { CallerKind::Service } else { CallerKind::Token };
        let mut found = self.active_at(snapshot, identity.user(), identity.scopes, kind, identity.issued_at).await?;
        // Both decide: a token without a role gives none, whatever a newer one said, and the other way round.
        let account = &identity.account;
        let roles = account.app_roles.as_ref();
        found.caller.is_platform_admin &= account.is_platform_admin;
        found.caller.is_auditor &= account.is_auditor;
        found.caller.records_executions &= roles.is_some_and(|roles| roles.has(AppRole::ExecutionsRecord));
        Ok(found)
    }

    async fn active(
        &self,
        id: UserId,
        scopes: TokenScopes,
        kind: CallerKind,
        issued_at: DateTime<Utc>,
    ) -> Result<Authenticated, AuthError> {
        let snapshot = self.repositories.snapshots.current().await?;
        self.active_at(snapshot, id, scopes, kind, issued_at).await
    }

    async fn active_at(
        &self,
        snapshot: Arc<Snapshot>,
        id: UserId,
        scopes: TokenScopes,
        kind: CallerKind,
        issued_at: DateTime<Utc>,
    ) -> Result<Authenticated, AuthError> {
        let user = snapshot.user(id).await?;
        let user = user.filter(|user| snapshot.may_act(user) && !user.has_signed_out_since(issued_at));
        let user = user.ok_or(AuthError::Refused)?;
        let caller = as_caller(&user, self.directory_id, scopes, kind);
        Ok(Authenticated { caller, snapshot })
    }
}

/// Whether a token says that the command line has made it. Only its signature proves that.
fn is_of_command_line(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256)
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
