//! Who is asking: bearer token or session cookie to caller.

use super::{Problem, ProblemKind as Kind, attempts::TooMany, cookies, denials::Refused, origin, params::at_most_once};
use crate::state::{Api, ApiState};
use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, Method, header, request::Parts},
};
use msp_auth::{AuthError, Authenticated};
use msp_domain::Caller;
use msp_storage::repositories::{Actor, snapshot::Snapshot};
use std::{net::SocketAddr, sync::Arc};

/// A caller and where the request came from.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who.
    pub caller: Caller,
    /// The same for the audit trail, with the address.
    pub actor: Actor,
}

/// The address of the client. No proxy is trusted, so forwarding headers are not read.
pub(crate) fn client_address(extensions: &Extensions) -> Option<String> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical().to_string())
}

/// Authenticates a request, or says why not. A refusal is counted for the audit trail.
pub(crate) async fn authenticate(api: &Api, parts: &Parts) -> Result<Asking, Problem> {
    authenticate_at(api, parts).await.map(|(asking, _)| asking)
}

/// As [`authenticate`], with the version of everything at which the caller was found active.
pub(crate) async fn authenticate_at(api: &Api, parts: &Parts) -> Result<(Asking, Arc<Snapshot>), Problem> {
    let address = client_address(&parts.extensions);
    match credential(api, &parts.method, &parts.headers, address.as_deref()).await {
        Ok(Authenticated { caller, snapshot }) => {
            let actor = Actor { user: Some(caller.user), ip_address: address };
            api.requests.admit(caller.user).map_err(|refused| {
                api.denials.of_busy_caller(&actor);
                too_many(refused)
            })?;
            Ok((Asking { caller, actor }, snapshot))
        }
        Err(problem) => {
            if matches!(problem.kind(), Kind::Unauthenticated | Kind::OriginNotAllowed) {
                api.denials.of_stranger(address.as_deref().unwrap_or("unknown"), Refused::Access);
            }
            Err(problem)
        }
    }
}

/// Refuses what a browser sends for another site to where nobody need be signed in, and counts it.
pub(crate) fn check_same_origin(
    api: &ApiState,
    (headers, extensions): (&HeaderMap, &Extensions),
    must_prove: bool,
    what: Refused,
) -> Result<(), Problem> {
    origin::check_same_origin(&api.options, headers, must_prove).inspect_err(|_| {
        api.denials.of_stranger(client_address(extensions).as_deref().unwrap_or("unknown"), what);
    })
}

fn too_many(TooMany { wait_seconds }: TooMany) -> Problem {
    let detail = "You asked more within a minute than this server answers to one caller, over all tokens and sessions.";
    Problem::new(Kind::RateLimited).detail(detail).retry_after(wait_seconds)
}

/// A bearer token wins over a cookie, even when it is invalid: a program that sends one means it.
async fn credential(
    api: &ApiState,
    method: &Method,
    headers: &HeaderMap,
    address: Option<&str>,
) -> Result<Authenticated, Problem> {
    if let Some(value) = at_most_once(headers, header::AUTHORIZATION)? {
        let token = value.to_str().ok().and_then(bearer_token).ok_or(AuthError::Refused)?;
        return Ok(api.authenticator.bearer(token, address).await?);
    }
    let Some(cookie) = cookies::session_cookie(&api.options, headers) else {
        let source =
            if api.authenticator.entra().is_some() { "an access token of Entra ID" } else { "a token of `msp token`" };
        return Err(Problem::new(Kind::Unauthenticated)
            .detail(format!("Send `Authorization: Bearer` with {source}, or sign in with a browser.")));
    };
    if !method.is_safe() {
        origin::check_same_origin(&api.options, headers, true)?;
    }
    Ok(api.authenticator.session(cookie).await?)
}

pub(crate) fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
