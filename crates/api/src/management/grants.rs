//! Grants: what one user may do in one organization, until when, and in which categories of workflows.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, SignedIn, administrator_required},
        caller::Asking,
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
};
use chrono::{DateTime, SubsecRound, Utc};
use msp_domain::{Categories, FieldFault, OrgId, Permissions, UserId};
use msp_storage::{
    Etag,
    repositories::grants::{Grant, GrantTerms},
};
use serde::{Deserialize, Serialize};

/// What one user may do in one organization.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user_id": "0d5c8f0e-6a0b-4a55-9d0e-2f0b6f0f4a11", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "permissions": { "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true },
    "categories": ["password_reset"], "expires_at": "2027-01-31T23:00:00Z", "is_expired": false,
    "granted_by": "platform", "granted_at": "2026-11-25T09:30:00Z"
}))]
pub struct GrantView {
    /// Whose.
    pub user_id: UserId,
    /// Where.
    pub org_id: OrgId,
    /// Which rights.
    pub permissions: Permissions,
    /// The categories of workflows that `execute_workflows` is about; `null`: every workflow.
    pub categories: Option<Vec<String>>,
    /// From this instant on it gives nothing; `null`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over. It stays listed until it is revoked or set again.
    pub is_expired: bool,
    /// Who granted them: a user id, or `platform`.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

impl GrantView {
    pub(super) fn at(now: DateTime<Utc>, grant: Grant) -> Self {
        Self {
            is_expired: grant.is_expired(now),
            user_id: grant.user,
            org_id: grant.org,
            permissions: grant.terms.permissions,
            categories: grant.terms.categories.names(),
            expires_at: grant.terms.expires_at,
            granted_by: grant.granted_by,
            granted_at: grant.granted_at,
        }
    }
}

/// What a user shall be able to do in an organization: exactly this.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "execute_workflows": true, "view_history": true, "categories": ["password_reset"],
    "expires_at": "2027-01-31T23:00:00Z"
}))]
pub struct SetGrant {
    /// May run workflows.
    #[serde(default)]
    execute_workflows: bool,
    /// May manage config, secrets and integrations.
    #[serde(default)]
    manage_config: bool,
    /// May manage forms.
    #[serde(default)]
    manage_forms: bool,
    /// May read everybody's runs.
    #[serde(default)]
    view_history: bool,
    /// Only workflows of these categories may be run; one without a category is in none. Left out: every workflow.
    #[serde(default)]
    categories: Option<Vec<String>>,
    /// From this instant on the grant gives nothing; it lies in the future. Left out: until it is revoked.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl SetGrant {
    /// What is to be stored, or every fault.
    pub(super) fn terms(&self, now: DateTime<Utc>) -> Result<GrantTerms, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let categories = match &self.categories {
            None => Categories::Every,
            Some(_) if !self.execute_workflows => {
                let detail = "limits `execute_workflows`, which is not granted: grant it, or leave the categories out";
                faults.push(FieldFault::at("categories", detail));
                Categories::NONE
            }
            Some(names) => Categories::only(names).unwrap_or_else(|detail| {
                faults.push(FieldFault::at("categories", detail));
                Categories::NONE
            }),
        };
        let expires_at = self.expires_at.map(|at| at.trunc_subsecs(3));
        if expires_at.is_some_and(|at| at <= now) {
            faults.push(FieldFault::at("expires_at", "must lie in the future; to end a grant now, revoke it"));
        }
        let permissions = Permissions {
            execute_workflows: self.execute_workflows,
            manage_config: self.manage_config,
            manage_forms: self.manage_forms,
            view_history: self.view_history,
        };
        if faults.is_empty() { Ok(GrantTerms { permissions, categories, expires_at }) } else { Err(faults) }
    }
}

type Shown = ([(HeaderName, HeaderValue); 1], Json<GrantView>);

fn shown(now: DateTime<Utc>, (grant, etag): (Grant, Etag)) -> Shown {
    (etag_header(&etag), Json(GrantView::at(now, grant)))
}

/// Lets administrators, auditors and the user through.
async fn may_read(api: &Api, asking: &Asking, user: UserId, path: &str) -> Result<(), Problem> {
    if asking.caller.user == user {
        return Ok(());
    }
    if !asking.caller.may_review() {
        return Err(administrator_required(api, asking, path).await);
    }
    api.repositories.users.get(user).await?.ok_or(Kind::NotFound)?;
    Ok(())
}

/// List what a user may do where, also what has expired. Everyone may read their own grants.
///
/// Problems: `not-found` (404), `administrator-required` (403), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/users/{id}/permissions", operation_id = "listUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 200, body = PageOf<GrantView>, description = "Every grant of the user.")),
    extensions(("x-permission" = json!("administrator or auditor, or the user's own")))
)]
pub async fn list_user_permissions(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
) -> Result<Json<PageOf<GrantView>>, Problem> {
    may_read(&api, &asking, id, &format!("/api/users/{id}/permissions")).await?;
    let now = api.clock.now();
    let grants = api.repositories.grants.of_user(id).await?;
    Ok(Json(PageOf::all(grants.into_iter().map(|grant| GrantView::at(now, grant)).collect())))
}

/// Read what a user may do in an organization, with the version to change it by. Everyone may read their own.
///
/// Problems: `not-found` (404), `administrator-required` (403), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/users/{id}/permissions/{org}", operation_id = "getUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), ("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = GrantView, description = "The grant.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator or auditor, or the user's own")))
)]
pub async fn get_user_permissions(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    ApiPath((id, org)): ApiPath<(UserId, OrgId)>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    may_read(&api, &asking, id, &format!("/api/users/{id}/permissions/{org}")).await?;
    let found = api.repositories.grants.get(id, org).await?.ok_or(Kind::NotFound)?;
    Ok(shown(api.clock.now(), found))
}

/// Set exactly what a user may do in an organization. Works at the user's next request.
///
/// With `categories`, `execute_workflows` is about workflows of these categories alone, wherever they are started: by
/// themselves, by a form, again, or from the queue. With `expires_at`, the grant gives nothing from that instant on.
///
/// Problems: `not-found` (404), `body-invalid` (422), `stale-version` (412), `path-invalid` (400),
/// `header-invalid` (400), `organization-being-deleted` (409).
#[utoipa::path(
    put, path = "/api/users/{id}/permissions/{org}", operation_id = "setUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), ("org" = OrgId, Path, description = "The organization."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetGrant,
    responses((status = 200, body = GrantView, description = "The grant as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_user_permissions(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath((id, org)): ApiPath<(UserId, OrgId)>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetGrant>,
) -> Result<Shown, Problem> {
    let now = api.clock.now();
    let terms = body.terms(now).map_err(|faults| Problem::new(Kind::BodyInvalid).errors(faults))?;
    api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?;
    if api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?.deletion.is_some() {
        return Err(Kind::OrganizationBeingDeleted.into());
    }
    let changed = api.repositories.grants.change(id, org, &terms, if_match.as_ref(), &asking.actor).await;
    Ok(shown(now, or_current(changed, current(&api, id, org)).await?))
}

/// Take away everything a user may do in an organization. Works at the user's next request.
///
/// Problems: `stale-version` (412), `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/users/{id}/permissions/{org}", operation_id = "revokeUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), ("org" = OrgId, Path, description = "The organization."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Nothing is left, or there was nothing.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn revoke_user_permissions(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath((id, org)): ApiPath<(UserId, OrgId)>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let revoked = api.repositories.grants.revoke_if(id, org, if_match.as_ref(), &asking.actor).await;
    or_current(revoked, current(&api, id, org)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is there now, for whoever meant another version.
async fn current(api: &Api, user: UserId, org: OrgId) -> Result<Option<(GrantView, Etag)>, Problem> {
    let found = api.repositories.grants.get(user, org).await?;
    Ok(found.map(|(grant, etag)| (GrantView::at(api.clock.now(), grant), etag)))
}
