//! Service accounts: programs that call this API in their own name. What one may do is its app roles, within its grants.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, ReviewAccess},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, page_limit},
        params::{ApiPath, ApiQuery, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use chrono::{DateTime, Utc};
use msp_domain::{AppRole, AppRoles, FieldFault, UserId, naming};
use msp_storage::repositories::users::{NewUser, User, UserChange};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A service account on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "4f0b2a4c-9a0d-4c0a-8f3e-6d2d5b0f7c21", "name": "Nightly report", "is_active": true,
    "app_roles": ["Workflows.Execute"], "created_at": "2026-07-01T08:30:00Z", "tenant_id": null
}))]
pub struct ServiceAccountView {
    /// Its id: what grants name as `user_id`.
    id: UserId,
    /// What it is called.
    name: String,
    /// An inactive account is refused at the next request.
    is_active: bool,
    /// What it may be used for at all; its grants say where.
    app_roles: Vec<AppRole>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// The Entra tenant that vouches for it and says its roles; `null` for an account that was made here.
    tenant_id: Option<Uuid>,
}

impl ServiceAccountView {
    /// `None` for a person.
    fn of(user: &User) -> Option<Self> {
        Some(Self {
            app_roles: user.app_roles.as_ref()?.iter().collect(),
            id: user.id,
            name: user.display_name.clone(),
            is_active: user.is_active,
            created_at: user.created_at,
            tenant_id: user.tenant_id,
        })
    }
}

/// A new service account.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Nightly report", "app_roles": ["Workflows.Execute"] }))]
pub struct CreateServiceAccount {
    /// What it is called; no other service account may be.
    name: String,
    /// What it may be used for at all; at least one.
    app_roles: Vec<AppRole>,
}

/// A change of a service account; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "app_roles": ["Workflows.Execute", "Executions.Record"] }))]
pub struct ChangeServiceAccount {
    /// A new name.
    name: Option<String>,
    /// Other roles, instead of those it has.
    app_roles: Option<Vec<AppRole>>,
    /// Activate or deactivate. Deactivating ends its tokens for good.
    is_active: Option<bool>,
}

type Shown = ([(HeaderName, HeaderValue); 1], Json<ServiceAccountView>);

fn shown(user: User) -> Result<Shown, Problem> {
    let etag = etag_header(&user.etag);
    Ok((etag, Json(ServiceAccountView::of(&user).ok_or(Kind::NotFound)?)))
}

/// The service account with this id; people are none.
pub(super) async fn find(api: &Api, id: UserId) -> Result<User, Problem> {
    let user = api.repositories.users.get(id).await?.filter(|user| user.app_roles.is_some());
    Ok(user.ok_or(Kind::NotFound)?)
}

/// List service accounts.
///
/// Problems: `query-invalid` (400).
#[utoipa::path(
    get, path = "/api/service-accounts", operation_id = "listServiceAccounts", tag = "service-accounts",
    params(PageQuery),
    responses((status = 200, body = PageOf<ServiceAccountView>, description = "A page of service accounts, by id.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_service_accounts(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<ServiceAccountView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after: Option<UserId> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let users = api.repositories.snapshots.current().await?.all_users().await?;
    let mut services: Vec<ServiceAccountView> = users
        .iter()
        .filter(|user| after.is_none_or(|after| user.id > after))
        .filter_map(|user| ServiceAccountView::of(user))
        .take(limit + 1)
        .collect();
    let more = services.len() > limit;
    services.truncate(limit);
    let next_cursor = services.last().filter(|_| more).map(|last| encode_cursor(&last.id));
    Ok(Json(PageOf { items: services, next_cursor }))
}

/// Add a service account. It can do nothing until it has a grant and a token.
///
/// Problems: `body-invalid` (422), `name-taken` (409).
#[utoipa::path(
    post, path = "/api/service-accounts", operation_id = "createServiceAccount", tag = "service-accounts",
    request_body = CreateServiceAccount,
    responses((status = 201, body = ServiceAccountView, description = "The new account.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn create_service_account(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<CreateServiceAccount>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    let (name, roles) = match (naming::name(&body.name), AppRoles::new(body.app_roles)) {
        (Ok(name), Ok(roles)) => (name, roles),
        (name, roles) => {
            let faults = [
                name.err().map(|detail| FieldFault::at("name", detail)),
                roles.err().map(|detail| FieldFault::at("app_roles", detail)),
            ];
            return Err(Problem::new(Kind::BodyInvalid).errors(faults.into_iter().flatten().collect()));
        }
    };
    let user = api.repositories.users.add(NewUser::service(name, roles), &asking.actor).await?;
    let location = format!("/api/service-accounts/{}", user.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown(user)?))
}

/// Read a service account.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/service-accounts/{id}", operation_id = "getServiceAccount", tag = "service-accounts",
    params(("id" = UserId, Path, description = "The account.")),
    responses((status = 200, body = ServiceAccountView, description = "The account.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_service_account(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    shown(find(&api, id).await?)
}

/// Change a service account: name, roles, active or not. Works at its next request. The roles of a program that Entra ID
/// vouches for are given there.
///
/// Problems: `not-found` (404), `body-invalid` (422), `name-taken` (409), `managed-by-entra` (409), `stale-version` (412),
/// `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    patch, path = "/api/service-accounts/{id}", operation_id = "updateServiceAccount", tag = "service-accounts",
    params(("id" = UserId, Path, description = "The account."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = ChangeServiceAccount,
    responses((status = 200, body = ServiceAccountView, description = "The account as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn update_service_account(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<UserId>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<ChangeServiceAccount>,
) -> Result<Shown, Problem> {
    let invalid =
        |field: &str, detail: String| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at(field, detail)]);
    let name = body.name.as_deref().map(naming::name).transpose().map_err(|detail| invalid("name", detail))?;
    let app_roles = body.app_roles.map(AppRoles::new).transpose();
    let app_roles = app_roles.map_err(|detail| invalid("app_roles", detail.to_owned()))?;
    find(&api, id).await?;
    let change = UserChange {
        display_name: name.map(str::to_owned),
        is_active: body.is_active,
        app_roles,
        ..UserChange::default()
    };
    let users = &api.repositories.users;
    let updated = users.update(id, &change, if_match.as_ref(), &asking.actor).await;
    let current = async {
        let found = users.get(id).await?.map(|user| (user.etag.clone(), ServiceAccountView::of(&user)));
        Ok(found.and_then(|(etag, view)| Some((view?, etag))))
    };
    shown(or_current(updated, current).await?)
}
