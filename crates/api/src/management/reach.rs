//! Who can reach what: the people and services of an organization, and the organizations of one of them.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::ReviewAccess,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, page_limit},
        params::{ApiPath, ApiQuery},
    },
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use msp_auth::Opened;
use msp_domain::{OrgId, Permissions, UserId};
use msp_storage::repositories::{grants::Grant, users::User};
use serde::Serialize;
use std::collections::HashMap;

/// What gives somebody their rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// Being a platform administrator.
    Administrator,
    /// Being an auditor.
    Auditor,
    /// A grant in the organization.
    Grant,
}

impl Through {
    /// What gives this account rights without a grant.
    pub(super) fn of(user: &User) -> Option<Self> {
        match user {
            User { is_platform_admin: true, .. } => Some(Self::Administrator),
            User { is_auditor: true, .. } => Some(Self::Auditor),
            _ => None,
        }
    }

    /// The rights that come with it.
    pub(super) fn permissions(self) -> Permissions {
        match self {
            Self::Administrator => Permissions::ALL,
            Self::Auditor => Permissions::AUDITOR,
            Self::Grant => Permissions::NONE,
        }
    }
}

/// Somebody who can reach an organization, or could once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user_id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "display_name": "Ada Lovelace", "email": "ada@example.com", "is_active": true, "is_service": false,
    "through": "grant",
    "permissions": { "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true },
    "categories": ["password_reset"], "expires_at": "2027-01-31T23:00:00Z", "is_expired": false,
    "granted_by": "platform", "granted_by_name": null, "granted_at": "2026-07-01T08:30:00Z"
}))]
pub struct ReachView {
    /// Who.
    user_id: UserId,
    /// Where.
    org_id: OrgId,
    /// Their name.
    display_name: String,
    /// Their address; empty for a service account.
    email: String,
    /// Whether the account works: an inactive one reaches nothing.
    is_active: bool,
    /// Whether it is a service account.
    is_service: bool,
    /// What gives the rights. Administrators and auditors need no grant.
    through: Through,
    /// Which rights.
    permissions: Permissions,
    /// The categories of workflows that `execute_workflows` is about; `null`: every workflow.
    categories: Option<Vec<String>>,
    /// From this instant on the grant gives nothing; `null`: until it is revoked.
    expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over.
    is_expired: bool,
    /// Who granted it: a user id, or `platform`; `null` without a grant.
    granted_by: Option<String>,
    /// The name of who granted it, while the directory knows it.
    granted_by_name: Option<String>,
    /// When.
    granted_at: Option<DateTime<Utc>>,
}

impl ReachView {
    pub(super) fn key(&self) -> (String, UserId) {
        (self.display_name.to_lowercase(), self.user_id)
    }
}

/// Everybody there is, to give ids their names.
pub(super) struct Directory(HashMap<UserId, User>);

impl Directory {
    pub(super) async fn read(api: &Api) -> Result<Self, Problem> {
        let users = api.repositories.users.all().await?;
        Ok(Self(users.into_iter().map(|user| (user.id, user)).collect()))
    }

    pub(super) fn name(&self, id: &str) -> Option<String> {
        self.0.get(&id.parse().ok()?).map(|user| user.display_name.clone())
    }

    fn flagged(&self, org: OrgId, user: &User) -> Option<ReachView> {
        let through = Through::of(user)?;
        Some(ReachView { through, permissions: through.permissions(), ..Self::nothing(org, user) })
    }

    fn granted(&self, grant: Grant, now: DateTime<Utc>) -> Option<ReachView> {
        let user = self.0.get(&grant.user)?;
        Some(ReachView {
            is_expired: grant.is_expired(now),
            permissions: grant.terms.permissions,
            categories: grant.terms.categories.names(),
            expires_at: grant.terms.expires_at,
            granted_by_name: self.name(&grant.granted_by),
            granted_by: Some(grant.granted_by),
            granted_at: Some(grant.granted_at),
            ..Self::nothing(grant.org, user)
        })
    }

    fn nothing(org: OrgId, user: &User) -> ReachView {
        ReachView {
            user_id: user.id,
            org_id: org,
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            is_active: user.is_active,
            is_service: user.app_roles.is_some(),
            through: Through::Grant,
            permissions: Permissions::NONE,
            categories: None,
            expires_at: None,
            is_expired: false,
            granted_by: None,
            granted_by_name: None,
            granted_at: None,
        }
    }
}

/// List who can reach an organization, by name: administrators and auditors, and whoever holds a grant, also one whose time is
/// over or whose account is inactive.
///
/// Problems: `not-found` (404), `query-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations/{org}/permissions", operation_id = "listOrganizationPermissions",
    tag = "permissions",
    params(("org" = OrgId, Path, description = "The organization."), PageQuery),
    responses((status = 200, body = PageOf<ReachView>, description = "A page of people and services.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_organization_permissions(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(org): ApiPath<OrgId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<ReachView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after: Option<(String, UserId)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    let (directory, now) = (Directory::read(&api).await?, api.clock.now());
    let mut reach: Vec<ReachView> = directory.0.values().filter_map(|user| directory.flagged(org, user)).collect();
    // A flag outweighs a grant: who has both is listed once, with what really holds.
    let grants = api.repositories.grants.of_org(org).await?.into_iter();
    let granted = grants.filter(|grant| directory.0.get(&grant.user).is_some_and(|user| Through::of(user).is_none()));
    reach.extend(granted.filter_map(|grant| directory.granted(grant, now)));
    reach.sort_by_cached_key(ReachView::key);
    reach.retain(|one| after.as_ref().is_none_or(|after| one.key() > *after));
    Ok(Json(paged(reach, limit, ReachView::key)))
}

/// An organization that somebody can reach.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "org_name": "Contoso", "is_active": true, "through": "grant",
    "permissions": { "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true },
    "categories": ["password_reset"], "expires_at": "2027-01-31T23:00:00Z"
}))]
pub struct ReachedView {
    /// Which.
    org_id: OrgId,
    /// Its name.
    org_name: String,
    /// Whether things run for it.
    is_active: bool,
    /// What gives the rights.
    through: Through,
    /// The rights that hold there now.
    permissions: Permissions,
    /// The categories of workflows that may be run there; `null`: every workflow.
    categories: Option<Vec<String>>,
    /// When these rights end; `null`: when they are revoked.
    expires_at: Option<DateTime<Utc>>,
}

impl ReachedView {
    fn key(&self) -> (String, OrgId) {
        (self.org_name.to_lowercase(), self.org_id)
    }
}

/// List the organizations that a user or service account can reach now, by name: none while the account is inactive.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400).
#[utoipa::path(
    get, path = "/api/users/{id}/organizations", operation_id = "listUserOrganizations", tag = "permissions",
    params(("id" = UserId, Path, description = "The user."), PageQuery),
    responses((status = 200, body = PageOf<ReachedView>, description = "A page of organizations.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_user_organizations(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(id): ApiPath<UserId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<ReachedView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after: Option<(String, OrgId)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let user = api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?;
    let through = Through::of(&user).unwrap_or(Through::Grant);
    let seen = |one: Opened| ReachedView {
        org_id: one.organization.id,
        org_name: one.organization.name.clone(),
        is_active: one.organization.is_active,
        through,
        categories: one.categories.names().filter(|_| one.permissions.execute_workflows),
        permissions: one.permissions,
        expires_at: one.expires_at,
    };
    let mut reached: Vec<ReachedView> = api.gate.reach_of(&user).await?.into_iter().map(seen).collect();
    reached.sort_by_cached_key(ReachedView::key);
    reached.retain(|one| after.as_ref().is_none_or(|after| one.key() > *after));
    Ok(Json(paged(reached, limit, ReachedView::key)))
}

/// The first items, and a cursor if there are more.
fn paged<T, K: Serialize>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> PageOf<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| encode_cursor(&key(last)));
    PageOf { items, next_cursor }
}
