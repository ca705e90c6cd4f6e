//! The question whether something is allowed.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{SignedIn, open},
        json::ApiJson,
        organization::NamedOrganization,
        params::NoQuery,
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::{OrgId, Permission};
use serde::{Deserialize, Serialize};

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
            Kind::PermissionDenied | Kind::OrganizationInactive | Kind::OrganizationBeingDeleted | Kind::NotFound => {
                Err(Problem::new(Kind::PermissionDenied)
                    .detail(format!("The permission `{}` is missing there.", body.permission))
                    .with("permission", body.permission.name())
                    .with("allowed", false))
            }
            _ => Err(problem),
        },
    }
}
