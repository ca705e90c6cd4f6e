//! Signing in with a one-time link.

use super::session;
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        attempts::TooMany,
        caller::{check_same_origin, client_address},
        denials::Refused,
        json::ApiJson,
    },
    state::Api,
};
use axum::{
    extract::State,
    http::{Extensions, HeaderMap, HeaderName, StatusCode, header},
};
use serde::Deserialize;

/// A one-time link's token.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "vQx3…" }))]
pub struct RedeemLink {
    /// The fragment of the link: what follows `#`.
    token: String,
}

/// Sign in with a one-time link.
///
/// Uses the link up and answers the session as an HttpOnly cookie; a session the browser already had ends.
///
/// Problems: `link-invalid` (401), `local-sign-in-off` (403), `origin-not-allowed` (403), `too-many-attempts` (429), `body-invalid` (422).
#[utoipa::path(
    post, path = "/api/auth/link", operation_id = "redeemSignInLink", tag = "sign-in",
    request_body = RedeemLink,
    responses((status = 204, description = "Signed in; the session is in `Set-Cookie`.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn redeem_link(
    State(api): State<Api>,
    extensions: Extensions,
    headers: HeaderMap,
    ApiJson(body): ApiJson<RedeemLink>,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Problem> {
    check_same_origin(&api, (&headers, &extensions), false, Refused::SignIn)?;
    if api.authenticator.entra().is_some() {
        return Err(Problem::new(Kind::LocalSignInOff)
            .detail("One-time links are for local accounts. Sign in with Entra ID on the sign-in page."));
    }
    let address = client_address(&extensions);

    let redeemed = api.repositories.sign_in_links.redeem(&body.token).await?;
    let user = match redeemed {
        Some(id) => api.repositories.users.get(id).await?.filter(|user| api.repositories.users.may_act(user)),
        None => None,
    };
    let Some(user) = user else {
        session::count_failure(&api, address).map_err(|TooMany { wait_seconds }| {
            let detail = format!("Wait {wait_seconds} seconds, then use a fresh link.");
            Problem::new(Kind::TooManyAttempts).detail(detail).retry_after(wait_seconds)
        })?;
        return Err(Problem::new(Kind::LinkInvalid)
            .detail("The link was used already, is older than 15 minutes, or is not complete. Ask for a new one."));
    };

    let cookie = session::begin(&api, &headers, user.id, address).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
