//! Signing in with Entra ID: authorization code with PKCE (RFC 6749, RFC 7636), for browsers that people sit at. So every
//! answer leads to a page: where a program would get a problem, the sign-in page explains what happened.

pub(crate) mod callback;
mod failure;
mod place;
pub(crate) mod sign_out;
pub(crate) mod start;

use crate::{
    http::{Problem, ProblemKind as Kind},
    state::ApiState,
};
use axum::{
    http::{StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use failure::Failure;
use msp_auth::entra::Entra;
use url::{Url, form_urlencoded};

/// The issuer, where sign-in is its business.
fn issuer(api: &ApiState) -> Result<&Entra, Problem> {
    let off = || Problem::new(Kind::NotFound).detail("Browsers sign in here with one-time links, not with Entra ID.");
    api.authenticator.entra().ok_or_else(off)
}

/// Where the issuer sends browsers back to; registered with it. Never what a request calls its host.
fn redirect_uri(api: &ApiState) -> Url {
    page(api, "/api/auth/entra/callback")
}

/// An address of this server, as browsers see it.
fn page(api: &ApiState, path: &str) -> Url {
    let mut url = api.options.base_url.clone();
    url.set_path(path);
    url
}

/// The sign-in page, explaining a failure if there was one.
fn sign_in_page(api: &ApiState, failure: Option<Failure>) -> Url {
    let mut url = page(api, "/sign-in");
    url.set_query(failure.map(|failure| format!("failed={}", failure.name())).as_deref());
    url
}

fn see_other(to: &Url, cookies: impl IntoIterator<Item = String>) -> Response {
    let cookies: Vec<_> = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect();
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_string())], AppendHeaders(cookies)).into_response()
}

/// The value of a parameter that stands in the query once.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(parameter, _)| parameter == name);
    let first = values.next()?.1.into_owned();
    (values.next().is_none() && !first.is_empty()).then_some(first)
}
