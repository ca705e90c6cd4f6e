//! `Prefer: respond-async, wait=N` (RFC 7240) on runs.

use crate::http::{Problem, ProblemKind as Kind};
use axum::{extract::FromRequestParts, http::HeaderName, http::request::Parts};
use msp_engine::Wait;
use std::time::Duration;

/// How long a run is waited for when the caller does not say (design section 5).
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Longest wait (design section 5): common proxies give up at four minutes.
const MAX_WAIT_SECONDS: u64 = 200;

/// The name of the request header.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The name of the answer's header.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How the caller wants a run answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Preference {
    /// How long to wait for the end.
    pub wait: Wait,
    /// What of the request's preferences was applied.
    pub applied: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Preference {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let values = parts.headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        preference(values)
    }
}

/// Preferences this API does not know are ignored, as RFC 7240 asks; a wait that is no number is a mistake worth
/// telling.
fn preference<'a>(values: impl Iterator<Item = &'a str>) -> Result<Preference, Problem> {
    let mut respond_async = false;
    let mut wait = None;
    for preference in values.flat_map(|value| value.split(',')) {
        let (name, value) = match preference.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim().trim_matches('"')),
            None => (preference.trim(), ""),
        };
        if name.eq_ignore_ascii_case("respond-async") {
            respond_async = true;
        } else if name.eq_ignore_ascii_case("wait") && wait.is_none() {
            let seconds: u64 = value.parse().map_err(|_| {
                Problem::new(Kind::HeaderInvalid)
                    .detail(format!("`Prefer: wait=` takes seconds, from 0 to {MAX_WAIT_SECONDS}."))
            })?;
            wait = Some(seconds.min(MAX_WAIT_SECONDS));
        }
    }
    Ok(match (wait, respond_async) {
        (Some(0), _) => Preference { wait: Wait::No, applied: Some("wait=0".to_owned()) },
        // Together they mean: wait that long, then answer 202. That is what a wait does here anyway.
        (Some(seconds), _) => {
            Preference { wait: Wait::AtMost(Duration::from_secs(seconds)), applied: Some(format!("wait={seconds}")) }
        }
        (None, true) => Preference { wait: Wait::No, applied: Some("respond-async".to_owned()) },
        (None, false) => Preference { wait: Wait::AtMost(DEFAULT_WAIT), applied: None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_says_how_long_to_wait_and_what_was_applied() {
        let at_most = |seconds| Wait::AtMost(Duration::from_secs(seconds));
        for (values, wait, applied) in [
            (vec![], at_most(30), None),
            (vec!["respond-async"], Wait::No, Some("respond-async")),
            (vec!["wait=0"], Wait::No, Some("wait=0")),
            (vec!["wait=5"], at_most(5), Some("wait=5")),
            (vec!["Respond-Async, Wait=\"7\""], at_most(7), Some("wait=7")),
            (vec!["handling=lenient", "wait=9999"], at_most(200), Some("wait=200")),
        ] {
            let expected = Preference { wait, applied: applied.map(str::to_owned) };
            assert_eq!(preference(values.iter().copied()).expect("valid"), expected, "{values:?}");
        }
        assert_eq!(preference(["wait=soon"].into_iter()).expect_err("refused").kind(), Kind::HeaderInvalid);
    }
}
