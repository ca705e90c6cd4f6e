//! Signing in with a one-time link, and out.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        attempts::TooMany,
        caller::{check_same_origin, client_address},
        cookies::{self, session_cookie},
        denials::Refused,
        json::ApiJson,
    },
    state::Api,
};
use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderName, StatusCode, header},
};
use msp_storage::repositories::Actor;
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
        // After the link was tried: many people share an address behind a proxy, and the bad links of one of them must
        // not keep the others out.
        let counted_as = address.as_deref().unwrap_or("unknown");
        api.denials.of_stranger(counted_as, Refused::SignIn);
        api.sign_ins.admit(counted_as.to_owned()).map_err(|TooMany { wait_seconds }| {
            let detail = format!("Wait {wait_seconds} seconds, then use a fresh link.");
            Problem::new(Kind::TooManyAttempts).detail(detail).retry_after(wait_seconds)
        })?;
        return Err(Problem::new(Kind::LinkInvalid)
            .detail("The link was used already, is older than 15 minutes, or is not complete. Ask for a new one."));
    };

    let actor = Actor { user: Some(user.id), ip_address: address };
    if let Some(earlier) = session_cookie(&api.options, &headers) {
        api.repositories.sessions.end(earlier, &actor).await?;
    }
    let session = api.repositories.sessions.begin(user.id, &actor).await?;
    api.repositories.users.signed_in(user.id, &actor).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookies::begin(&api.options, session.reveal()))]))
}

/// Sign out: end the session of the browser.
///
/// The browser forgets the cookie. Without a session there is nothing to end, and that is
/// no error.
///
/// Problems: `origin-not-allowed` (403).
#[utoipa::path(
    post, path = "/api/auth/sign-out", operation_id = "signOut", tag = "sign-in",
    responses((status = 204, description = "Signed out.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn sign_out(
    State(api): State<Api>,
    request: Request,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Problem> {
    let cookie = session_cookie(&api.options, request.headers());
    check_same_origin(&api, (request.headers(), request.extensions()), cookie.is_some(), Refused::Access)?;
    if let Some(cookie) = cookie {
        let session = api.repositories.sessions.find(cookie).await?;
        let actor =
            Actor { user: session.map(|session| session.user), ip_address: client_address(request.extensions()) };
        api.repositories.sessions.end(cookie, &actor).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookies::end(&api.options))]))
}
