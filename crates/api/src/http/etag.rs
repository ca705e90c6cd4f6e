//! Versions: `ETag` on answers, `If-Match` on changes.

use super::{Problem, ProblemKind as Kind};
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
};
use msp_storage::Etag;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

/// What an entity tag may not hold as it is (RFC 9110 section 8.8.3), and the escape character itself.
const NOT_IN_A_TAG: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'%');

/// The `ETag` header of an answer.
pub(crate) fn etag_header(etag: &Etag) -> [(HeaderName, HeaderValue); 1] {
    [(header::ETAG, HeaderValue::from_str(&entity_tag(etag)).expect("a percent-encoded text is a header value"))]
}

fn entity_tag(etag: &Etag) -> String {
    format!("\"{}\"", utf8_percent_encode(&etag.0, &NOT_IN_A_TAG))
}

/// The outcome of a change, as an answer. A refusal because the change was meant for another version carries what is
/// there now, which `current` reads, and its `ETag`; `None`: nothing is there any more.
pub(crate) async fn or_current<T, V: Serialize>(
    outcome: Result<T, impl Into<Problem>>,
    current: impl Future<Output = Result<Option<(V, Etag)>, Problem>>,
) -> Result<T, Problem> {
    let problem = match outcome.map_err(Into::into) {
        Err(problem) if problem.kind() == Kind::StaleVersion => problem,
        outcome => return outcome,
    };
    let Some((current, etag)) = current.await? else { return Err(problem) };
    let current = serde_json::to_value(current).expect("what is answered always serialises");
    Err(problem.header(header::ETAG, &entity_tag(&etag)).with("current", current))
}

/// The version a change is meant for; `None` takes whatever is there.
pub struct IfMatch(pub Option<Etag>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| invalid())?.trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|tag| !tag.contains('"'));
        let tag = percent_decode_str(tag.ok_or_else(invalid)?).decode_utf8().map_err(|_| invalid())?;
        Ok(Self(Some(Etag(tag.into_owned()))))
    }
}

fn invalid() -> Problem {
    Problem::new(Kind::HeaderInvalid).detail("`If-Match` takes one `ETag` as it was answered, quotes included, or `*`.")
}
