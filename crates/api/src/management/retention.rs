//! How long executions are kept: the installation's limit, and that of an organization.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, OrgAccess, ReviewAccess},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        params::{ApiPath, NoQuery},
        rights::AnyRight,
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
use msp_domain::{ConfigOrigin, FieldFault, OrgId, Scope, retention};
use msp_storage::{
    Etag, StoreError,
    repositories::retention::{RetentionRule, Sweep},
};
use serde::{Deserialize, Deserializer, Serialize};

/// How long the executions of an organization are kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "days": 90, "origin": "organization", "updated_at": "2026-11-25T15:04:05.678Z",
    "updated_by": "4f2b9c0e-7d1a-4f6e-9d53-0b6c2f1f8a11"
}))]
pub struct RetentionView {
    /// Days after its end at which an execution is removed; `null`: never.
    days: Option<u32>,
    /// Whether it was set for the organization, or is the installation's (`global`).
    origin: ConfigOrigin,
    /// When it was set; `null` if nobody ever did.
    updated_at: Option<DateTime<Utc>>,
    /// By whom: a user id, or `platform`.
    updated_by: Option<String>,
}

impl RetentionView {
    fn new(rule: Option<&RetentionRule>, origin: ConfigOrigin) -> Self {
        Self {
            days: rule.and_then(|rule| rule.days),
            origin,
            updated_at: rule.map(|rule| rule.updated_at),
            updated_by: rule.map(|rule| rule.updated_by.clone()),
        }
    }
}

/// How long executions are kept where an organization says nothing else, and how far their removal is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "days": 365, "origin": "global", "updated_at": "2026-11-25T15:04:05.678Z", "updated_by": "platform",
    "last_pass": {
        "started_at": "2026-11-25T16:00:00.000Z", "ended_at": "2026-11-25T16:00:02.345Z",
        "removed": 120, "failed": 0, "organizations": 41, "organizations_done": 41
    }
}))]
pub struct RetentionDefaultView {
    #[serde(flatten)]
    rule: RetentionView,
    /// The latest pass over what has expired; `null` before the first one.
    last_pass: Option<PassView>,
}

/// A pass over what has expired. The engine makes one every hour, and one whenever a limit changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PassView {
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ended; `null` while it goes on, or when the engine stopped meanwhile and the next pass goes on.
    ended_at: Option<DateTime<Utc>>,
    /// Executions it has removed.
    removed: u64,
    /// Executions it could not remove; the server's log names them.
    failed: u64,
    /// Organizations to be looked at; what runs without one counts as one.
    organizations: u64,
    /// Of those, done.
    organizations_done: u64,
}

impl From<Sweep> for PassView {
    fn from(sweep: Sweep) -> Self {
        Self {
            started_at: sweep.started_at,
            ended_at: sweep.ended_at,
            removed: sweep.removed,
            failed: sweep.failed,
            organizations: sweep.scopes,
            organizations_done: sweep.scopes_done,
        }
    }
}

/// A limit to be set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "days": 90 }))]
pub struct SetRetention {
    /// Days after its end at which an execution is removed, 1 to 3650; `null`: never.
    #[serde(deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 3650, required = true)]
    days: Option<u32>,
}

/// `null` is a wish; to leave it out is a mistake.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)
}

impl SetRetention {
    fn checked(&self) -> Result<Option<u32>, Problem> {
        let checked = self.days.map(retention::days).transpose();
        checked.map_err(|fault| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("days", fault)]))
    }
}

/// Read how long executions are kept where an organization says nothing else, and how far their removal is.
#[utoipa::path(
    get, path = "/api/retention", operation_id = "getRetentionDefault", tag = "executions",
    responses((status = 200, body = RetentionDefaultView, description = "The limit of the installation.",
        headers(("ETag" = String, description = "Its version, once it was set.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_retention_default(State(api): State<Api>, _: ReviewAccess, _: NoQuery) -> Result<Response, Problem> {
    default_now(&api).await
}

/// Set how long executions are kept where an organization says nothing else.
///
/// It also holds for executions without an organization. What has expired is removed from now on: the execution with its
/// input, result, log, steps and files. Its audit rows and what statistics counted stay. What has not ended is never
/// removed. Until somebody sets a limit, everything is kept.
///
/// Problems: `body-invalid` (422), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/retention", operation_id = "setRetentionDefault", tag = "executions",
    params(("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetRetention,
    responses((status = 200, body = RetentionDefaultView, description = "The limit as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_retention_default(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetRetention>,
) -> Result<Response, Problem> {
    let days = body.checked()?;
    let set = api.repositories.retention.set(Scope::Global, days, if_match.as_ref(), &asking.actor).await;
    changed(&api, Scope::Global, set.map(drop)).await?;
    default_now(&api).await
}

async fn default_now(api: &Api) -> Result<Response, Problem> {
    let retention = &api.repositories.retention;
    let rule = retention.get(Scope::Global).await?;
    let view = RetentionDefaultView {
        rule: RetentionView::new(rule.as_ref(), ConfigOrigin::Global),
        last_pass: retention.last_sweep().await?.map(Into::into),
    };
    Ok(shown(view, rule.map(|rule| rule.etag)))
}

/// Read how long the executions of an organization are kept.
///
/// The `ETag` is there only for a limit set in the organization itself.
#[utoipa::path(
    get, path = "/api/organizations/{org}/retention", operation_id = "getRetention", tag = "executions",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = RetentionView, description = "The limit that holds.",
        headers(("ETag" = String, description = "The version of the organization's own limit.")))),
    extensions(("x-permission" = json!("any")))
)]
pub async fn get_retention(
    State(api): State<Api>,
    access: OrgAccess<AnyRight>,
    _: NoQuery,
) -> Result<Response, Problem> {
    limit_now(&api, access.org).await
}

/// Set how long the executions of an organization are kept, whatever holds for the installation.
///
/// Problems: `not-found` (404), `body-invalid` (422), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/organizations/{org}/retention", operation_id = "setRetention", tag = "executions",
    params(("org" = OrgId, Path, description = "The organization."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetRetention,
    responses((status = 200, body = RetentionView, description = "The limit as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_retention(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(org): ApiPath<OrgId>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetRetention>,
) -> Result<Response, Problem> {
    let days = body.checked()?;
    api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    let set = api.repositories.retention.set(Scope::Org(org), days, if_match.as_ref(), &asking.actor).await;
    changed(&api, Scope::Org(org), set.map(drop)).await?;
    limit_now(&api, org).await
}

/// Take an organization's own limit away: the installation's holds again. Without one nothing changes.
///
/// Problems: `not-found` (404), `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/organizations/{org}/retention", operation_id = "clearRetention", tag = "executions",
    params(("org" = OrgId, Path, description = "The organization."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    responses((status = 204, description = "The installation's limit holds.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn clear_retention(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(org): ApiPath<OrgId>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    let cleared = api.repositories.retention.clear(Scope::Org(org), if_match.as_ref(), &asking.actor).await;
    changed(&api, Scope::Org(org), cleared).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn limit_now(api: &Api, org: OrgId) -> Result<Response, Problem> {
    let retention = &api.repositories.retention;
    if let Some(own) = retention.get(Scope::Org(org)).await? {
        return Ok(shown(RetentionView::new(Some(&own), ConfigOrigin::Organization), Some(own.etag)));
    }
    let inherited = retention.get(Scope::Global).await?;
    Ok(shown(RetentionView::new(inherited.as_ref(), ConfigOrigin::Global), None))
}

/// Tells the engine of a change, or refuses one that was meant for another version.
async fn changed(api: &Api, scope: Scope, outcome: Result<(), StoreError>) -> Result<(), Problem> {
    let current = async {
        let origin = if scope == Scope::Global { ConfigOrigin::Global } else { ConfigOrigin::Organization };
        let current = api.repositories.retention.get(scope).await?;
        Ok(current.map(|rule| (RetentionView::new(Some(&rule), origin), rule.etag)))
    };
    or_current(outcome, current).await?;
    if let Some(engine) = api.engine.get() {
        engine.retention_changed();
    }
    Ok(())
}

fn shown(view: impl Serialize, etag: Option<Etag>) -> Response {
    match etag {
        Some(etag) => (etag_header(&etag), Json(view)).into_response(),
        None => Json(view).into_response(),
    }
}
