//! Secrets of workflows: names are listed, values only ever go in.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, OrgAccess},
        json::ApiJson,
        paging::PageOf,
        params::{NoQuery, PathName},
        rights::ManageConfig,
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use msp_domain::{ConfigOrigin, FieldFault, OrgId, Scope};
use msp_storage::{
    SecretValue,
    repositories::{Actor, workflow_secrets::MIN_SECRET_LENGTH},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A secret's name. There is no way to read its value.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "name": "vendor_api_key", "origin": "organization" }))]
pub struct SecretView {
    /// What workflows ask for.
    pub name: String,
    /// Whether it is set here or inherited.
    pub origin: ConfigOrigin,
}

/// A secret to be stored.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "value": "correct horse battery staple" }))]
pub struct SetSecret {
    /// The value: at least 8 characters, because shorter ones cannot be masked in logs.
    #[schema(min_length = 8, write_only)]
    value: String,
}

/// List the names of the secrets an organization's workflows can read, shared ones included.
#[utoipa::path(
    get, path = "/api/organizations/{org}/secrets", operation_id = "listSecrets", tag = "secrets",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = PageOf<SecretView>, description = "Every name, sorted.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn list_secrets(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    _: NoQuery,
) -> Result<Json<PageOf<SecretView>>, Problem> {
    let secrets = &api.repositories.workflow_secrets;
    let (shared, own) = futures::try_join!(secrets.names(Scope::Global), secrets.names(Scope::Org(access.org)))?;
    let shared = shared.into_iter().map(|name| (name, ConfigOrigin::Global));
    let own = own.into_iter().map(|name| (name, ConfigOrigin::Organization));
    let names: BTreeMap<String, ConfigOrigin> = shared.chain(own).collect();
    Ok(Json(PageOf::all(names.into_iter().map(|(name, origin)| SecretView { name, origin }).collect())))
}

/// Store a secret of an organization, replacing one of the same name.
///
/// Problems: `body-invalid` (422), `path-invalid` (400), `limit-exceeded` (422).
#[utoipa::path(
    put, path = "/api/organizations/{org}/secrets/{name}", operation_id = "setSecret", tag = "secrets",
    params(("org" = OrgId, Path, description = "The organization."), ("name" = String, Path, description = "The name.")),
    request_body = SetSecret,
    responses((status = 204, description = "Stored.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn set_secret(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(name): PathName,
    _: NoQuery,
    ApiJson(body): ApiJson<SetSecret>,
) -> Result<StatusCode, Problem> {
    set(&api, Scope::Org(access.org), &name, body, &access.actor).await
}

/// Remove a secret of an organization; a shared one of the same name holds again.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    delete, path = "/api/organizations/{org}/secrets/{name}", operation_id = "deleteSecret", tag = "secrets",
    params(("org" = OrgId, Path, description = "The organization."), ("name" = String, Path, description = "The name.")),
    responses((status = 204, description = "Removed.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn delete_secret(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    PathName(name): PathName,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    delete(&api, Scope::Org(access.org), &name, &access.actor).await
}

/// List the names of the shared secrets, which every organization's workflows can read.
#[utoipa::path(
    get, path = "/api/global/secrets", operation_id = "listGlobalSecrets", tag = "secrets",
    responses((status = 200, body = PageOf<SecretView>, description = "Every name, sorted.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn list_global_secrets(
    State(api): State<Api>,
    _: AdminAccess,
    _: NoQuery,
) -> Result<Json<PageOf<SecretView>>, Problem> {
    let names = api.repositories.workflow_secrets.names(Scope::Global).await?;
    let views = names.into_iter().map(|name| SecretView { name, origin: ConfigOrigin::Global }).collect();
    Ok(Json(PageOf::all(views)))
}

/// Store a shared secret, replacing one of the same name.
///
/// Problems: `body-invalid` (422), `path-invalid` (400), `limit-exceeded` (422).
#[utoipa::path(
    put, path = "/api/global/secrets/{name}", operation_id = "setGlobalSecret", tag = "secrets",
    params(("name" = String, Path, description = "The name.")),
    request_body = SetSecret,
    responses((status = 204, description = "Stored.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_global_secret(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    PathName(name): PathName,
    _: NoQuery,
    ApiJson(body): ApiJson<SetSecret>,
) -> Result<StatusCode, Problem> {
    set(&api, Scope::Global, &name, body, &asking.actor).await
}

/// Remove a shared secret.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    delete, path = "/api/global/secrets/{name}", operation_id = "deleteGlobalSecret", tag = "secrets",
    params(("name" = String, Path, description = "The name.")),
    responses((status = 204, description = "Removed.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn delete_global_secret(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    PathName(name): PathName,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    delete(&api, Scope::Global, &name, &asking.actor).await
}

async fn set(api: &Api, scope: Scope, name: &str, body: SetSecret, actor: &Actor) -> Result<StatusCode, Problem> {
    let value = SecretValue::new(body.value);
    if value.reveal().chars().count() < MIN_SECRET_LENGTH {
        let detail = format!("expected at least {MIN_SECRET_LENGTH} characters: shorter ones cannot be masked in logs");
        return Err(Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("value", detail)]));
    }
    api.repositories.workflow_secrets.set(scope, name, &value, actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(api: &Api, scope: Scope, name: &str, actor: &Actor) -> Result<StatusCode, Problem> {
    api.repositories.workflow_secrets.delete(scope, name, actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
