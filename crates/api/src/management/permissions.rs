//! Who may do what where: grants, and the question whether something is allowed.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, SignedIn, administrator_required, open},
        json::ApiJson,
        organization::NamedOrganization,
        paging::PageOf,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Permission, Permissions, UserId};
use msp_storage::repositories::grants::Grant;
use serde::{Deserialize, Serialize};

/// What one user may do in one organization.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user_id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "permissions": { "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true },
    "granted_by": "platform", "granted_at": "2026-07-01T08:30:00Z"
}))]
pub struct GrantView {
    /// Whose.
    pub user_id: UserId,
    /// Where.
    pub org_id: OrgId,
    /// Which rights.
    pub permissions: Permissions,
    /// Who granted them: a user id, or `platform`.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> Self {
        Self {
            user_id: grant.user,
            org_id: grant.org,
            permissions: grant.permissions,
            granted_by: grant.granted_by,
            granted_at: grant.granted_at,
        }
    }
}

/// List who may do what in an organization.
///
/// Problems: `not-found` (404).
#[utoipa::path(
    get, path = "/api/organizations/{org}/permissions", operation_id = "listOrganizationPermissions",
    tag = "permissions",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = PageOf<GrantView>, description = "Every grant in the organization.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn list_organization_permissions(
    State(api): State<Api>,
    _: AdminAccess,
    ApiPath(org): ApiPath<OrgId>,
    _: NoQuery,
) -> Result<Json<PageOf<GrantView>>, Problem> {
    api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    let grants = api.repositories.grants.of_org(org).await?;
    Ok(Json(PageOf::all(grants.into_iter().map(Into::into).collect())))
}

/// List what a user may do where. Everyone may read their own grants.
///
/// Problems: `not-found` (404), `administrator-required` (403), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/users/{id}/permissions", operation_id = "listUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 200, body = PageOf<GrantView>, description = "Every grant of the user.")),
    extensions(("x-permission" = json!("administrator, or the user's own")))
)]
pub async fn list_user_permissions(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
) -> Result<Json<PageOf<GrantView>>, Problem> {
    if asking.caller.user != id {
        if !asking.caller.is_administrator() {
            return Err(administrator_required(&api, &asking, &format!("/api/users/{id}/permissions")).await);
        }
        api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?;
    }
    let grants = api.repositories.grants.of_user(id).await?;
    Ok(Json(PageOf::all(grants.into_iter().map(Into::into).collect())))
}

/// Set exactly what a user may do in an organization. Works at the user's next request.
///
/// Problems: `not-found` (404), `body-invalid` (422), `path-invalid` (400).
#[utoipa::path(
    put, path = "/api/users/{id}/permissions/{org}", operation_id = "setUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), ("org" = OrgId, Path, description = "The organization.")),
    request_body(content = Permissions, example = json!({ "execute_workflows": true, "view_history": true })),
    responses((status = 200, body = GrantView, description = "The grant as it is now.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_user_permissions(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath((id, org)): ApiPath<(UserId, OrgId)>,
    _: NoQuery,
    ApiJson(permissions): ApiJson<Permissions>,
) -> Result<Json<GrantView>, Problem> {
    api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?;
    api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    Ok(Json(api.repositories.grants.set(id, org, permissions, &asking.actor).await?.into()))
}

/// Take away everything a user may do in an organization. Works at the user's next request.
///
/// Problems: `path-invalid` (400).
#[utoipa::path(
    delete, path = "/api/users/{id}/permissions/{org}", operation_id = "revokeUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), ("org" = OrgId, Path, description = "The organization.")),
    responses((status = 204, description = "Nothing is left, or there was nothing.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn revoke_user_permissions(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath((id, org)): ApiPath<(UserId, OrgId)>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    api.repositories.grants.revoke(id, org, &asking.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A question about a right.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "permission": "execute_workflows" }))]
pub struct CheckPermission {
    /// Where.
    org_id: OrgId,
    /// Which right.
    permission: Permission,
}

/// The answer "yes". A "no" is a problem with `"allowed": false`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "allowed": true }))]
pub struct Allowed {
    /// Always `true`.
    allowed: bool,
}

/// Ask whether the caller holds a permission in an organization.
///
/// Denied is a 403 with `"allowed": false`, because some callers take any 200 for yes.
///
/// Problems: `permission-denied` (403), `body-invalid` (422), `organization-mismatch` (400).
#[utoipa::path(
    post, path = "/api/permissions/check", operation_id = "checkPermission", tag = "permissions",
    request_body = CheckPermission,
    responses((status = 200, body = Allowed, description = "Allowed.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn check_permission(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    named: NamedOrganization,
    _: NoQuery,
    ApiJson(body): ApiJson<CheckPermission>,
) -> Result<Json<Allowed>, Problem> {
    named.agrees_with(body.org_id)?;
    match open(&api, &asking, Some(body.org_id), &[body.permission]).await {
        Ok(_) => Ok(Json(Allowed { allowed: true })),
        Err(problem) => match problem.kind() {
            Kind::PermissionDenied | Kind::OrganizationInactive | Kind::NotFound => {
                Err(Problem::new(Kind::PermissionDenied)
                    .detail(format!("The permission `{}` is missing there.", body.permission))
                    .with("permission", body.permission.name())
                    .with("allowed", false))
            }
            _ => Err(problem),
        },
    }
}
