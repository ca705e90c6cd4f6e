//! Bearer tokens this installation mints for itself (`msp token`): JWT, HS256, one hour.

use chrono::{DateTime, Duration, Utc};
use msp_domain::{TokenScopes, UserId};
use uuid::Uuid;

/// How long a minted token works (design section 4).
pub const TOKEN_LIFETIME: Duration = Duration::hours(1);

/// What a valid token says. The user may meanwhile be inactive: [`crate::Authenticator`] looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIdentity {
    /// Whose.
    pub user: UserId,
    /// For what.
    pub scopes: TokenScopes,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is refused. The difference is for the log; a caller is only told 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this installation: signature, issuer, audience, directory or shape.
    #[error("the token is not valid here")]
    Invalid,
    /// It was one.
    #[error("the token has expired")]
    Expired,
}

/// Mints and verifies.
#[derive(Clone)]
pub struct Tokens {}

impl Tokens {
    /// With a signing key derived from the master key, for the directory of this installation.
    pub fn new(signing_key: [u8; 32], directory_id: Uuid) -> Self {
        let _ = (signing_key, directory_id);
        todo!("auth")
    }

    /// A token for a user, good from `now` for [`TOKEN_LIFETIME`].
    pub fn mint(&self, user: UserId, scopes: TokenScopes, now: DateTime<Utc>) -> String {
        let _ = (user, scopes, now);
        todo!("auth")
    }

    /// Verifies a token at `now`.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<TokenIdentity, TokenError> {
        let _ = (token, now);
        todo!("auth")
    }
}
