//! The page somebody goes back to after signing in.

use url::Url;

/// Longest address of a page; it travels in a cookie.
const MAX_BYTES: usize = 1_000;
/// What is no page, or would lead back here.
const NO_PAGES: [&str; 3] = ["/api/", "/sign-in", "/signed-out"];

/// The page of this server that a `return_to` names. Whatever could be read as an address elsewhere, however browsers mend
/// it (`//host`, `/\host`, a tab in between, dots that vanish), is the start page.
pub(super) fn page_at(base: &Url, return_to: Option<&str>) -> Url {
    let own = return_to.filter(|text| text.len() <= MAX_BYTES && is_plain_path(text)).and_then(|text| {
        let page = base.join(text).ok()?;
        let stays = page.origin() == base.origin() && !page.path().starts_with("//");
        (stays && !NO_PAGES.iter().any(|start| page.path().starts_with(start))).then_some(page)
    });
    own.unwrap_or_else(|| base.clone())
}

fn is_plain_path(text: &str) -> bool {
    let strange = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    text.starts_with('/') && !text.starts_with("//") && !text.contains(strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(return_to: &str) -> String {
        page_at(&Url::parse("https://msp.example.com").expect("a URL"), Some(return_to)).to_string()
    }

    #[test]
    fn pages_of_this_server_are_gone_back_to_as_they_were() {
        for place in ["/", "/o/all/executions?status=Failed&q=a%20b", "/o/all/home#log", "/o/%C3%BC", "/o/x?to=//y"] {
            assert_eq!(at(place), format!("https://msp.example.com{place}"));
        }
        assert_eq!(at("/o/./a/../b"), "https://msp.example.com/o/b");
    }

    #[test]
    fn nothing_leads_anywhere_else() {
        for place in [
            "",
            "o",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/%2e//evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            ":80",
            "?x",
            "#x",
            "https:evil.example",
            "https:/evil.example",
            "/\u{2028}/evil.example",
        ] {
            assert_eq!(at(place), "https://msp.example.com/", "{place:?}");
        }
        let encoded = at("/%09/evil.example");
        assert_eq!(Url::parse(&encoded).expect("a URL").host_str(), Some("msp.example.com"));
    }

    #[test]
    fn neither_the_api_nor_the_sign_in_page_nor_a_novel_is_gone_back_to() {
        for place in ["/api/auth/entra/start", "/sign-in?failed=expired", "/signed-out", "/o/../api/me"] {
            assert_eq!(at(place), "https://msp.example.com/", "{place}");
        }
        assert_eq!(at(&format!("/o/{}", "x".repeat(1_000))), "https://msp.example.com/");
    }
}
