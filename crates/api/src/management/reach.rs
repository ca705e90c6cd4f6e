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
use msp_storage::{
    StoreError,
    repositories::{
        snapshot::{Member, Snapshot},
        users::User,
    },
};
use serde::Serialize;

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
    /// Which rights: of a service account, those of the grant that its app roles allow.
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
    async fn of(snapshot: &Snapshot, org: OrgId, member: &Member, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let Member { user, grant } = member;
        let through = Through::of(user).unwrap_or(Through::Grant);
        let granted_by = grant.as_ref().map(|grant| grant.granted_by.clone());
        Ok(Self {
            user_id: user.id,
            org_id: org,
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            is_active: snapshot.may_act(user),
            is_service: user.app_roles.is_some(),
            through,
            permissions: grant
                .as_ref()
                .map_or(through.permissions(), |grant| grant.terms.permissions.intersect(&user.ceiling())),
            categories: grant.as_ref().and_then(|grant| grant.terms.categories.names()),
            expires_at: grant.as_ref().and_then(|grant| grant.terms.expires_at),
            is_expired: grant.as_ref().is_some_and(|grant| grant.is_expired(now)),
            granted_by_name: match &granted_by {
                Some(id) => name_of(snapshot, id).await?,
                None => None,
            },
            granted_by,
            granted_at: grant.as_ref().map(|grant| grant.granted_at),
        })
    }
}

/// The name of an account, while the directory knows it.
pub(super) async fn name_of(snapshot: &Snapshot, id: &str) -> Result<Option<String>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    match snapshot.user(id).await {
        Ok(user) => Ok(user.map(|user| user.display_name.clone())),
        Err(StoreError::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
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
    let snapshot = api.repositories.snapshots.current().await?;
    snapshot.organization(org).await?.ok_or(Kind::NotFound)?;
    let (members, now) = (snapshot.members(org).await?, api.clock.now());
    let (members, next_cursor) = page_of(&members, after.as_ref(), limit, Member::place_in_lists);
    let mut items = Vec::with_capacity(members.len());
    for member in members {
        items.push(ReachView::of(&snapshot, org, member, now).await?);
    }
    Ok(Json(PageOf { items, next_cursor }))
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
    let seen = |one: &Opened| ReachedView {
        org_id: one.organization.id,
        org_name: one.organization.name.clone(),
        is_active: one.organization.is_active,
        through,
        categories: one.categories.names().filter(|_| one.permissions.execute_workflows),
        permissions: one.permissions,
        expires_at: one.expires_at,
    };
    let reached = api.gate.reach_of(&user).await?;
    let (reached, next_cursor) = page_of(&reached, after.as_ref(), limit, |one| one.organization.place_in_lists());
    Ok(Json(PageOf { items: reached.iter().map(seen).collect(), next_cursor }))
}

/// At most `limit` items of a sorted list behind a position, and a cursor if there are more.
fn page_of<'a, T, K: Ord + Serialize>(
    sorted: &'a [T],
    after: Option<&K>,
    limit: usize,
    place: impl Fn(&T) -> K,
) -> (&'a [T], Option<String>) {
    let start = after.map_or(0, |after| sorted.partition_point(|item| place(item) <= *after));
    let rest = &sorted[start..];
    let page = &rest[..limit.min(rest.len())];
    let next_cursor = page.last().filter(|_| rest.len() > limit).map(|last| encode_cursor(&place(last)));
    (page, next_cursor)
}
