//! Facts about the server itself, for probes, clients and programs. None needs a caller.

use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use serde::Serialize;
use std::sync::LazyLock;

/// What a client must know before it can sign anyone in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "mode": "session", "sign_in": "local", "url": "http://127.0.0.1:7071/",
    "version": "0.1.0", "build": "5cd2e15a5f821f8b" }))]
pub struct ClientConfig {
    /// How browsers sign in: `session`.
    mode: &'static str,
    /// Where people prove who they are before they get one.
    sign_in: SignInWith,
    /// The address to sign in at with Entra ID: `MSP_PUBLIC_URL`, else the one listened on.
    url: String,
    /// The version of the server.
    version: String,
    /// Names the client this server brings. One that finds another name than at its start is out of date.
    build: String,
}

/// Where people prove who they are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum SignInWith {
    /// Here, with one-time links.
    Local,
    /// At Entra ID.
    Entra,
}

/// Read how clients sign in, and which version of the server and of the client this is.
#[utoipa::path(
    get, path = "/config.json", operation_id = "getClientConfig", tag = "service",
    responses((status = 200, body = ClientConfig, description = "The settings of clients.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn client_config(State(api): State<Api>) -> Json<ClientConfig> {
    let (version, build) = (api.options.version.clone(), api.client.build().to_owned());
    let sign_in = if api.authenticator.entra().is_some() { SignInWith::Entra } else { SignInWith::Local };
    Json(ClientConfig { mode: "session", sign_in, url: api.options.base_url.to_string(), version, build })
}

/// Whether a probe is content.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "status": "ok" }))]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the process answers.
#[utoipa::path(
    get, path = "/healthz", operation_id = "getHealth", tag = "service",
    responses((status = 200, body = Health, description = "It does.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether runs are accepted: the store is open, the first bundle has loaded, or failed with its errors listed, and the
/// server is not about to stop.
///
/// Problems: `engine-starting` (503), `engine-unavailable` (503).
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "service",
    responses((status = 200, body = Health, description = "Runs are accepted.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn readyz(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    match api.engine.get() {
        Some(engine) if engine.is_stopping() => {
            Err(Problem::new(Kind::EngineUnavailable).detail("The server is stopping; runs that began may end first."))
        }
        Some(_) => Ok(Json(Health { status: "ok" })),
        None => Err(Kind::EngineStarting.into()),
    }
}

/// Built once: it does not depend on anything but the routes.
static OPENAPI_JSON: LazyLock<String> =
    LazyLock::new(|| crate::openapi().to_json().expect("an OpenAPI document serialises"));

/// Read this description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi", tag = "service",
    responses((status = 200, description = "The OpenAPI description of every operation.")),
    security(()), extensions(("x-permission" = json!("none")))
)]
pub async fn openapi_json() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], &OPENAPI_JSON)
}
