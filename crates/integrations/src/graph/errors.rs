//! What Entra and Graph refuse, as advice.

use crate::{
    connector::Answer,
    error::{
        ALREADY_EXISTS, CONSENT_REQUIRED, CREDENTIAL_REJECTED, IntegrationError, NOT_FOUND, PERMISSION_DENIED,
        REJECTED, THROTTLED, UNAVAILABLE,
    },
    masking::Secrets,
};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

/// Who is involved when a token is refused.
pub(super) struct Parties<'a> {
    pub(super) org: &'a str,
    pub(super) tenant: Uuid,
    pub(super) client_id: &'a str,
    pub(super) auth: &'a Url,
}

/// Why Entra gave no token. The numbers are those of Microsoft Learn, "Microsoft Entra authentication and
/// authorization error codes".
pub(super) fn token_refused(answer: &Answer, secrets: &Secrets, parties: &Parties<'_>) -> IntegrationError {
    let Parties { org, tenant, client_id, auth } = parties;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["error_codes"][0].as_u64().or_else(|| code_in(body["error_description"].as_str()?));
    let (kind, message) = match code {
        Some(65001 | 7000229) => (
            CONSENT_REQUIRED,
            format!(
                "The tenant of {org} has not consented to the application {client_id}. An administrator of that tenant \
                 opens {}/{tenant}/adminconsent?client_id={client_id} and accepts.",
                auth.origin().ascii_serialization()
            ),
        ),
        Some(7_000_215) => (
            CREDENTIAL_REJECTED,
            format!(
                "The client secret of {org}'s `msgraph` integration is wrong. Enter the secret's value, not its id."
            ),
        ),
        Some(7_000_222) => (
            CREDENTIAL_REJECTED,
            format!("The client secret of {org}'s `msgraph` integration has expired. Create a new one and enter it."),
        ),
        Some(90002) => (REJECTED, format!("There is no tenant {tenant}. Correct the `tenant_id` of {org}.")),
        Some(700_016) => (
            REJECTED,
            format!(
                "The application {client_id} is not known in the tenant of {org}. Check the `client_id` of its \
                 `msgraph` integration and its `tenant_id`, then have the tenant consent."
            ),
        ),
        Some(50076 | 50079 | 50158 | 53003) => (
            PERMISSION_DENIED,
            format!("A Conditional Access policy of {org} blocks the platform. Exclude the service provider from it."),
        ),
        _ if answer.status == 429 => (THROTTLED, throttled("Microsoft Entra", answer)),
        _ if answer.status >= 500 => (UNAVAILABLE, "Microsoft Entra is not available at the moment.".to_owned()),
        _ => {
            let quote = secrets.quote(body["error_description"].as_str().unwrap_or("no reason given"));
            return IntegrationError::new(REJECTED, format!("Microsoft Entra gave no token for {org}: {quote}"))
                .with_status(answer.status);
        }
    };
    let suffix = code.filter(|_| kind != THROTTLED).map_or_else(String::new, |code| format!(" (AADSTS{code})"));
    IntegrationError::new(kind, secrets.mask(&format!("{message}{suffix}"))).with_status(answer.status)
}

/// Why Graph refused a call.
pub(super) fn refused(answer: &Answer, secrets: &Secrets, org: &str, needs: &str) -> IntegrationError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &body["error"];
    let code = secrets.quote(error["code"].as_str().unwrap_or_default());
    let said = secrets.quote(error["message"].as_str().unwrap_or("no reason given"));
    let (kind, message) = match answer.status {
        300..=399 => (
            UNAVAILABLE,
            "Microsoft Graph answered with a redirect. Check the `base_url` of the integration.".to_owned(),
        ),
        401 => {
            (CREDENTIAL_REJECTED, format!("Microsoft Graph does not accept the token it was sent for {org}: {said}"))
        }
        403 => (
            PERMISSION_DENIED,
            format!(
                "Microsoft Graph does not allow this for {org} ({code}). The application needs the application \
                 permission {needs}, with the consent of that tenant."
            ),
        ),
        404 => (NOT_FOUND, format!("Microsoft Graph found nothing: {said}")),
        429 => (THROTTLED, throttled("Microsoft Graph", answer)),
        500.. => (UNAVAILABLE, format!("Microsoft Graph is not available at the moment (status {}).", answer.status)),
        _ if is_conflict(error) => (ALREADY_EXISTS, format!("Microsoft Graph refused: {said}")),
        _ => (REJECTED, format!("Microsoft Graph refused ({code}): {said}")),
    };
    IntegrationError::new(kind, message).with_status(answer.status)
}

/// What a person is told about throttling that outlasted the retries.
pub(crate) fn throttled(service: &str, answer: &Answer) -> String {
    let digits = |text: &&str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match answer.retry_after.as_deref().map(str::trim).filter(digits) {
        Some(seconds) => format!("{service} is throttling the platform. Run again in {seconds} seconds."),
        None => format!("{service} is throttling the platform. Run again in a few minutes."),
    }
}

fn is_conflict(error: &Value) -> bool {
    let conflict = |code: &Value| code.as_str() == Some("ObjectConflict");
    conflict(&error["code"])
        || error["details"].as_array().is_some_and(|details| details.iter().any(|detail| conflict(&detail["code"])))
        || error["message"].as_str().is_some_and(|text| text.contains("already exists"))
}

/// The number in `AADSTS700016: ...`.
fn code_in(description: &str) -> Option<u64> {
    let rest = description.split("AADSTS").nth(1)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
