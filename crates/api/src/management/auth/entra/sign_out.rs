//! Ending the session at the issuer, too.

use super::{issuer, page, see_other};
use crate::{http::Problem, state::Api};
use axum::{extract::State, response::Response};

/// Go on to end the session at Entra ID, after the one here has ended: a link of the page that says so leads here.
///
/// The issuer asks which account, and leads back to that page.
///
/// Problems: `not-found` (404).
#[utoipa::path(
    get, path = "/api/auth/entra/sign-out", operation_id = "signOutOfEntra", tag = "sign-in",
    responses((status = 303, description = "To the issuer; back to the page where it does not answer.", headers(
        ("Location" = String, description = "Where to."),
    ))),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn sign_out_of_entra(State(api): State<Api>) -> Result<Response, Problem> {
    let back = page(&api, "/signed-out");
    let to = issuer(&api)?.sign_out_url(&back).await;
    Ok(see_other(to.as_ref().unwrap_or(&back), None))
}
