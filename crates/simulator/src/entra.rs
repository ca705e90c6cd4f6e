//! The token endpoint of Microsoft Entra: client credentials only.

use crate::{
    request,
    simulator::Simulator,
    tokens::{LIFETIME_SECONDS, Opens},
};
use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

/// The only resource played.
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

pub(crate) fn routes() -> Router<Simulator> {
    Router::new().route("/{tenant}/oauth2/v2.0/token", post(token))
}

async fn token(Shared(simulator): Shared<Simulator>, Path(tenant): Path<String>, body: String) -> Response {
    match issue(&simulator, &tenant, &body) {
        Ok(token) => Json(json!({
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "ext_expires_in": LIFETIME_SECONDS,
            "access_token": token,
        }))
        .into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The checks in Entra's order: tenant, application, secret, consent.
fn issue(simulator: &Simulator, tenant: &str, body: &str) -> Result<String, Refusal> {
    let form = request::pairs(body);
    let field = |name: &'static str| {
        form.get(name).map(String::as_str).filter(|text| !text.is_empty()).ok_or_else(|| {
            Refusal::new(
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        })
    };
    if field("grant_type")? != "client_credentials" {
        let text = "The grant type is not supported over this endpoint.".to_owned();
        return Err(Refusal::new(400, "unsupported_grant_type", 70_003, text));
    }
    let (client_id, secret, scope) = (field("client_id")?, field("client_secret")?, field("scope")?);
    let state = simulator.locked();
    let known = Uuid::parse_str(tenant).ok().and_then(|id| state.tenants.get(&id).map(|found| (id, found)));
    let Some((tenant_id, tenant)) = known else {
        let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return Err(Refusal::new(400, "invalid_request", 90_002, text));
    };
    let Some(app) = state.apps.get(client_id) else {
        let text =
            format!("Application with identifier '{client_id}' was not found in the directory '{}'.", tenant.name);
        return Err(Refusal::new(400, "unauthorized_client", 700_016, text));
    };
    if app.client_secret != secret {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(Refusal::new(401, "invalid_client", 7_000_215, text));
    }
    if scope != GRAPH_SCOPE {
        let text =
            format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
        return Err(Refusal::new(400, "invalid_scope", 70_011, text));
    }
    let Some(roles) = tenant.consents.get(client_id) else {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{client_id}'. Send an interactive authorization request for this user and resource."
        );
        return Err(Refusal::new(400, "invalid_grant", 65_001, text));
    };
    Ok(simulator.tokens().issue(Opens::Graph { tenant: tenant_id, roles: roles.clone() }))
}

struct Refusal {
    status: u16,
    error: &'static str,
    code: u64,
    text: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, code: u64, text: String) -> Self {
        Self { status, error, code, text }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let timestamp = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let Self { status, error, code, text } = self;
        let description =
            format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}");
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        (status, Json(body)).into_response()
    }
}
