//! What integrations there are, and whether those of an organization work.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{OrgAccess, SignedIn},
        attempts::TooMany,
        paging::PageOf,
        params::{NoQuery, PathName},
        rights::ManageConfig,
        unknown_name,
    },
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, workflow::nearest};
use msp_integrations::{IntegrationType, Integrations, PLATFORM_INTEGRATIONS};
use msp_storage::repositories::integrations::IntegrationCheck;
use serde::Serialize;
use serde_json::Value;

/// An integration the platform brings.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "type": "halopsa", "title": "HaloPSA", "description": "Notes on tickets and clients.",
    "settings_schema": {
        "type": "object", "properties": { "base_url": { "type": "string", "title": "Address", "format": "uri" } },
        "required": ["base_url"], "additionalProperties": false
    }
}))]
pub struct IntegrationTypeView {
    /// `msgraph` or `halopsa`.
    #[serde(rename = "type")]
    integration_type: &'static str,
    /// What people call it.
    title: &'static str,
    /// What it is needed for.
    description: &'static str,
    /// JSON Schema of its settings, properties in the order of a form. The one that is `writeOnly` is the credential.
    #[schema(value_type = Object)]
    settings_schema: Value,
}

impl From<IntegrationType> for IntegrationTypeView {
    fn from(kind: IntegrationType) -> Self {
        let IntegrationType { name, title, description, settings_schema } = kind;
        Self { integration_type: name, title, description, settings_schema }
    }
}

/// What came of asking the service of an integration.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "ok": true, "error_type": null, "message": "Connected to the tenant of Contoso: it has 2 subscriptions.",
    "service_status": null, "checked_at": "2026-07-01T08:30:00Z",
    "checked_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "duration_ms": 270
}))]
pub struct IntegrationCheckView {
    /// Whether it works.
    ok: bool,
    /// Why it does not, as a word for programs: `credential_rejected`, `consent_required` ...
    error_type: Option<String>,
    /// What was found, or what is wrong and what to do.
    message: String,
    /// The HTTP status the service answered, when that was the trouble.
    service_status: Option<u16>,
    /// When it was checked.
    checked_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    checked_by: String,
    /// How long it took.
    duration_ms: i64,
}

impl From<IntegrationCheck> for IntegrationCheckView {
    fn from(check: IntegrationCheck) -> Self {
        Self {
            ok: check.error_type.is_none(),
            error_type: check.error_type,
            message: check.message,
            service_status: check.status,
            checked_at: check.checked_at,
            checked_by: check.checked_by,
            duration_ms: check.duration_ms,
        }
    }
}

/// List the integrations the platform brings, with the JSON Schema of their settings.
#[utoipa::path(
    get, path = "/api/integration-types", operation_id = "listIntegrationTypes", tag = "integrations",
    responses((status = 200, body = PageOf<IntegrationTypeView>, description = "Every integration there is.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn list_integration_types(_: SignedIn, _: NoQuery) -> Json<PageOf<IntegrationTypeView>> {
    Json(PageOf::all(Integrations::types().into_iter().map(Into::into).collect()))
}

/// Check whether an integration works: ask its service, with a token of its own, also while it is switched off.
///
/// What the service refuses is no problem of this request: the answer says what is wrong and what to do. It is kept as
/// `last_check` until the settings change, or the tenant it asked is no longer the organization's. At most 6 checks of one integration within a minute.
///
/// Problems: `not-found` (404), `path-invalid` (400), `too-many-attempts` (429).
#[utoipa::path(
    post, path = "/api/organizations/{org}/integrations/{type}/test", operation_id = "testIntegration",
    tag = "integrations",
    params(("org" = OrgId, Path, description = "The organization."),
        ("type" = String, Path, description = "`msgraph` or `halopsa`.")),
    responses((status = 200, body = IntegrationCheckView, description = "What was found.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn test_integration(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(integration_type): PathName,
    _: NoQuery,
) -> Result<Json<IntegrationCheckView>, Problem> {
    if !PLATFORM_INTEGRATIONS.contains(&integration_type.as_str()) {
        return Err(unknown_name("integration", &integration_type, nearest(&integration_type, PLATFORM_INTEGRATIONS)));
    }
    let stored = api.repositories.integrations.get(access.org, &integration_type).await?.ok_or(Kind::NotFound)?;
    api.checks.admit((access.org, integration_type.clone())).map_err(|TooMany { wait_seconds }| {
        let detail = format!("It was checked several times within a minute. Wait {wait_seconds} seconds.");
        Problem::new(Kind::TooManyAttempts).detail(detail).retry_after(wait_seconds)
    })?;
    let started_at = api.clock.now();
    let outcome = Integrations::new(api.repositories.clone()).check(access.organization(), &integration_type).await;
    let checked_at = api.clock.now();
    let (error_type, message, status) = match outcome {
        Ok(found) => (None, found, None),
        Err(error) => (Some(error.code.to_owned()), error.message, error.status),
    };
    let check = IntegrationCheck {
        integration_type,
        settings_version: stored.etag,
        error_type,
        message,
        status,
        checked_at,
        checked_by: access.actor.key(),
        duration_ms: (checked_at - started_at).num_milliseconds(),
    };
    api.repositories.integrations.record_check(access.org, &check, &access.actor).await?;
    Ok(Json(check.into()))
}
