//! A browser that comes back from the issuer.

use super::{super::session, Failure, issuer, parameter, place::page_at, redirect_uri, see_other, sign_in_page};
use crate::{
    http::{Problem, caller::client_address, cookies},
    state::{Api, ApiState},
};
use axum::{
    extract::{RawQuery, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use msp_auth::entra::{Attempt, Entra};
use msp_domain::UserId;

/// End signing in with Entra ID: the issuer leads browsers here.
///
/// What comes back counts only in the browser that began, for ten minutes, once. The code is exchanged for an id token,
/// whoever it names becomes a user at the first sign-in, and a session begins; one that the browser already had ends. What
/// fails leads to the sign-in page, which says why.
///
/// Problems: `not-found` (404).
#[utoipa::path(
    get, path = "/api/auth/entra/callback", operation_id = "completeEntraSignIn", tag = "sign-in",
    params(
        ("state" = Option<String>, Query, description = "What the sign-in was begun with."),
        ("code" = Option<String>, Query, description = "What stands for the id token."),
        ("error" = Option<String>, Query, description = "Why there is no code."),
        ("error_description" = Option<String>, Query, description = "The same for people; shown to none."),
    ),
    responses((status = 303, description = "Signed in, to the page the sign-in began at; or to the sign-in page.",
        headers(
            ("Location" = String, description = "Where to."),
            ("Set-Cookie" = Option<String>, description = "The session."),
        ))),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn complete_entra_sign_in(
    State(api): State<Api>,
    extensions: Extensions,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let issuer = issuer(&api)?;
    let address = client_address(&extensions);
    let query = query.unwrap_or_default();
    let ticket = cookies::ticket(&api.options, &headers);
    let state = parameter(&query, "state");
    let attempt = ticket.zip(state).and_then(|(ticket, state)| issuer.resume(ticket, &state, api.clock.now()));
    let Some(attempt) = attempt else {
        // What this browser may have begun itself goes on, whatever somebody else made it ask.
        return Ok(see_other(&sign_in_page(&api, Some(refused(&api, address, Failure::Expired))), None));
    };
    let forget = cookies::forget_ticket(&api.options);
    let begun = async {
        let user = prove(&api, issuer, &attempt, &query, address.as_deref()).await?;
        Ok::<_, Failure>(session::begin(&api, &headers, user, address.clone()).await?)
    };
    Ok(match begun.await {
        Ok(session) => see_other(&page_at(&api.options.base_url, Some(attempt.return_to())), [session, forget]),
        Err(failure) => {
            let failure = refused(&api, address, failure);
            see_other(&sign_in_page(&api, Some(failure)), Some(forget))
        }
    })
}

/// Who has signed in at the issuer, if they may come in.
async fn prove(
    api: &ApiState,
    issuer: &Entra,
    attempt: &Attempt,
    query: &str,
    address: Option<&str>,
) -> Result<UserId, Failure> {
    if let Some(error) = parameter(query, "error") {
        let description = parameter(query, "error_description").unwrap_or_default();
        return Err(Failure::of_issuer(&error, &description));
    }
    let code = parameter(query, "code").ok_or(Failure::Unproven)?;
    let token = issuer.exchange(&code, attempt, &redirect_uri(api)).await?;
    let identity = issuer.id_token(&token, &attempt.nonce()).await?;
    // Last, so that only who has an account at the issuer can make this server write anything.
    if !api.repositories.spent_sign_ins.spend(&attempt.state(), attempt.expires_at()).await? {
        return Err(Failure::Expired);
    }
    Ok(api.authenticator.admit(&identity, address).await?.id)
}

/// Counts a refusal for the audit trail, and tells who keeps being refused to wait.
fn refused(api: &ApiState, address: Option<String>, failure: Failure) -> Failure {
    if !failure.is_denial() || session::count_failure(api, address).is_ok() { failure } else { Failure::TooMany }
}
