//! The user directory. Only administrators see it.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::AdminAccess,
        etag::{IfMatch, etag_header},
        json::ApiJson,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, list_fault, page_limit},
        params::{ApiPath, ApiQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use chrono::{DateTime, Utc};
use msp_domain::{FieldFault, UserId};
use msp_storage::repositories::users::{User, UserChange};
use serde::{Deserialize, Serialize};

/// Longest name of a person.
const MAX_NAME_CHARS: usize = 200;
/// Longest e-mail address (RFC 5321 section 4.5.3.1.3, without the brackets).
const MAX_EMAIL_CHARS: usize = 254;

/// A user on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UserView {
    /// Its id.
    pub id: UserId,
    /// For display and for finding.
    pub email: String,
    /// For display.
    pub display_name: String,
    /// An inactive user is refused at the next request.
    pub is_active: bool,
    /// Holds every right everywhere.
    pub is_platform_admin: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the user last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            is_active: user.is_active,
            is_platform_admin: user.is_platform_admin,
            created_at: user.created_at,
            last_login_at: user.last_login_at,
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
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn list_users(
    State(api): State<Api>,
    _: AdminAccess,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<UserView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let listing = api.repositories.users.list(query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    Ok(Json(PageOf { items: listing.items.into_iter().map(Into::into).collect(), next_cursor: listing.next_cursor }))
}

/// Add a user. A one-time link of `msp user link` lets the user sign in.
///
/// Problems: `body-invalid` (422), `email-taken` (409).
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
    ApiJson(body): ApiJson<CreateUser>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    let (email, name) = (body.email.trim(), body.display_name.trim());
    let faults: Vec<FieldFault> = [check_email(email), check_display_name(name)].into_iter().flatten().collect();
    if !faults.is_empty() {
        return Err(Problem::new(Kind::BodyInvalid).errors(faults));
    }
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
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn get_user(State(api): State<Api>, _: AdminAccess, ApiPath(id): ApiPath<UserId>) -> Result<Shown, Problem> {
    Ok(shown(api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?))
}

/// Change a user: name, active or not, administrator or not. The last active administrator stays one.
///
/// Problems: `not-found` (404), `body-invalid` (422), `last-administrator` (409), `stale-version` (412),
/// `path-invalid` (400), `header-invalid` (400).
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
    ApiJson(body): ApiJson<ChangeUser>,
) -> Result<Shown, Problem> {
    let display_name = body.display_name.map(|name| name.trim().to_owned());
    if let Some(fault) = display_name.as_deref().and_then(check_display_name) {
        return Err(Problem::new(Kind::BodyInvalid).errors(vec![fault]));
    }
    let change = UserChange { display_name, is_active: body.is_active, is_platform_admin: body.is_platform_admin };
    Ok(shown(api.repositories.users.update(id, &change, if_match.as_ref(), &asking.actor).await?))
}

fn check_display_name(name: &str) -> Option<FieldFault> {
    let length = name.chars().count();
    let valid = (1..=MAX_NAME_CHARS).contains(&length) && !name.contains(char::is_control);
    (!valid).then(|| FieldFault::at("display_name", format!("expected 1 to {MAX_NAME_CHARS} characters in one line")))
}

/// Loosely: whoever sends the invitation finds out the rest.
fn check_email(email: &str) -> Option<FieldFault> {
    let valid = email.chars().count() <= MAX_EMAIL_CHARS
        && !email.contains(|c: char| c.is_whitespace() || c.is_control())
        && email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    (!valid).then(|| FieldFault::at("email", "expected an e-mail address, such as `ada@example.com`"))
}
