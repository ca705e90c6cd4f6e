//! Signing out.

use crate::{
    http::{
        Problem,
        caller::{check_same_origin, client_address},
        cookies::{self, session_cookie},
        denials::Refused,
    },
    state::Api,
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
};
use msp_storage::repositories::Actor;

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
