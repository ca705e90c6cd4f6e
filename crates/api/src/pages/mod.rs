//! The sign-in page and the signed-in page: plain HTML with script and style in files of their own, because the content
//! security policy allows nothing inline.

use crate::{
    http::{Problem, cookies::session_cookie},
    state::Api,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use msp_auth::AuthError;

/// Embedded files change with the binary only; browsers ask again, so an update shows at once.
const REVALIDATE: &str = "no-cache";

type File = ([(HeaderName, &'static str); 2], &'static str);

fn file(content_type: &'static str, text: &'static str) -> File {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, REVALIDATE)], text)
}

/// The pages and their files.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(|| async { html(include_str!("sign_in.html")) }))
        .route("/assets/pages.css", get(|| async { file("text/css; charset=utf-8", include_str!("pages.css")) }))
        .route("/assets/icon.svg", get(|| async { file("image/svg+xml", include_str!("icon.svg")) }))
        .route("/assets/sign_in.js", get(|| async { script(include_str!("sign_in.js")) }))
        .route("/assets/home.js", get(|| async { script(include_str!("home.js")) }))
}

fn script(text: &'static str) -> File {
    file("text/javascript; charset=utf-8", text)
}

fn html(text: &'static str) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text)
}

/// The signed-in page; without a session, the way to sign in.
async fn home(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let signed_in = match session_cookie(&api.options, &headers) {
        None => false,
        Some(cookie) => match api.authenticator.session(cookie).await {
            Ok(_) => true,
            Err(AuthError::Refused) => false,
            Err(AuthError::Store(error)) => return Err(error.into()),
        },
    };
    if signed_in {
        Ok(html(include_str!("home.html")).into_response())
    } else {
        Ok(Redirect::to("/sign-in").into_response())
    }
}
