//! What Entra ID publishes of itself: the discovery document, and the keys it names.

use super::{
    EntraError,
    body::{Unread, read},
    is_on_this_machine,
};
use chrono::{DateTime, Utc};
use jsonwebtoken::DecodingKey;
use reqwest::{Client, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::HashMap, error::Error as _, sync::Arc, time::Duration};
use url::Url;

/// How long connecting, and one answer, may take: somebody waits to sign in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The most an answer may hold: the keys of Entra ID have some 15 KiB, with their certificates.
const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// Most keys that are taken over; Entra ID has about five at once.
const MAX_KEYS: usize = 64;

/// What was read.
pub(super) struct Published {
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub end_session_endpoint: Option<Url>,
    pub keys: HashMap<String, Arc<DecodingKey>>,
    pub fetched_at: DateTime<Utc>,
}

/// Where it is read.
pub(super) struct Source {
    client: Client,
    issuer: String,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    #[serde(default)]
    end_session_endpoint: Option<Url>,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    #[serde(default)]
    kty: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

impl Source {
    pub fn new(issuer: &str) -> Result<Self, EntraError> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .user_agent(concat!("msp-platform/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| EntraError::Unavailable("this machine's TLS certificates cannot be read".to_owned()))?;
        Ok(Self { client, issuer: issuer.to_owned() })
    }

    /// What asks Entra ID.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads both.
    pub async fn read(&self, now: DateTime<Utc>) -> Result<Published, EntraError> {
        let document: Document = self.get(&format!("{}/.well-known/openid-configuration", self.issuer)).await?;
        if document.issuer != self.issuer {
            let detail = format!("the discovery document of {} is of another issuer", self.issuer);
            return Err(EntraError::Unavailable(detail));
        }
        let Document { authorization_endpoint, token_endpoint, end_session_endpoint, jwks_uri, .. } = document;
        let named = [&authorization_endpoint, &token_endpoint, &jwks_uri];
        for address in named.into_iter().chain(&end_session_endpoint) {
            if !self.may_call(address) {
                return Err(EntraError::Unavailable(format!("the discovery document names {address}, without TLS")));
            }
        }
        let set: KeySet = self.get(jwks_uri.as_str()).await?;
        let keys = set.keys.into_iter().filter_map(PublishedKey::usable).take(MAX_KEYS).collect();
        Ok(Published { authorization_endpoint, token_endpoint, end_session_endpoint, keys, fetched_at: now })
    }

    /// Secrets travel over TLS; only an issuer on this machine, as tests have it, may do without.
    fn may_call(&self, address: &Url) -> bool {
        address.scheme() == "https" || (is_on_this_machine(address) && self.issuer.starts_with("http:"))
    }

    async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T, EntraError> {
        let failed = |what: String| EntraError::Unavailable(format!("{address} {what}"));
        let unanswered = |error: reqwest::Error| {
            let cause = error.source().map_or_else(|| "no answer".to_owned(), ToString::to_string);
            failed(format!("does not answer: {cause}"))
        };
        let response = self.client.get(address).send().await.map_err(unanswered)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(failed(format!("answered {}", response.status())));
        }
        let body = read(response, MAX_ANSWER_BYTES).await.map_err(|unread| match unread {
            Unread::Broken(error) => unanswered(error),
            Unread::TooLong => failed("answered more than it may".to_owned()),
        })?;
        serde_json::from_slice(&body).map_err(|_| failed("answered something else than expected".to_owned()))
    }
}

impl PublishedKey {
    /// A key that signs with RS256, by its id.
    fn usable(self) -> Option<(String, Arc<DecodingKey>)> {
        let signs = self.kty == "RSA"
            && self.usage.is_none_or(|usage| usage == "sig")
            && self.alg.is_none_or(|alg| alg == "RS256")
            && !self.kid.is_empty();
        let key = signs.then(|| DecodingKey::from_rsa_components(&self.n, &self.e).ok()).flatten()?;
        Some((self.kid, Arc::new(key)))
    }
}
