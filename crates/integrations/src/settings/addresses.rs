//! Addresses as people type them: with or without scheme, with a path copied from somewhere else.

use url::{Host, Url};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where Entra lives, without tenant.
    EntraAuth,
    /// Graph, version included.
    GraphBase,
    /// A HaloPSA instance, without `/api`.
    HaloBase,
    /// A HaloPSA authorization server, without `/token`.
    HaloAuth,
}

/// Path endings that belong to single calls, not to the instance; pasted along again and again.
const HALO_ENDINGS: [&str; 4] = ["api", "auth", "token", "authinfo"];

/// One spelling for one place: `https` unless told otherwise, lower-case host, no trailing slash, the right path.
/// Doing it twice changes nothing.
pub(super) fn normalise(text: &str, kind: Kind) -> Result<String, String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let unreadable = || "is not an address; expected something like `https://acme.halopsa.com`".to_owned();
    let url = Url::parse(&with_scheme).map_err(|_| unreadable())?;
    let Some(host) = url.host() else { return Err(unreadable()) };
    match url.scheme() {
        "https" => {}
        "http" if may_lack_tls(&host) => {}
        "http" => {
            return Err("must use https; http is possible only for `localhost` or an address written as numbers \
                        that an administrator has allowed"
                .to_owned());
        }
        other => return Err(format!("must start with https://, not {other}://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain `?` or `#`".to_owned());
    }
    let mut segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    if matches!(kind, Kind::HaloBase | Kind::HaloAuth) {
        while segments.last().is_some_and(|last| HALO_ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending))) {
            segments.pop();
        }
    }
    match kind {
        Kind::HaloAuth => segments.push("auth"),
        Kind::GraphBase if segments.is_empty() => segments.push("v1.0"),
        Kind::GraphBase | Kind::HaloBase | Kind::EntraAuth => {}
    }
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
    Ok(format!("{}://{host}{port}{path}", url.scheme()))
}

/// The address filter has the last word: without TLS it lets only listed addresses through.
pub(crate) fn may_lack_tls(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(_) | Host::Ipv6(_) => true,
        Host::Domain(name) => *name == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [Kind; 4] = [Kind::EntraAuth, Kind::GraphBase, Kind::HaloBase, Kind::HaloAuth];

    #[test]
    fn halo_addresses_are_understood_as_people_paste_them() {
        for text in [
            "acme.halopsa.com",
            "https://acme.halopsa.com/",
            "ACME.halopsa.com/api",
            "https://acme.halopsa.com/auth/token",
        ] {
            assert_eq!(normalise(text, Kind::HaloBase).as_deref(), Ok("https://acme.halopsa.com"), "{text}");
            assert_eq!(normalise(text, Kind::HaloAuth).as_deref(), Ok("https://acme.halopsa.com/auth"), "{text}");
        }
        assert_eq!(
            normalise("https://psa.example:8443/halo/api", Kind::HaloBase).as_deref(),
            Ok("https://psa.example:8443/halo")
        );
        assert_eq!(normalise("http://127.0.0.1:7999", Kind::GraphBase).as_deref(), Ok("http://127.0.0.1:7999/v1.0"));
    }

    #[test]
    fn an_address_that_would_leak_or_mislead_is_refused() {
        for text in [
            "http://acme.halopsa.com",
            "https://user:pw@acme.example",
            "ftp://x",
            "https://",
            "a b",
            "https://x/?q",
            "x#f",
        ] {
            assert!(normalise(text, Kind::HaloBase).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(
            scheme in prop::sample::select(vec!["", "https://", "HTTPS://"]),
            host in "[a-zA-Z]([a-zA-Z0-9]{0,8})(\\.[a-z]{2,5}){1,2}",
            port in prop::option::of(1_u16..),
            path in "(/[a-zA-Z]{0,5}|/api|/auth|/token){0,4}",
        ) {
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            for kind in KINDS {
                let once = normalise(&format!("{scheme}{host}{port}{path}"), kind).expect("a valid address");
                prop_assert_eq!(normalise(&once, kind), Ok(once.clone()));
                let expected = format!("https://{}", host.to_lowercase());
                prop_assert!(once.starts_with(&expected));
                prop_assert!(!once.ends_with('/'));
            }
        }

        #[test]
        fn any_text_at_all_is_normalised_or_refused(text: String) {
            for kind in KINDS {
                if let Ok(once) = normalise(&text, kind) {
                    prop_assert_eq!(normalise(&once, kind), Ok(once.clone()));
                }
            }
        }
    }
}
