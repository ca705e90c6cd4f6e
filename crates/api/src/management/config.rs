//! Config values of an organization, and the global ones it inherits.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, OrgAccess, OrgReading, ReviewAccess},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::PageOf,
        params::{NoQuery, PathName},
        rights::ManageConfig,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use msp_domain::{ConfigEntry, ConfigOrigin, ConfigType, FieldFault, OrgId, Scope};
use msp_storage::{
    Etag,
    repositories::{Actor, config::StoredConfig},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A config value with its origin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "key": "default_usage_location", "type": "string", "value": "DE", "description": "Usage location of new users",
    "origin": "organization", "updated_at": "2026-07-01T08:30:00Z",
    "updated_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003"
}))]
pub struct ConfigView {
    /// Its name.
    pub key: String,
    /// How it is read.
    #[serde(rename = "type")]
    pub config_type: ConfigType,
    /// The value; for a `secret_ref` the name of the secret.
    pub value: Value,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is set here or inherited.
    pub origin: ConfigOrigin,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    pub updated_by: String,
}

impl ConfigView {
    fn of(stored: StoredConfig, origin: ConfigOrigin) -> Self {
        let StoredConfig { entry, updated_at, updated_by, .. } = stored;
        let ConfigEntry { key, config_type, value, description } = entry;
        Self { key, config_type, value, description, origin, updated_at, updated_by }
    }
}

/// A config value to be set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "type": "string", "value": "DE", "description": "Usage location of new users" }))]
pub struct SetConfig {
    /// How it is read.
    #[serde(rename = "type")]
    config_type: ConfigType,
    /// The value. Texts of numbers and truth values are parsed.
    value: Value,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
}

/// List the config values that hold for an organization, inherited ones included.
#[utoipa::path(
    get, path = "/api/organizations/{org}/config", operation_id = "listConfig", tag = "config",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = PageOf<ConfigView>, description = "Every value, by key.")),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn list_config(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    _: NoQuery,
) -> Result<Json<PageOf<ConfigView>>, Problem> {
    let view = |(scope, stored)| {
        let origin = if scope == Scope::Global { ConfigOrigin::Global } else { ConfigOrigin::Organization };
        ConfigView::of(stored, origin)
    };
    Ok(Json(PageOf::all(api.repositories.config.holding(access.org).await?.into_iter().map(view).collect())))
}

/// Read the config value that holds for an organization.
///
/// The `ETag` is there only for a value set in the organization itself.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations/{org}/config/{key}", operation_id = "getConfig", tag = "config",
    params(("org" = OrgId, Path, description = "The organization."), ("key" = String, Path, description = "The key.")),
    responses((status = 200, body = ConfigView, description = "The value.",
        headers(("ETag" = String, description = "The version of the organization's own value.")))),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn get_config(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    PathName(key): PathName,
    _: NoQuery,
) -> Result<Response, Problem> {
    let config = &api.repositories.config;
    if let Some(own) = config.get(Scope::Org(access.org), &key).await? {
        return Ok(shown(own, ConfigOrigin::Organization));
    }
    let inherited = config.get(Scope::Global, &key).await?.ok_or(Kind::NotFound)?;
    Ok(Json(ConfigView::of(inherited, ConfigOrigin::Global)).into_response())
}

/// Set a config value for an organization.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `body-invalid` (422), `stale-version` (412), `path-invalid` (400), `limit-exceeded` (422),
/// `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/organizations/{org}/config/{key}", operation_id = "setConfig", tag = "config",
    params(("org" = OrgId, Path, description = "The organization."), ("key" = String, Path, description = "The key."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetConfig,
    responses((status = 200, body = ConfigView, description = "The value as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn set_config(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(key): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetConfig>,
) -> Result<Response, Problem> {
    set(&api, Scope::Org(access.org), key, body, if_match.as_ref(), &access.actor).await
}

/// Remove a config value of an organization; a global one of the same key holds again.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `not-found` (404), `path-invalid` (400), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/organizations/{org}/config/{key}", operation_id = "deleteConfig", tag = "config",
    params(("org" = OrgId, Path, description = "The organization."), ("key" = String, Path, description = "The key."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Removed.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn delete_config(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(key): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    delete(&api, Scope::Org(access.org), &key, if_match.as_ref(), &access.actor).await
}

/// List the global config values, which every organization inherits.
#[utoipa::path(
    get, path = "/api/global/config", operation_id = "listGlobalConfig", tag = "config",
    responses((status = 200, body = PageOf<ConfigView>, description = "Every value, by key.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_global_config(
    State(api): State<Api>,
    _: ReviewAccess,
    _: NoQuery,
) -> Result<Json<PageOf<ConfigView>>, Problem> {
    let stored = api.repositories.config.of_scope(Scope::Global).await?;
    let views = stored.into_iter().map(|stored| ConfigView::of(stored, ConfigOrigin::Global)).collect();
    Ok(Json(PageOf::all(views)))
}

/// Read a global config value.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/global/config/{key}", operation_id = "getGlobalConfig", tag = "config",
    params(("key" = String, Path, description = "The key.")),
    responses((status = 200, body = ConfigView, description = "The value.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_global_config(
    State(api): State<Api>,
    _: ReviewAccess,
    PathName(key): PathName,
    _: NoQuery,
) -> Result<Response, Problem> {
    let stored = api.repositories.config.get(Scope::Global, &key).await?.ok_or(Kind::NotFound)?;
    Ok(shown(stored, ConfigOrigin::Global))
}

/// Set a global config value.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `body-invalid` (422), `stale-version` (412), `path-invalid` (400), `limit-exceeded` (422),
/// `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/global/config/{key}", operation_id = "setGlobalConfig", tag = "config",
    params(("key" = String, Path, description = "The key."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetConfig,
    responses((status = 200, body = ConfigView, description = "The value as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_global_config(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    PathName(key): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetConfig>,
) -> Result<Response, Problem> {
    set(&api, Scope::Global, key, body, if_match.as_ref(), &asking.actor).await
}

/// Remove a global config value.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `not-found` (404), `path-invalid` (400), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/global/config/{key}", operation_id = "deleteGlobalConfig", tag = "config",
    params(("key" = String, Path, description = "The key."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Removed.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn delete_global_config(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    PathName(key): PathName,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    delete(&api, Scope::Global, &key, if_match.as_ref(), &asking.actor).await
}

async fn set(
    api: &Api,
    scope: Scope,
    key: String,
    body: SetConfig,
    if_match: Option<&Etag>,
    actor: &Actor,
) -> Result<Response, Problem> {
    let value = body
        .config_type
        .parse(&body.value)
        .map_err(|detail| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("value", detail)]))?;
    let entry = ConfigEntry { key, config_type: body.config_type, value, description: body.description };
    let set = api.repositories.config.set(scope, &entry, if_match, actor).await;
    let stored = or_current(set, current(api, scope, &entry.key)).await?;
    Ok(shown(stored, origin(scope)))
}

async fn delete(
    api: &Api,
    scope: Scope,
    key: &str,
    if_match: Option<&Etag>,
    actor: &Actor,
) -> Result<StatusCode, Problem> {
    let deleted = api.repositories.config.delete(scope, key, if_match, actor).await;
    or_current(deleted, current(api, scope, key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The value as it is now, and its version.
async fn current(api: &Api, scope: Scope, key: &str) -> Result<Option<(ConfigView, Etag)>, Problem> {
    let stored = api.repositories.config.get(scope, key).await?;
    Ok(stored.map(|stored| (ConfigView::of(stored.clone(), origin(scope)), stored.etag)))
}

fn origin(scope: Scope) -> ConfigOrigin {
    match scope {
        Scope::Global => ConfigOrigin::Global,
        Scope::Org(_) => ConfigOrigin::Organization,
    }
}

fn shown(stored: StoredConfig, origin: ConfigOrigin) -> Response {
    (etag_header(&stored.etag), Json(ConfigView::of(stored, origin))).into_response()
}
