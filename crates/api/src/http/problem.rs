//! RFC 9457 problems: the only way this API says no.

use super::kinds::ProblemKind;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use msp_domain::FieldFault;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The media type of every refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal on its way out. Its kind decides slug, status and title; the rest is about this one occurrence.
///
/// Boxed, because every handler returns it in its `Result`: the good case should not pay for it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Occurrence>);

#[derive(Debug, Clone)]
struct Occurrence {
    kind: ProblemKind,
    detail: Option<String>,
    errors: Vec<FieldFault>,
    members: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this kind, with nothing more to say.
    pub fn new(kind: ProblemKind) -> Self {
        let mut problem = Self(Box::new(Occurrence {
            kind,
            detail: None,
            errors: Vec::new(),
            members: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }));
        if kind.status() == 401 {
            problem = problem.header(header::WWW_AUTHENTICATE, "Bearer");
        }
        match kind.retry_after_seconds() {
            Some(seconds) => problem.header(header::RETRY_AFTER, &seconds.to_string()),
            None => problem,
        }
    }

    /// What happened and what to do, for a person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The fields at fault.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// A further member, as RFC 9457 section 3.2 allows.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// A header of the answer; a value that is no header value is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }

    /// When trying again makes sense, where that is known better than for the kind as such.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// What the log should know and the caller must not.
    #[must_use]
    pub fn caused_by(mut self, cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            text = format!("{text}: {source}");
            next = source.source();
        }
        self.0.cause = Some(text);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// The cause kept for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The answer, carrying the id of its request.
    pub(crate) fn respond(self, request_id: Option<Uuid>) -> Response {
        let Occurrence { kind, detail, errors, members, headers, cause: _ } = *self.0;
        let body = ProblemBody {
            problem_type: format!("/problems/{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail,
            instance: request_id.map(|id| format!("urn:uuid:{}", id.hyphenated())),
            errors,
            members,
        };
        let text = serde_json::to_vec(&body).expect("strings and JSON values always serialise");
        let mut response = Response::new(Body::from(text));
        *response.status_mut() =
            axum::http::StatusCode::from_u16(kind.status()).expect("every kind has a valid status");
        *response.headers_mut() = headers;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind)
    }
}

/// The problem also rides in the answer's extensions: the outermost layer knows the request id and writes it in.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.clone().respond(None);
        response.extensions_mut().insert(self);
        response
    }
}

/// A refusal on the wire (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/permission-denied", "title": "You may not do this", "status": 403,
    "detail": "The permission `manage_config` is missing in this organization.",
    "instance": "urn:uuid:0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10"
}))]
pub struct ProblemBody {
    /// Names the kind and the page that explains it; stable.
    #[serde(rename = "type")]
    problem_type: String,
    /// The kind, for a person.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened this time and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The id of the request, as it stands in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldFault>,
    /// Members of this kind of problem, such as `execution_id`.
    #[serde(flatten)]
    members: Map<String, Value>,
}
