//! Request bodies.

use super::{Problem, ProblemKind as Kind};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use msp_domain::{FieldFault, workflow::nearest};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::timeout;

/// Largest body of a management route: config values end at 32 Ki characters, so this is ample.
pub const MANAGEMENT_BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take to arrive: the largest one over a connection of 2 Mbit/s. Who sends slower holds a
/// connection that others wait for.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest input of a run: the frame that carries it to a worker ends at 16 MiB (`docs/worker-protocol.md`).
pub const RUN_BODY_LIMIT: usize = 15 * 1024 * 1024;

/// A JSON body, parsed into a type. Unknown fields are refused by the type, faults name the field.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let body = read(request, state, BODY_TIMEOUT).await?;
        parse_object(&body).map(Self)
    }
}

/// The input of a run: a JSON object. No body at all is the empty object.
pub struct InputObject(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for InputObject {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = require_json(request.headers());
        let body = read(request, state, BODY_TIMEOUT).await?;
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        declared?;
        parse_object(&body).map(Self)
    }
}

/// What a body is declared as, in lower case and without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let essence = content_type(headers);
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Kind::ContentTypeUnsupported).detail("Send JSON, with `Content-Type: application/json`."))
}

/// Reads a body whole.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S, within: Duration) -> Result<Bytes, Problem> {
    let body = timeout(within, Bytes::from_request(request, state)).await.map_err(|_| {
        let detail = format!("The body did not arrive whole within {} seconds.", within.as_secs());
        Problem::new(Kind::BodyUnreadable).detail(detail)
    })?;
    body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(Kind::BodyTooLarge)
        } else {
            Problem::new(Kind::BodyUnreadable).detail("The body ended early or could not be received.")
        }
    })
}

fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Syntax first, so that the same text is unreadable whatever type it was meant for.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| unreadable(&error))?;
    // Types would also read an array, its items in the order of their fields.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::new(Kind::BodyInvalid)
            .errors(vec![FieldFault { pointer: "#".to_owned(), detail: "expected an object".to_owned() }]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, cause) = (pointer(error.path()), error.into_inner());
        Problem::new(Kind::BodyInvalid).errors(vec![fault(path, &cause)])
    })
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::BodyUnreadable).detail(format!(
        "The body is not JSON: line {}, column {}.",
        error.line(),
        error.column()
    ))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = "#".to_owned();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// What serde says about a field, as a person would: unknown fields get the nearest known name, and both unknown and
/// missing fields a pointer of their own.
fn fault(pointer: String, error: &serde_json::Error) -> FieldFault {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    match (text.split_once(" field "), quoted.as_slice()) {
        (Some(("unknown", _)), [unknown, known @ ..]) => {
            let detail = nearest(unknown, known.iter().copied())
                .map_or_else(|| "unknown field".to_owned(), |name| format!("unknown field; did you mean `{name}`?"));
            // The path already ends at the unknown field in maps, and at its parent in structs.
            let pointer =
                if pointer.ends_with(&format!("/{unknown}")) { pointer } else { format!("{pointer}/{unknown}") };
            FieldFault { pointer, detail }
        }
        (Some(("missing", _)), [missing, ..]) => {
            FieldFault { pointer: format!("{pointer}/{missing}"), detail: "required".to_owned() }
        }
        // What was sent is left out: it may be a secret in the wrong place.
        _ => {
            let detail = text
                .rsplit_once(", expected ")
                .map_or_else(|| "not a valid value".to_owned(), |(_, expected)| format!("expected {expected}"));
            FieldFault { pointer, detail }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        name: String,
        #[expect(dead_code, reason = "only parsed")]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only parsed")]
        count: u8,
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::new(axum::body::Body::from_stream(never));
        let problem = read(request, &(), Duration::from_millis(10)).await.expect_err("given up");
        assert_eq!(problem.kind(), Kind::BodyUnreadable);
    }

    fn refused(body: &str) -> (u16, serde_json::Value) {
        let problem = parse_object::<Outer>(body.as_bytes()).expect_err("refused");
        let status = problem.kind().status();
        let response = problem.respond(None);
        let body = futures::executor::block_on(axum::body::to_bytes(response.into_body(), usize::MAX)).expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[test]
    fn a_fault_points_at_its_field_and_an_unknown_field_gets_the_nearest_name() {
        for (body, pointer, detail) in [
            (r#"{"nmae": "a"}"#, "#/nmae", "unknown field; did you mean `name`?"),
            ("{}", "#/name", "required"),
            (r#"{"name": "a", "inner": {}}"#, "#/inner/count", "required"),
            (r#"{"name": "a", "inner": {"count": 300}}"#, "#/inner/count", "expected u8"),
            (r#"{"name": "a", "inner": {"zzz": 1}}"#, "#/inner/zzz", "unknown field"),
        ] {
            let (status, problem) = refused(body);
            assert_eq!(status, 422, "{body}");
            assert_eq!(problem["errors"], serde_json::json!([{ "pointer": pointer, "detail": detail }]), "{body}");
        }
    }

    #[test]
    fn only_an_object_is_a_body_also_where_every_field_is_optional() {
        for body in ["[]", r#" ["a", null]"#, "null", "\"{}\"", "7"] {
            let (status, problem) = refused(body);
            assert_eq!(status, 422, "{body}");
            let expected = serde_json::json!([{ "pointer": "#", "detail": "expected an object" }]);
            assert_eq!(problem["errors"], expected, "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_unreadable() {
        for body in ["", "{", "{} trailing", "\u{feff}{}"] {
            assert_eq!(refused(body).0, 400, "{body}");
        }
    }
}
