//! Sending a browser to the issuer.

use super::{issuer, parameter, place::page_at, redirect_uri, see_other, sign_in_page};
use crate::{
    http::{Problem, cookies, origin},
    state::Api,
};
use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use msp_auth::entra::ATTEMPT_LIFETIME;
use url::Position;

/// Begin to sign in with Entra ID: a link of the sign-in page leads here.
///
/// Leads on to the issuer, and binds the sign-in to this browser by a cookie for ten minutes. From another site, or while
/// the issuer does not answer, it leads to the sign-in page.
///
/// Problems: `not-found` (404).
#[utoipa::path(
    get, path = "/api/auth/entra/start", operation_id = "startEntraSignIn", tag = "sign-in",
    params(
        ("return_to" = Option<String>, Query, max_length = 1000, pattern = "^/",
            description = "The page to show afterwards: a path of this server. Anything else is the start page."),
        ("choose_account" = Option<bool>, Query,
            description = "Whether the issuer asks which account, also where it knows one."),
    ),
    responses((status = 303, description = "To the issuer, or to the sign-in page.", headers(
        ("Location" = String, description = "Where to."),
        ("Set-Cookie" = Option<String>, description = "What binds the sign-in to this browser."),
    ))),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn start_entra_sign_in(
    State(api): State<Api>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let issuer = issuer(&api)?;
    if !origin::is_own_navigation(&headers) {
        return Ok(see_other(&sign_in_page(&api, None), None));
    }
    let query = query.unwrap_or_default();
    let page = page_at(&api.options.base_url, parameter(&query, "return_to").as_deref());
    let attempt = issuer.begin(&page[Position::BeforePath..], api.clock.now());
    let chooses = parameter(&query, "choose_account").is_some_and(|value| value == "true");
    let to = match issuer.sign_in_url(&attempt, &redirect_uri(&api), chooses).await {
        Ok(to) => to,
        Err(error) => return Ok(see_other(&sign_in_page(&api, Some(error.into())), None)),
    };
    Ok(see_other(&to, Some(cookies::keep_ticket(&api.options, attempt.ticket(), ATTEMPT_LIFETIME))))
}
