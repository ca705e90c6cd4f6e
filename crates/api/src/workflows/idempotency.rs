//! `Idempotency-Key` on requests that start runs.

use crate::http::{Problem, ProblemKind as Kind};
use axum::{extract::FromRequestParts, http::HeaderName, http::request::Parts};
use msp_engine::Idempotency;
use serde_json::Value;

/// The name of the request header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters: ample for a UUID with a prefix.
const MAX_LENGTH: usize = 200;

/// The key the caller sent, if any.
pub struct IdempotencyKey(pub(crate) Option<String>);

impl IdempotencyKey {
    /// What the key names: the request as it was sent. What would be made of it may change until it is sent again.
    pub(crate) fn names(self, request: impl FnOnce() -> Value) -> Option<Idempotency> {
        self.0.map(|key| Idempotency { key, request: request().to_string() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_LENGTH);
        match (key, values.next()) {
            (Some(key), None) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::new(Kind::HeaderInvalid)
                .detail(format!("Send `Idempotency-Key` once, with 1 to {MAX_LENGTH} visible ASCII characters."))),
        }
    }
}
