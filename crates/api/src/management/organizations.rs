//! Client organizations.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, OrgAccess, SignedIn},
        etag::{IfMatch, etag_header},
        json::ApiJson,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, page_limit},
        params::{ApiPath, ApiQuery, NoQuery},
        rights::AnyRight,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
};
use chrono::{DateTime, Utc};
use msp_domain::{FieldFault, OrgId, naming};
use msp_storage::repositories::organizations::{Organization, OrganizationChange};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// An organization on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "name": "Contoso",
    "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47", "is_active": true, "created_at": "2026-07-01T08:30:00Z",
    "updated_at": "2026-07-01T08:30:00Z"
}))]
pub struct OrganizationView {
    /// Its id.
    pub id: OrgId,
    /// Its unique name.
    pub name: String,
    /// Its Microsoft Entra tenant.
    pub tenant_id: Option<Uuid>,
    /// Nothing runs for an inactive organization.
    pub is_active: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Organization> for OrganizationView {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            tenant_id: organization.tenant_id,
            is_active: organization.is_active,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

/// A new organization.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Contoso", "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47" }))]
pub struct CreateOrganization {
    /// Its name; no other organization may have it, letter case ignored.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Its Microsoft Entra tenant.
    #[serde(default)]
    tenant_id: Option<Uuid>,
}

/// A change of an organization; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "is_active": false }))]
pub struct ChangeOrganization {
    /// A new name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// A new tenant; `null` unlinks it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Uuid>)]
    tenant_id: Option<Option<Uuid>>,
    /// Activate or deactivate.
    is_active: Option<bool>,
}

/// Tells `null` from "left out".
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The answer of a handler that shows one organization.
pub(crate) type Shown = ([(HeaderName, HeaderValue); 1], Json<OrganizationView>);

fn shown(organization: Organization) -> Shown {
    (etag_header(&organization.etag), Json(organization.into()))
}

/// List the organizations the caller may do something in, by name.
///
/// Problems: `query-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations", operation_id = "listOrganizations", tag = "organizations",
    params(PageQuery),
    responses((status = 200, body = PageOf<OrganizationView>, description = "A page of organizations.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn list_organizations(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<OrganizationView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let position = |organization: &Organization| (organization.name.to_lowercase(), organization.id);
    let after: Option<(String, OrgId)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let mut rest: Vec<Organization> =
        api.gate.organizations_of(&asking.caller).await?.into_iter().map(|(organization, _)| organization).collect();
    rest.sort_by_cached_key(position);
    if let Some(after) = after {
        rest.retain(|organization| position(organization) > after);
    }
    let more = rest.len() > limit;
    rest.truncate(limit);
    let next_cursor = rest.last().filter(|_| more).map(|last| encode_cursor(&position(last)));
    Ok(Json(PageOf { items: rest.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Create an organization.
///
/// Problems: `body-invalid` (422), `organization-name-taken` (409), `tenant-taken` (409).
#[utoipa::path(
    post, path = "/api/organizations", operation_id = "createOrganization", tag = "organizations",
    request_body = CreateOrganization,
    responses((status = 201, body = OrganizationView, description = "The new organization.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn create_organization(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<CreateOrganization>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    let name = checked_name(&body.name)?;
    let organization = api.repositories.organizations.create(name, body.tenant_id, &asking.actor).await?;
    let location = format!("/api/organizations/{}", organization.id);
    Ok((StatusCode::CREATED, [(axum::http::header::LOCATION, location)], shown(organization)))
}

/// Read an organization.
#[utoipa::path(
    get, path = "/api/organizations/{org}", operation_id = "getOrganization", tag = "organizations",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = OrganizationView, description = "The organization.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("any")))
)]
pub async fn get_organization(access: OrgAccess<AnyRight>, _: NoQuery) -> Shown {
    shown(access.organization().clone())
}

/// Change an organization: name, tenant, active or not.
///
/// Problems: `not-found` (404), `body-invalid` (422), `organization-name-taken` (409), `tenant-taken` (409),
/// `stale-version` (412), `header-invalid` (400).
#[utoipa::path(
    patch, path = "/api/organizations/{org}", operation_id = "updateOrganization", tag = "organizations",
    params(("org" = OrgId, Path, description = "The organization."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = ChangeOrganization,
    responses((status = 200, body = OrganizationView, description = "The organization as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn update_organization(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(org): ApiPath<OrgId>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<ChangeOrganization>,
) -> Result<Shown, Problem> {
    let name = body.name.as_deref().map(checked_name).transpose()?.map(str::to_owned);
    let change = OrganizationChange { name, tenant_id: body.tenant_id, is_active: body.is_active };
    let organization = api.repositories.organizations.update(org, &change, if_match.as_ref(), &asking.actor).await?;
    Ok(shown(organization))
}

fn checked_name(text: &str) -> Result<&str, Problem> {
    naming::name(text).map_err(|detail| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("name", detail)]))
}
