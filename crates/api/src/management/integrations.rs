//! Integration settings of an organization. Credentials go in and never come out.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{OrgAccess, OrgReading},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::PageOf,
        params::{NoQuery, PathName},
        rights::ManageConfig,
        unknown_name,
    },
    management::integration_checks::IntegrationCheckView,
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
};
use chrono::{DateTime, Utc};
use msp_domain::{FieldFault, OrgId, workflow::nearest};
use msp_integrations::{CheckedSettings, Integrations, PLATFORM_INTEGRATIONS};
use msp_storage::{
    Etag, SecretValue,
    repositories::integrations::{CredentialChange, IntegrationCheck, StoredIntegration},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of an integration, without its credential.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "type": "msgraph", "enabled": true, "settings": { "client_id": "7d0c5a3e-51c9-4f0b-9c5e-2f6f1f6f0a01" },
    "has_credential": true, "updated_at": "2026-07-01T08:30:00Z",
    "updated_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "last_check": null
}))]
pub struct IntegrationView {
    /// `msgraph` or `halopsa`.
    #[serde(rename = "type")]
    pub integration_type: String,
    /// Switched off, every call is refused.
    pub enabled: bool,
    /// The settings, defaults filled in.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub settings: Value,
    /// Whether a credential is stored.
    pub has_credential: bool,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub updated_by: String,
    /// The last check with these settings, in the tenant the organization has now; `null`: they were not checked.
    pub last_check: Option<IntegrationCheckView>,
}

impl IntegrationView {
    /// The settings with the check that was made with them, if one was.
    fn new(stored: StoredIntegration, checks: &[IntegrationCheck]) -> Self {
        let of_these = |check: &&IntegrationCheck| {
            check.integration_type == stored.integration_type && check.settings_version == stored.etag
        };
        Self {
            last_check: checks.iter().find(of_these).cloned().map(Into::into),
            integration_type: stored.integration_type,
            enabled: stored.enabled,
            settings: stored.settings,
            has_credential: stored.has_credential,
            updated_at: stored.updated_at,
            updated_by: stored.updated_by,
        }
    }
}

/// Settings to be stored.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "enabled": true, "settings": {
    "client_id": "0f6e8a4e-27f5-4a53-8a5c-0d4f5f7f1a11", "client_secret": "written once, never answered" } }))]
pub struct PutIntegration {
    /// Whether calls are allowed.
    #[serde(default = "enabled_by_default")]
    enabled: bool,
    /// The settings, with the credential among them when it is to be replaced. Left out, a stored credential stays,
    /// unless host, authentication address or tenant change.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    settings: Value,
}

fn enabled_by_default() -> bool {
    true
}

type Shown = ([(HeaderName, HeaderValue); 1], Json<IntegrationView>);

async fn shown(api: &Api, org: OrgId, stored: StoredIntegration) -> Result<Shown, Problem> {
    let checks = api.repositories.integrations.checks(org).await?;
    Ok((etag_header(&stored.etag), Json(IntegrationView::new(stored, &checks))))
}

/// List the integrations an organization has settings for.
#[utoipa::path(
    get, path = "/api/organizations/{org}/integrations", operation_id = "listIntegrations", tag = "integrations",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = PageOf<IntegrationView>, description = "Every integration with settings.")),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn list_integrations(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    _: NoQuery,
) -> Result<Json<PageOf<IntegrationView>>, Problem> {
    let stored = api.repositories.integrations.list(access.org).await?;
    let checks = api.repositories.integrations.checks(access.org).await?;
    Ok(Json(PageOf::all(stored.into_iter().map(|stored| IntegrationView::new(stored, &checks)).collect())))
}

/// Read the settings of an integration.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations/{org}/integrations/{type}", operation_id = "getIntegration", tag = "integrations",
    params(("org" = OrgId, Path, description = "The organization."),
        ("type" = String, Path, description = "`msgraph` or `halopsa`.")),
    responses((status = 200, body = IntegrationView, description = "The settings.",
        headers(("ETag" = String, description = "Their version.")))),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn get_integration(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    PathName(integration_type): PathName,
    _: NoQuery,
) -> Result<Shown, Problem> {
    let stored = api.repositories.integrations.get(access.org, &integration_type).await?.ok_or(Kind::NotFound)?;
    shown(&api, access.org, stored).await
}

/// Set up an integration.
///
/// Problems: `not-found` (404), `body-invalid` (422), `stale-version` (412), `path-invalid` (400),
/// `limit-exceeded` (422), `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/organizations/{org}/integrations/{type}", operation_id = "putIntegration", tag = "integrations",
    params(("org" = OrgId, Path, description = "The organization."),
        ("type" = String, Path, description = "`msgraph` or `halopsa`."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = PutIntegration,
    responses((status = 200, body = IntegrationView, description = "The settings as they are now.",
        headers(("ETag" = String, description = "Their version.")))),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn put_integration(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(integration_type): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<PutIntegration>,
) -> Result<Shown, Problem> {
    let integrations = &api.repositories.integrations;
    let previous = integrations.get(access.org, &integration_type).await?;
    let checked = Integrations::check_settings(
        &integration_type,
        &body.settings,
        previous.as_ref().map(|stored| &stored.settings),
    )
    .ok_or_else(|| unknown_name("integration", &integration_type, nearest(&integration_type, PLATFORM_INTEGRATIONS)))?
    .map_err(|faults| Problem::new(Kind::BodyInvalid).errors(faults.into_iter().map(in_settings).collect()))?;
    // Whether the credential may stay was decided against this version, so the write is meant for this version.
    let meant_for = if_match.or(previous.map(|stored| stored.etag));
    let CheckedSettings { settings, credential, clears_credential } = checked;
    let credential = match credential {
        Some(credential) => CredentialChange::Set(SecretValue::new(credential)),
        None if clears_credential => CredentialChange::Clear,
        None => CredentialChange::Keep,
    };
    let (org, actor) = (access.org, &access.actor);
    let put = integrations.put(org, &integration_type, body.enabled, &settings, credential, meant_for.as_ref(), actor);
    shown(&api, org, or_current(put.await, current(&api, org, &integration_type)).await?).await
}

/// Remove an integration's settings and credential.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `not-found` (404), `path-invalid` (400), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/organizations/{org}/integrations/{type}", operation_id = "deleteIntegration",
    tag = "integrations",
    params(("org" = OrgId, Path, description = "The organization."),
        ("type" = String, Path, description = "`msgraph` or `halopsa`."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Removed.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn delete_integration(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(integration_type): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let integrations = &api.repositories.integrations;
    let deleted = integrations.delete(access.org, &integration_type, if_match.as_ref(), &access.actor).await;
    or_current(deleted, current(&api, access.org, &integration_type)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The settings as they are now, and their version.
async fn current(api: &Api, org: OrgId, integration_type: &str) -> Result<Option<(IntegrationView, Etag)>, Problem> {
    let integrations = &api.repositories.integrations;
    let Some(current) = integrations.get(org, integration_type).await? else { return Ok(None) };
    let (etag, checks) = (current.etag.clone(), integrations.checks(org).await?);
    Ok(Some((IntegrationView::new(current, &checks), etag)))
}

/// The broker points into the settings; the caller sent them inside a body.
fn in_settings(fault: FieldFault) -> FieldFault {
    let inside = fault.pointer.strip_prefix('#').unwrap_or(&fault.pointer);
    FieldFault { pointer: format!("#/settings{inside}"), detail: fault.detail }
}
