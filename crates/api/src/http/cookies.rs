//! The session cookie.

use crate::state::ApiOptions;
use axum::http::{HeaderMap, header};
use msp_storage::repositories::sessions::ABSOLUTE_TIMEOUT;

/// The value of the session cookie, if the request carries one.
pub(crate) fn session_cookie<'a>(options: &ApiOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == options.cookie_name && !value.is_empty()).then_some(value))
}

/// The `Set-Cookie` that begins a session.
pub(crate) fn begin(options: &ApiOptions, value: &str) -> String {
    set_cookie(options, value, ABSOLUTE_TIMEOUT.num_seconds())
}

/// The `Set-Cookie` that makes the browser forget the session.
pub(crate) fn end(options: &ApiOptions) -> String {
    set_cookie(options, "", 0)
}

fn set_cookie(options: &ApiOptions, value: &str, max_age_seconds: i64) -> String {
    let secure = if options.public_url.as_ref().is_some_and(|url| url.scheme() == "https") { "; Secure" } else { "" };
    let name = &options.cookie_name;
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}")
}
