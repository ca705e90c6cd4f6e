//! Microsoft Graph, as far as the platform calls it.

pub(crate) mod errors;
mod licenses;
mod users;

use crate::{request, simulator::Simulator, tokens::Opens};
use axum::{
    Router,
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};
use uuid::Uuid;

pub(crate) fn routes() -> Router<Simulator> {
    Router::new()
        .route("/v1.0/users", get(users::list).post(users::create))
        .route("/v1.0/users/{id}", get(users::read))
        .route("/v1.0/users/{id}/assignLicense", post(licenses::assign))
        .route("/v1.0/subscribedSkus", get(licenses::subscribed_skus))
}

/// The tenant of the call's token, if that token carries one of these roles.
fn tenant_for(simulator: &Simulator, headers: &HeaderMap, roles: &[&str]) -> Result<Uuid, Box<Response>> {
    let opens = request::bearer(headers).and_then(|token| simulator.tokens().opens(token));
    let Some(Opens::Graph { tenant, roles: held }) = opens else {
        return Err(Box::new(errors::refusal(
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired or unknown.",
        )));
    };
    if held.iter().any(|role| roles.contains(&role.as_str())) {
        return Ok(tenant);
    }
    let text = "Insufficient privileges to complete the operation.";
    Err(Box::new(errors::refusal(403, "Authorization_RequestDenied", text)))
}

/// The answer for a tenant that was removed while its token lives on.
fn tenant_gone() -> Response {
    errors::refusal(
        403,
        "Authorization_IdentityNotFound",
        "The identity of the calling application could not be established.",
    )
}
