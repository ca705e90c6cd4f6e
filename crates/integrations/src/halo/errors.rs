//! What HaloPSA refuses, as advice.

use crate::{
    connector::Answer,
    error::{CREDENTIAL_REJECTED, IntegrationError, NOT_FOUND, PERMISSION_DENIED, REJECTED, THROTTLED, UNAVAILABLE},
    graph::errors::throttled,
    masking::Secrets,
};
use serde_json::Value;

/// Why HaloPSA gave no token.
pub(super) fn token_refused(answer: &Answer, secrets: &Secrets, org: &str) -> IntegrationError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = body["error"].as_str().unwrap_or_default();
    let said = secrets.quote(body["error_description"].as_str().unwrap_or("no reason given"));
    let (kind, message) = match answer.status {
        _ if matches!(error, "invalid_client" | "unauthorized_client") => {
            (CREDENTIAL_REJECTED, format!("HaloPSA rejected the client id or secret of {org}'s `halopsa` integration."))
        }
        401 => (CREDENTIAL_REJECTED, format!("HaloPSA rejected the credential of {org}'s `halopsa` integration.")),
        429 => (THROTTLED, throttled("HaloPSA", answer)),
        500.. => (UNAVAILABLE, "The authorization server of HaloPSA is not available at the moment.".to_owned()),
        200..=399 | 404 => (
            UNAVAILABLE,
            "There is no HaloPSA authorization server at the `auth_url` of the integration. Check the address."
                .to_owned(),
        ),
        _ => (
            REJECTED,
            format!("HaloPSA gave no token for {org}: {said} Check `tenant` and `auth_url` of the integration."),
        ),
    };
    IntegrationError::new(kind, message).with_status(answer.status)
}

/// Why HaloPSA refused a call.
pub(super) fn refused(answer: &Answer, secrets: &Secrets, org: &str) -> IntegrationError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = ["Message", "message", "error_description"].iter().find_map(|name| body[*name].as_str());
    let said = secrets.quote(said.unwrap_or("no reason given"));
    let (kind, message) = match answer.status {
        300..=399 => {
            (UNAVAILABLE, "HaloPSA answered with a redirect. Check the `base_url` of the integration.".to_owned())
        }
        401 => (CREDENTIAL_REJECTED, format!("HaloPSA does not accept the token it was sent for {org}.")),
        403 => (
            PERMISSION_DENIED,
            format!(
                "HaloPSA does not allow this for {org}: {said} Check the permissions of the API application, and the \
                 teams and clients of the agent it logs in as."
            ),
        ),
        404 => (NOT_FOUND, format!("HaloPSA found nothing: {said}")),
        429 => (THROTTLED, throttled("HaloPSA", answer)),
        500.. => (UNAVAILABLE, format!("HaloPSA is not available at the moment (status {}).", answer.status)),
        _ => (REJECTED, format!("HaloPSA refused: {said}")),
    };
    IntegrationError::new(kind, message).with_status(answer.status)
}
