//! What happens around every request: an id, the host check, headers, panics, one log line.

use super::{Problem, ProblemKind as Kind, caller::client_address, denials::Refused, origin};
use crate::state::Api;
use axum::{
    Router,
    extract::{MatchedPath, OriginalUri, Request, State},
    http::{HeaderName, HeaderValue, Method, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

/// The header every answer carries; a problem's `instance` says the same.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest path with query; option generators take their inputs there, and longer ones in a body.
const MAX_ADDRESS: usize = 8 * 1024;
/// Most headers of a request. `http_server.rs` of the server reads twice as many, so that this answer can be given.
const MAX_HEADERS: usize = 100;
/// Most bytes of all headers: a token of 8 KiB, the cookies of one host, and what proxies add.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Headers that every answer gets.
const HEADERS: usize = 8;

/// Answers of the API are data: opened by themselves they may load, run and frame nothing. The client says otherwise for
/// its own files.
const CONTENT_SECURITY_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");

/// Puts the layers around a router. The first one added is the innermost.
pub(crate) fn around(router: Router<Api>, api: &Api) -> Router<Api> {
    router
        .layer(middleware::from_fn_with_state(api.clone(), only_known_hosts))
        .layer(middleware::from_fn(only_short_heads))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn_with_state(api.clone(), finish))
}

/// Liveness probes come from wherever and learn nothing; everything else must name a host of ours.
async fn only_known_hosts(State(api): State<Api>, request: Request, next: Next) -> Response {
    if !matches!(request.uri().path(), "/healthz" | "/readyz")
        && let Err(problem) = origin::check_host(&api.options, request.uri(), request.headers())
    {
        let address = client_address(request.extensions());
        api.denials.of_stranger(address.as_deref().unwrap_or("unknown"), Refused::Access);
        return problem.into_response();
    }
    next.run(request).await
}

/// Refuses what no client of ours sends, before anything is read into it. The server below gives up on more than 64 KiB of
/// address, and on more headers than it has room for, without a word.
async fn only_short_heads(request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > MAX_ADDRESS {
        let detail = format!("Path and query may have {MAX_ADDRESS} bytes. Where a body is offered, send it there.");
        return Problem::new(Kind::AddressTooLong).detail(detail).into_response();
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let detail = format!("A request may have {MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes of them.");
        return Problem::new(Kind::HeadersTooLarge).detail(detail).into_response();
    }
    next.run(request).await
}

/// A panic is a fault of ours: it is logged here, and the caller learns only the request id.
#[expect(clippy::needless_pass_by_value, reason = "the signature the layer asks for")]
fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "A handler panicked.");
    Problem::new(Kind::Internal).into_response()
}

async fn finish(State(api): State<Api>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = std::time::Instant::now();
    // Of the highest level, so that whatever is logged on the way to the answer names its request.
    let span = tracing::error_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = with_request_id(response, problem, id);
    }
    add_headers(&mut response, id);
    let (status, took) = (response.status(), started.elapsed());
    api.traffic.answered(route.as_ref(), status, took);
    let (status, duration_ms) = (status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    tracing::debug!(request.id = %id, %method, path, status, duration_ms, "Answered a request.");
    response
}

/// The problem once more, now naming the request; headers other layers added (such as `Allow`) stay.
fn with_request_id(response: Response, problem: Problem, id: Uuid) -> Response {
    if let Some(cause) = problem.cause() {
        tracing::error!(request.id = %id, cause, problem = problem.kind().slug(), "A request failed.");
    }
    let earlier = response.headers().clone();
    let mut answer = problem.respond(Some(id));
    for (name, value) in &earlier {
        if *name != header::CONTENT_LENGTH && !answer.headers().contains_key(name) {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

fn add_headers(response: &mut Response, id: Uuid) {
    let headers = response.headers_mut();
    // Once, instead of twice on the way to as many.
    headers.reserve(HEADERS);
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    // Answers are about one caller and one moment; files of the client say otherwise themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID, HeaderValue::from_str(&id.to_string()).expect("a UUID is a header value"));
}

/// The answer where no route is.
pub(crate) async fn no_such_path(OriginalUri(uri): OriginalUri) -> Problem {
    Problem::new(Kind::NotFound).detail(format!("There is nothing at `{}`.", shown(&uri)))
}

/// The answer where the route does not know the method.
pub(crate) async fn no_such_method(method: Method) -> Problem {
    Problem::new(Kind::MethodNotAllowed).detail(format!("`{method}` is not offered here; see the `Allow` header."))
}

/// A path cut to a length that is safe to show.
fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_without_its_message() {
        let response = after_panic(Box::new("the master key is 42"));
        assert_eq!(response.status().as_u16(), 500);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("/problems/internal") && !text.contains("42"), "{text}");
    }
}
