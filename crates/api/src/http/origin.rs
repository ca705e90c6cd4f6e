//! Which hosts and origins this server answers for: against DNS rebinding and cross-site requests.

use super::{Problem, ProblemKind as Kind, params::at_most_once};
use crate::state::ApiOptions;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use url::Url;

/// Where a browser says the request comes from, when it sends no `Origin`.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a browser wants the answer for.
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses a request whose `Host` is not on the allow-list.
pub(crate) fn check_host(options: &ApiOptions, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next().and_then(|value| value.to_str().ok()), hosts.next());
    // In absolute form the target names the host and overrides the header (RFC 9112 section 3.2.2).
    let named = uri.authority().map(|authority| authority.as_str()).or(first);
    match named {
        Some(host) if second.is_none() && is_allowed_host(options, host) => Ok(()),
        _ => Err(Problem::new(Kind::HostNotAllowed)
            .detail("Use the address the server printed at its start, or add this host to the allowed ones.")),
    }
}

/// Refuses an unsafe request a browser made for another site. `must_prove`: a request without the headers every browser
/// sends is refused as well, because it carries a cookie.
pub(crate) fn check_same_origin(options: &ApiOptions, headers: &HeaderMap, must_prove: bool) -> Result<(), Problem> {
    let text = |name| at_most_once(headers, name).map(|value| value.map(|value| value.to_str().unwrap_or("?")));
    let allowed = match (text(header::ORIGIN)?, text(SEC_FETCH_SITE)?) {
        (Some(origin), _) => is_allowed_origin(options, origin),
        (None, Some(site)) => site == "same-origin",
        (None, None) => !must_prove,
    };
    if allowed {
        return Ok(());
    }
    Err(Problem::new(Kind::OriginNotAllowed)
        .detail("A session may change things only from this server's own pages. Programs send a bearer token instead."))
}

/// Whether a browser opens an address of this server by itself or from one of its pages. Browsers say so wherever the
/// connection is secure, loopback included.
pub(crate) fn is_own_navigation(headers: &HeaderMap) -> bool {
    let is = |name, allowed: &[&str]| match at_most_once(headers, name) {
        Ok(None) => true,
        Ok(Some(value)) => value.to_str().is_ok_and(|value| allowed.contains(&value)),
        Err(_) => false,
    };
    is(SEC_FETCH_SITE, &["same-origin", "none"]) && is(SEC_FETCH_MODE, &["navigate"])
}

fn is_allowed_origin(options: &ApiOptions, origin: &str) -> bool {
    if let Some(public) = &options.public_url
        && public.origin().ascii_serialization() == origin
    {
        return true;
    }
    // Local hosts are reached by plain HTTP; `https` is the public address' business.
    let Ok(url) = Url::parse(origin) else { return false };
    url.scheme() == "http" && origin.strip_prefix("http://").is_some_and(|host| is_allowed_host(options, host))
}

fn is_allowed_host(options: &ApiOptions, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = without_port(&host);
    let listed = options.allowed_hosts.iter().map(|entry| entry.to_ascii_lowercase());
    let public = options.public_url.iter().filter_map(|url| {
        let name = url.host_str()?;
        Some(url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")))
    });
    listed.chain(public).any(|entry| entry == host || entry == name)
}

/// The host of an authority: `[::1]:80` and `localhost:80` lose their port.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && (!host.contains(':') || host.ends_with(']')) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn options() -> ApiOptions {
        ApiOptions {
            allowed_hosts: vec!["127.0.0.1:7071".into(), "localhost".into(), "[::1]".into()],
            public_url: Some(Url::parse("https://msp.example.com").expect("a URL")),
            base_url: Url::parse("https://msp.example.com").expect("a URL"),
            cookie_name: "s".into(),
            version: "0".into(),
            requests_per_minute: 1,
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut map, (name, value): (header::HeaderName, _)| {
                map.append(name, value);
                map
            },
        )
    }

    #[test]
    fn only_listed_hosts_are_answered() {
        let uri = Uri::from_static("/");
        for host in ["127.0.0.1:7071", "LOCALHOST:9", "localhost", "[::1]:7071", "[::1]", "msp.example.com"] {
            assert!(check_host(&options(), &uri, &headers(&[("host", host)])).is_ok(), "{host}");
        }
        for host in ["127.0.0.1", "127.0.0.1:7072", "evil.example", "localhost.evil.example", "", "[::2]:7071"] {
            assert!(check_host(&options(), &uri, &headers(&[("host", host)])).is_err(), "{host}");
        }
        assert!(check_host(&options(), &uri, &headers(&[])).is_err());
        assert!(check_host(&options(), &uri, &headers(&[("host", "localhost"), ("host", "evil.example")])).is_err());
        let absolute = Uri::from_static("http://evil.example/");
        assert!(check_host(&options(), &absolute, &headers(&[("host", "localhost")])).is_err());
    }

    #[test]
    fn a_browser_may_change_things_only_from_our_own_pages() {
        let check =
            |pairs: &[(&'static str, &'static str)], must| check_same_origin(&options(), &headers(pairs), must).is_ok();
        assert!(check(&[("origin", "http://localhost:7071")], true));
        assert!(check(&[("origin", "https://msp.example.com")], true));
        assert!(check(&[("sec-fetch-site", "same-origin")], true));
        assert!(!check(&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], true));
        assert!(!check(&[("origin", "null")], true));
        assert!(!check(&[("origin", "https://localhost:7071")], true));
        assert!(!check(&[("sec-fetch-site", "same-site")], true));
        assert!(!check(&[], true));
        assert!(check(&[], false));
        assert!(!check(&[("sec-fetch-site", "cross-site")], false));
        assert!(!check(&[("origin", "http://localhost:7071"), ("origin", "http://evil.example")], false));
    }

    #[test]
    fn a_page_is_opened_by_this_server_or_by_nobody() {
        let own = |pairs: &[(&'static str, &'static str)]| is_own_navigation(&headers(pairs));
        assert!(own(&[]));
        assert!(own(&[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]));
        assert!(own(&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")]));
        assert!(!own(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!own(&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!own(&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")]));
        assert!(!own(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]));
    }
}
