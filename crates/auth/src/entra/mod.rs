//! Sign-in with Entra ID: what its tokens say, and whether they are its tokens.
//!
//! An identity is the pair of tenant and object id (`tid`, `oid`), never an address. Only one tenant is accepted.

mod access_token;
mod attempt;
mod body;
mod browser;
mod claims;
mod exchange;
mod fetch;
mod id_token;
mod keys;

pub use access_token::{ADMINISTRATOR_ROLE, AUDITOR_ROLE};
pub use attempt::{ATTEMPT_LIFETIME, Attempt};
pub use exchange::ExchangeError;

use crate::verified::{Verified, VerifiedTokens};
use chrono::{DateTime, TimeDelta, Utc};
use claims::Claims;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use keys::Keys;
use msp_domain::{Clock, TokenScopes, UserId};
use msp_storage::{SecretValue, repositories::users::EntraAccount};
use std::sync::Arc;
use url::{Host, Url};
use uuid::Uuid;

/// How far the clocks of Entra ID and of this machine may be apart. Both follow a time service.
pub const CLOCK_LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Longest key id that is looked for; those of Entra ID have 27 characters.
const MAX_KEY_ID_CHARS: usize = 128;

/// The app registration people sign in through.
#[derive(Debug, Clone)]
pub struct EntraSettings {
    /// The only tenant whose accounts are accepted.
    pub tenant_id: Uuid,
    /// The application (client) id: what tokens must be for.
    pub client_id: Uuid,
    /// The secret the server proves to be that application with, when it exchanges a browser's code.
    pub client_secret: SecretValue,
    /// Where Entra ID is, such as `https://login.microsoftonline.com/`.
    pub authority: Url,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntraError {
    /// It is not one of the tenant for this application, or its time is over. The reason is for the log.
    #[error("the token is not valid here: {0}")]
    Refused(&'static str),
    /// What Entra ID publishes cannot be read, so nobody can tell.
    #[error("Entra ID cannot be asked: {0}")]
    Unavailable(String),
}

/// Who a valid token is about, and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct EntraIdentity {
    /// What Entra ID says of the account, `(tid, oid)` first of all.
    pub account: EntraAccount,
    /// What it may be used for.
    pub scopes: TokenScopes,
    /// Since when.
    pub issued_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl EntraIdentity {
    /// The `oid`.
    pub fn user(&self) -> UserId {
        self.account.id
    }

    /// Whether a program acts for itself, without a person.
    pub fn is_service(&self) -> bool {
        self.account.app_roles.is_some()
    }
}

/// Entra ID, as the one issuer that is believed. Clones share what is known of its keys.
#[derive(Clone)]
pub struct Entra {
    inner: Arc<Inner>,
}

struct Inner {
    settings: EntraSettings,
    validation: Validation,
    keys: Arc<Keys>,
    verified: Arc<VerifiedTokens<Arc<EntraIdentity>>>,
    clock: Arc<dyn Clock>,
}

impl Entra {
    /// With these settings. Asks nobody anything yet.
    ///
    /// # Errors
    /// [`EntraError::Unavailable`] when this machine's TLS certificates cannot be read.
    pub fn new(settings: EntraSettings, clock: Arc<dyn Clock>) -> Result<Self, EntraError> {
        let issuer = format!("{}/{}/v2.0", settings.authority.as_str().trim_end_matches('/'), settings.tenant_id);
        let verified: Arc<VerifiedTokens<Arc<EntraIdentity>>> = Arc::default();
        let forget = Arc::clone(&verified);
        let keys = Keys::new(&issuer, Arc::clone(&clock), Box::new(move || forget.forget()))?;
        let validation = validation(&issuer, settings.client_id);
        Ok(Self { inner: Arc::new(Inner { settings, validation, keys: Arc::new(keys), verified, clock }) })
    }

    /// The app registration.
    pub fn settings(&self) -> &EntraSettings {
        &self.inner.settings
    }

    /// Where browsers are sent to sign in.
    ///
    /// # Errors
    /// [`EntraError::Unavailable`].
    pub async fn authorization_endpoint(&self) -> Result<Url, EntraError> {
        Ok(self.inner.keys.published().await?.authorization_endpoint.clone())
    }

    /// Where a code is exchanged for tokens.
    ///
    /// # Errors
    /// [`EntraError::Unavailable`].
    pub async fn token_endpoint(&self) -> Result<Url, EntraError> {
        Ok(self.inner.keys.published().await?.token_endpoint.clone())
    }

    /// Who a bearer token is about: an access token for this application, of a person who uses it through a client, or of a
    /// program. Of a token that was verified before, only the times are looked at again.
    ///
    /// # Errors
    /// [`EntraError`].
    pub async fn access_token(&self, token: &str) -> Result<Arc<EntraIdentity>, EntraError> {
        let now = self.inner.clock.now();
        let verified = match self.inner.verified.find(token) {
            Ok(verified) => verified,
            Err(place) => {
                let claims = self.verify(token).await?;
                let (not_before, expires_at) = (claims.not_before()?, claims.expires_at()?);
                let identity = Arc::new(access_token::identity(claims)?);
                let verified = Verified { identity, not_before, expires_at };
                check_times(&verified, now)?;
                self.inner.verified.keep(place, verified.clone(), now);
                verified
            }
        };
        check_times(&verified, now)?;
        Ok(verified.identity)
    }

    /// Who an id token is about that was asked for with this nonce. A browser's session carries every scope.
    ///
    /// # Errors
    /// [`EntraError`].
    pub async fn id_token(&self, token: &str, nonce: &str) -> Result<EntraIdentity, EntraError> {
        let claims = self.verify(token).await?;
        let (not_before, expires_at) = (claims.not_before()?, claims.expires_at()?);
        let verified = Verified { identity: id_token::identity(claims, nonce)?, not_before, expires_at };
        let now = self.inner.clock.now();
        check_times(&verified, now)?;
        Ok(verified.identity)
    }

    /// The claims of a token that the tenant has issued for this application, whether its time is over or not.
    async fn verify(&self, token: &str) -> Result<Claims, EntraError> {
        let inner = &self.inner;
        let header = jsonwebtoken::decode_header(token).map_err(|_| EntraError::Refused("it is no token"))?;
        if header.alg != Algorithm::RS256 || header.crit.is_some() {
            return Err(EntraError::Refused("it is not signed as Entra ID signs"));
        }
        let kid = header.kid.filter(|kid| (1..=MAX_KEY_ID_CHARS).contains(&kid.chars().count()));
        let key = inner.keys.find(&kid.ok_or(EntraError::Refused("it names no key"))?).await?;
        let claims = decode(token, &key, &inner.validation)?;
        if claims.tid != inner.settings.tenant_id {
            return Err(EntraError::Refused("it is of another tenant"));
        }
        if claims.ver != "2.0" {
            return Err(EntraError::Refused("it is not of version 2.0: set `requestedAccessTokenVersion` to 2"));
        }
        if claims.issued_at()? > inner.clock.now() + CLOCK_LEEWAY {
            return Err(EntraError::Refused("it was issued in the future"));
        }
        Ok(claims)
    }
}

fn decode(token: &str, key: &DecodingKey, validation: &Validation) -> Result<Claims, EntraError> {
    use jsonwebtoken::errors::ErrorKind;
    jsonwebtoken::decode::<Claims>(token, key, validation).map(|data| data.claims).map_err(|error| {
        EntraError::Refused(match error.kind() {
            ErrorKind::InvalidSignature => "its signature is wrong",
            ErrorKind::InvalidIssuer => "it is of another issuer",
            ErrorKind::InvalidAudience => "it is for another application",
            _ => "it lacks what a token of Entra ID says",
        })
    })
}

/// The algorithm is fixed, whatever the header says. Times are compared by [`check_times`], because the library would ask
/// the machine's clock instead of the injected one.
fn validation(issuer: &str, client_id: Uuid) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[client_id.hyphenated().to_string()]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn check_times<T>(verified: &Verified<T>, now: DateTime<Utc>) -> Result<(), EntraError> {
    if verified.not_before > now + CLOCK_LEEWAY {
        return Err(EntraError::Refused("it is not valid yet"));
    }
    if verified.expires_at + CLOCK_LEEWAY <= now {
        return Err(EntraError::Refused("it has expired"));
    }
    Ok(())
}

/// Whether an address is on this machine, where TLS protects nothing.
pub fn is_on_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
