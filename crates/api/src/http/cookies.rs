//! The session cookie, and the one of a browser that is about to get a session.

use crate::state::ApiOptions;
use axum::http::{HeaderMap, header};
use chrono::Duration;
use msp_storage::repositories::sessions::ABSOLUTE_TIMEOUT;

/// The value of the session cookie, if the request carries one.
pub(crate) fn session_cookie<'a>(options: &ApiOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    value(headers, &options.cookie_name)
}

/// The ticket of a sign-in that this browser began, if the request carries one.
pub(crate) fn ticket<'a>(options: &ApiOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    value(headers, &ticket_name(options))
}

fn value<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted && !value.is_empty()).then_some(value))
}

/// The `Set-Cookie` that begins a session.
pub(crate) fn begin(options: &ApiOptions, value: &str) -> String {
    set_cookie(options, &options.cookie_name, value, ABSOLUTE_TIMEOUT)
}

/// The `Set-Cookie` that makes the browser forget the session.
pub(crate) fn end(options: &ApiOptions) -> String {
    set_cookie(options, &options.cookie_name, "", Duration::zero())
}

/// The `Set-Cookie` that binds a sign-in to this browser.
pub(crate) fn keep_ticket(options: &ApiOptions, value: &str, lifetime: Duration) -> String {
    set_cookie(options, &ticket_name(options), value, lifetime)
}

/// The `Set-Cookie` that makes the browser forget it.
pub(crate) fn forget_ticket(options: &ApiOptions) -> String {
    set_cookie(options, &ticket_name(options), "", Duration::zero())
}

/// With a prefix that keeps other hosts of the same domain from planting a ticket of theirs (RFC 6265bis, section 4.1.3.2),
/// which browsers grant over TLS only.
fn ticket_name(options: &ApiOptions) -> String {
    let prefix = if is_secure(options) { "__Host-" } else { "" };
    format!("{prefix}{}_ticket", options.cookie_name)
}

fn is_secure(options: &ApiOptions) -> bool {
    options.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
}

/// `Lax`: the issuer sends browsers back by a top-level `GET` from another site, which `Strict` would deprive of cookies.
fn set_cookie(options: &ApiOptions, name: &str, value: &str, max_age: Duration) -> String {
    let secure = if is_secure(options) { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", max_age.num_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn at(public_url: Option<&str>) -> ApiOptions {
        let public_url = public_url.map(|url| Url::parse(url).expect("a URL"));
        let base_url = public_url.clone().unwrap_or_else(|| Url::parse("http://127.0.0.1:7071").expect("a URL"));
        let (cookie_name, version) = ("msp_session_7071".to_owned(), "0".to_owned());
        ApiOptions { allowed_hosts: Vec::new(), public_url, base_url, cookie_name, version, requests_per_minute: 1 }
    }

    #[test]
    fn over_tls_no_other_host_can_plant_a_ticket_and_no_cookie_travels_in_the_clear() {
        let tls = at(Some("https://msp.example.com"));
        let ticket = keep_ticket(&tls, "x", Duration::minutes(10));
        let expected = "__Host-msp_session_7071_ticket=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure";
        assert_eq!(ticket, expected);
        assert!(begin(&tls, "x").ends_with("; Secure") && forget_ticket(&tls).ends_with("Max-Age=0; Secure"));

        let plain = keep_ticket(&at(None), "x", Duration::minutes(10));
        assert_eq!(plain, "msp_session_7071_ticket=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    }

    #[test]
    fn a_ticket_is_no_session_and_no_session_a_ticket() {
        let options = at(None);
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "msp_session_7071_ticket=t".parse().expect("a value"));
        assert_eq!((ticket(&options, &headers), session_cookie(&options, &headers)), (Some("t"), None));
        headers.append(header::COOKIE, "msp_session_7071=s; other=1".parse().expect("a value"));
        assert_eq!((ticket(&options, &headers), session_cookie(&options, &headers)), (Some("t"), Some("s")));
    }
}
