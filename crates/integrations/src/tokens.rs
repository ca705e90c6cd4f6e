//! Access tokens: fetched once for all who wait, kept in memory, shared by nobody who could not fetch them.

use crate::{connector::Answer, error::IntegrationError, timing::Timing};
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use msp_storage::SecretValue;
use serde_json::Value;
use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use url::Url;

/// A token is renewed this long before it ends, so none expires under way.
const REFRESH_EARLY: TimeDelta = TimeDelta::seconds(120);
/// The lifetime of a token whose answer names none.
const DEFAULT_LIFETIME_SECONDS: i64 = 300;
/// Shortest token taken for one: a shorter text could not be masked without mangling ordinary text.
const MIN_TOKEN_BYTES: usize = 8;
/// Tokens kept: hundreds of organizations with two integrations each, several times over.
const MAX_TOKENS: usize = 4096;

/// What a token is asked for with.
#[derive(Clone)]
pub(crate) struct Grant {
    /// The token endpoint.
    pub(crate) endpoint: Url,
    /// The tenant, if the service knows tenants.
    pub(crate) tenant: Option<String>,
    pub(crate) scope: String,
    pub(crate) client_id: String,
    pub(crate) credential: SecretValue,
}

/// Everything that makes two tokens different. The credential is part of it (as a hash): whoever does not hold the
/// credential a token was fetched with never meets that token, whatever else they are configured with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    endpoint: String,
    tenant: Option<String>,
    scope: String,
    client_id: String,
    credential_hash: [u8; 32],
    grant: &'static str,
}

struct Token {
    value: SecretValue,
    refresh_at: DateTime<Utc>,
}

#[derive(Default)]
struct Slot {
    held: tokio::sync::Mutex<Held>,
    /// Fetches finished, so a caller who waited for one that failed shares its failure instead of repeating it.
    fetches: AtomicU64,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    failure: Option<IntegrationError>,
}

/// The tokens of this host.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Key, Arc<Slot>>>);

impl Grant {
    /// The only grant of this version.
    pub(crate) const TYPE: &'static str = "client_credentials";

    fn key(&self) -> Key {
        let mut credential_hash = [0; 32];
        credential_hash.copy_from_slice(digest(&SHA256, self.credential.reveal().as_bytes()).as_ref());
        Key {
            endpoint: self.endpoint.to_string(),
            tenant: self.tenant.clone(),
            scope: self.scope.clone(),
            client_id: self.client_id.clone(),
            credential_hash,
            grant: Self::TYPE,
        }
    }
}

impl Tokens {
    /// The token for a grant, fetched by at most one caller at a time.
    pub(crate) async fn get<F>(
        &self,
        grant: &Grant,
        timing: &dyn Timing,
        fetch: impl FnOnce() -> F,
    ) -> Result<SecretValue, IntegrationError>
    where
        F: Future<Output = Result<FetchedToken, IntegrationError>>,
    {
        let slot = self.slot(grant.key());
        let seen = slot.fetches.load(Ordering::SeqCst);
        let mut held = slot.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| token.refresh_at > timing.now()) {
            return Ok(token.value.clone());
        }
        if let Some(failure) = held.failure.as_ref().filter(|_| slot.fetches.load(Ordering::SeqCst) != seen) {
            return Err(failure.clone());
        }
        let outcome = fetch().await;
        slot.fetches.fetch_add(1, Ordering::SeqCst);
        match outcome {
            Ok(FetchedToken { value, lifetime }) => {
                let early = REFRESH_EARLY.min(lifetime / 2);
                *held = Held::default();
                held.token = Some(Token { value: value.clone(), refresh_at: timing.now() + lifetime - early });
                Ok(value)
            }
            Err(failure) => {
                *held = Held { token: None, failure: Some(failure.clone()) };
                Err(failure)
            }
        }
    }

    /// Drops a token the service no longer accepts, unless another has taken its place.
    pub(crate) async fn discard(&self, grant: &Grant, refused: &SecretValue) {
        let slot = self.slot(grant.key());
        let mut held = slot.held.lock().await;
        if held.token.as_ref().is_some_and(|token| token.value.reveal() == refused.reveal()) {
            held.token = None;
        }
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_TOKENS && !slots.contains_key(&key) {
            // Those in use stay, or a fetch under way would be made twice.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

/// A token as the endpoint answered it.
pub(crate) struct FetchedToken {
    pub(crate) value: SecretValue,
    pub(crate) lifetime: TimeDelta,
}

impl FetchedToken {
    /// Reads a token endpoint's answer (RFC 6749, section 5.1); `None` if it holds no usable token.
    pub(crate) fn read(answer: &Answer) -> Option<Self> {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let text = body["access_token"].as_str()?;
        let sendable = text.len() >= MIN_TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let seconds = crate::arguments::integer(&body["expires_in"]).unwrap_or(DEFAULT_LIFETIME_SECONDS);
        /// A year; a longer lifetime is a mistake that must not overflow a date.
        const MOST: i64 = 365 * 24 * 3600;
        sendable.then(|| Self { value: SecretValue::new(text), lifetime: TimeDelta::seconds(seconds.clamp(0, MOST)) })
    }
}
