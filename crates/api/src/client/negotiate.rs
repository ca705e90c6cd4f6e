//! What a request says about the answer it would like (RFC 9110 sections 12.5 and 13.1.2).

use axum::http::{HeaderMap, HeaderName, header};

/// Whether this coding may be sent.
pub(super) fn accepts_encoding(headers: &HeaderMap, coding: &str) -> bool {
    items(headers, &header::ACCEPT_ENCODING).any(|item| names(item, coding))
}

/// Whether a person is looking: browsers ask for HTML by its name when they open an address, and programs do not.
pub(super) fn asks_for_a_page(headers: &HeaderMap) -> bool {
    items(headers, &header::ACCEPT).any(|item| names(item, "text/html"))
}

/// Whether the client holds the content of this tag already. Tags are compared weakly: encodings share them.
pub(super) fn holds(headers: &HeaderMap, etag: &str) -> bool {
    items(headers, &header::IF_NONE_MATCH)
        .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item).trim_matches('"') == etag)
}

fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).map(str::trim)
}

/// Whether an item is about this value and does not refuse it.
fn names(item: &str, value: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(value));
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    is_named && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn an_encoding_is_accepted_when_it_is_named_and_not_refused() {
        for (value, accepted) in [
            ("br", true),
            ("gzip, deflate, BR;q=0.5", true),
            ("gzip;q=1.0, br ; q=0", false),
            ("br;q=0.0", false),
            ("br;q=nothing", false),
            ("brotli", false),
            ("", false),
        ] {
            assert_eq!(accepts_encoding(&with(header::ACCEPT_ENCODING, value), "br"), accepted, "{value}");
        }
        assert!(!accepts_encoding(&HeaderMap::new(), "br"));
    }

    #[test]
    fn only_who_names_html_asks_for_a_page() {
        let of_a_browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (value, asks) in [(of_a_browser, true), ("*/*", false), ("application/json", false), ("", false)] {
            assert_eq!(asks_for_a_page(&with(header::ACCEPT, value)), asks, "{value}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (value, held) in [
            ("\"aa\"", true),
            ("W/\"aa\"", true),
            ("\"bb\", W/\"aa\"", true),
            ("*", true),
            ("\"bb\"", false),
            ("", false),
        ] {
            assert_eq!(holds(&with(header::IF_NONE_MATCH, value), "aa"), held, "{value}");
        }
    }
}
