//! Reading what callers send.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use std::collections::HashMap;

/// The bearer token of a call.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Pairs of a query or of a form body.
pub(crate) fn pairs(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
