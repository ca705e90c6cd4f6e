//! What is answered where no route of the API is: a file, the page, or a problem.

use super::{Served, negotiate};
use crate::{http::layers::no_such_path, state::Api};
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Where names contain a hash of the content.
pub(super) const ASSETS: &str = "/assets/";

/// A year, the longest that caches promise (RFC 9111 says nothing of more), and no asking in between.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about each time, so that an update shows at once.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// Everything from this server; styles may stand in attributes, because the components of the client position by them.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The file of this path. Where there is none, people get the page, whose script knows its own addresses, and programs
/// the problem.
pub(crate) async fn file_or_page(
    State(api): State<Api>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path();
    let found = match method {
        Method::GET | Method::HEAD => api.client.file(path).or_else(|| {
            let is_page = may_be_page(path) && negotiate::asks_for_a_page(&headers);
            is_page.then_some(&api.client.index)
        }),
        _ => None,
    };
    match found {
        Some(served) => answer(served, &headers),
        None => no_such_path(OriginalUri(uri)).await.into_response(),
    }
}

/// A program's mistake must not look like a success, and a script that is gone must not turn into a page.
fn may_be_page(path: &str) -> bool {
    path != "/api" && !path.starts_with("/api/") && !path.starts_with(ASSETS)
}

fn answer(served: &Served, request: &HeaderMap) -> Response {
    let file = &served.file;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if file.path.starts_with(ASSETS) {
        headers.insert(header::CACHE_CONTROL, FOR_GOOD);
    } else {
        headers.insert(header::CACHE_CONTROL, REVALIDATED);
        let etag = format!("W/\"{}\"", served.etag);
        headers.insert(header::ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits are a header value"));
        if negotiate::holds(request, &served.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
    headers.insert(header::CONTENT_TYPE, content_type(file.path));
    let accepted = |coding, content: Option<&'static [u8]>| {
        content.filter(|_| negotiate::accepts_encoding(request, coding)).map(|content| (coding, content))
    };
    let content = match accepted("br", file.brotli).or_else(|| accepted("gzip", file.gzip)) {
        Some((coding, content)) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            content
        }
        None => file.plain,
    };
    (headers, content).into_response()
}

/// Of the kinds of files a client is made of; others are offered for saving.
fn content_type(path: &str) -> HeaderValue {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    HeaderValue::from_static(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    })
}
