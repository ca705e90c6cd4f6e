//! The user directory. Only administrators and auditors see it.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, ReviewAccess},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, list_fault, page_limit},
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
use msp_domain::{FieldFault, UserId, naming};
use msp_storage::repositories::users::{User, UserChange};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "email": "ada@example.com", "display_name": "Ada Lovelace",
    "is_active": true, "is_platform_admin": false, "is_auditor": false, "is_service": false, "created_at": "2026-07-01T08:30:00Z",
    "last_login_at": "2026-07-02T07:00:00Z", "tenant_id": null
}))]
pub struct UserView {
    /// Its id.
    pub id: UserId,
    /// For display and for finding. Empty while Entra ID names none, or another person of the tenant has it now.
    pub email: String,
    /// For display.
    pub display_name: String,
    /// An inactive user is refused at the next request.
    pub is_active: bool,
    /// Holds every right everywhere.
    pub is_platform_admin: bool,
    /// Reads everything everywhere but secrets, and does nothing else; grants give an auditor nothing.
    pub is_auditor: bool,
    /// Whether it is a service account, which is managed at `/api/service-accounts` and has no e-mail address.
    pub is_service: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the user last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// The Entra tenant that vouches for the account; `null` for one that was made here. Only accounts of the directory that
    /// people sign in with now, and service accounts that were made here, can do anything.
    pub tenant_id: Option<Uuid>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            is_active: user.is_active,
            is_platform_admin: user.is_platform_admin,
            is_auditor: user.is_auditor,
            is_service: user.app_roles.is_some(),
            created_at: user.created_at,
            last_login_at: user.last_login_at,
            tenant_id: user.tenant_id,
        }
    }
}

/// A new user.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.com", "display_name": "Ada Lovelace" }))]
pub struct CreateUser {
    /// No other user may have it, letter case ignored.
    email: String,
    /// What people see.
    display_name: String,
    /// Whether the user holds every right everywhere.
    #[serde(default)]
    is_platform_admin: bool,
}

/// A change of a user; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "is_active": false }))]
pub struct ChangeUser {
    /// A new name.
    display_name: Option<String>,
    /// Activate or deactivate.
    is_active: Option<bool>,
    /// Make or unmake a platform administrator.
    is_platform_admin: Option<bool>,
    /// Make or unmake an auditor.
    is_auditor: Option<bool>,
}

type Shown = ([(HeaderName, HeaderValue); 1], Json<UserView>);

fn shown(user: User) -> Shown {
    (etag_header(&user.etag), Json(user.into()))
}

/// List users.
///
/// Problems: `query-invalid` (400).
#[utoipa::path(
    get, path = "/api/users", operation_id = "listUsers", tag = "users",
    params(PageQuery),
    responses((status = 200, body = PageOf<UserView>, description = "A page of users, by id.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_users(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<UserView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let listing = api.repositories.users.list(query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    Ok(Json(PageOf { items: listing.items.into_iter().map(Into::into).collect(), next_cursor: listing.next_cursor }))
}

/// Add a user. A one-time link of `msp user link` lets the user sign in.
///
/// Where people sign in with Entra ID nobody is added by hand: they are there once they have signed in.
///
/// Problems: `body-invalid` (422), `email-taken` (409), `managed-by-entra` (409).
#[utoipa::path(
    post, path = "/api/users", operation_id = "createUser", tag = "users",
    request_body = CreateUser,
    responses((status = 201, body = UserView, description = "The new user.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn create_user(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<CreateUser>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    if api.authenticator.entra().is_some() {
        return Err(Problem::new(Kind::ManagedByEntra)
            .detail("People sign in with Entra ID here, and are there, without any right, once they have done so."));
    }
    let checked = (checked("email", naming::email(&body.email)), checked_name(&body.display_name));
    let (email, name) = match checked {
        (Ok(email), Ok(name)) => (email, name),
        (email, name) => {
            let faults = [email.err(), name.err()].into_iter().flatten().collect();
            return Err(Problem::new(Kind::BodyInvalid).errors(faults));
        }
    };
    let user = api.repositories.users.create(email, name, body.is_platform_admin, &asking.actor).await?;
    let location = format!("/api/users/{}", user.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown(user)))
}

/// Read a user.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/users/{id}", operation_id = "getUser", tag = "users",
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 200, body = UserView, description = "The user.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_user(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    Ok(shown(api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?))
}

/// Change a user: name, active or not, administrator or auditor or neither. The last active administrator stays one. Of an
/// account that Entra ID vouches for only whether it is active is decided here.
///
/// Deactivating ends sessions, tokens and what waits in the queue at the next request, for good: who is activated again signs
/// in again. Nobody deactivates their own account.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `not-found` (404), `body-invalid` (422), `last-administrator` (409), `own-account` (409),
/// `managed-by-entra` (409), `stale-version` (412), `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    patch, path = "/api/users/{id}", operation_id = "updateUser", tag = "users",
    params(("id" = UserId, Path, description = "The user."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = ChangeUser,
    responses((status = 200, body = UserView, description = "The user as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn update_user(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<UserId>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<ChangeUser>,
) -> Result<Shown, Problem> {
    let display_name = body.display_name.as_deref().map(checked_name).transpose();
    let display_name =
        display_name.map_err(|fault| Problem::new(Kind::BodyInvalid).errors(vec![fault]))?.map(str::to_owned);
    let change = UserChange {
        display_name,
        is_active: body.is_active,
        is_platform_admin: body.is_platform_admin,
        is_auditor: body.is_auditor,
        app_roles: None,
    };
    let users = &api.repositories.users;
    let updated = users.update(id, &change, if_match.as_ref(), &asking.actor).await;
    let current = async { Ok(users.get(id).await?.map(|user| (UserView::from(user.clone()), user.etag))) };
    Ok(shown(or_current(updated, current).await?))
}

fn checked_name(text: &str) -> Result<&str, FieldFault> {
    checked("display_name", naming::name(text))
}

/// A checked field, or the fault to report at it.
fn checked<'a>(field: &str, value: Result<&'a str, String>) -> Result<&'a str, FieldFault> {
    value.map_err(|detail| FieldFault::at(field, detail))
}
