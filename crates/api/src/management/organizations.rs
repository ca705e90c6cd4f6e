//! Client organizations.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, OrgAccess, SignedIn},
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, page_limit},
        params::{ApiPath, NoQuery, repeated},
        rights::AnyRight,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, Uri},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use msp_domain::{FieldFault, OrgId, Tags, naming, time_zone};
use msp_storage::repositories::organizations::{NewOrganization, Organization, OrganizationChange};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// An organization on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "name": "Contoso",
    "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47", "time_zone": "Europe/Berlin", "tags": ["eu", "gold"],
    "is_active": true, "deletion_started_at": null,
    "created_at": "2026-07-01T08:30:00Z", "updated_at": "2026-07-01T08:30:00Z"
}))]
pub struct OrganizationView {
    /// Its id.
    pub id: OrgId,
    /// Its unique name.
    pub name: String,
    /// Its Microsoft Entra tenant.
    pub tenant_id: Option<Uuid>,
    /// Where its working day begins and ends: an IANA time zone.
    pub time_zone: Option<String>,
    /// What groups it with others: in lower case, each once, in order.
    #[schema(value_type = Vec<String>)]
    pub tags: Tags,
    /// Nothing runs for an inactive organization.
    pub is_active: bool,
    /// Since when it is being deleted, which only administrators see; `null`: it is not.
    pub deletion_started_at: Option<DateTime<Utc>>,
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
            time_zone: organization.time_zone.map(|zone| zone.name().to_owned()),
            tags: organization.tags,
            is_active: organization.is_active,
            deletion_started_at: organization.deletion.map(|deletion| deletion.started_at),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

/// A new organization.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Contoso", "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "time_zone": "Europe/Berlin", "tags": ["eu", "gold"] }))]
pub struct CreateOrganization {
    /// Its name; no other organization may have it, letter case ignored.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Its Microsoft Entra tenant.
    #[serde(default)]
    tenant_id: Option<Uuid>,
    /// Where its working day begins and ends: an IANA time zone, such as `Europe/Berlin`.
    #[serde(default)]
    time_zone: Option<String>,
    /// What groups it with others. Letter case does not count; 1 to 50 characters each, without `,` and `;`.
    #[serde(default)]
    #[schema(max_items = 20)]
    tags: Vec<String>,
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
    /// A new time zone; `null` forgets it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    time_zone: Option<Option<String>>,
    /// New tags in place of all others.
    #[schema(max_items = 20)]
    tags: Option<Vec<String>>,
    /// Activate or deactivate.
    is_active: Option<bool>,
}

/// Tells `null` from "left out".
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
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
    params(PageQuery,
        ("tag" = Option<Vec<String>>, Query, description = "Only those with this tag; repeated: with all of them.")),
    responses((status = 200, body = PageOf<OrganizationView>, description = "A page of organizations.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn list_organizations(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    uri: Uri,
) -> Result<Json<PageOf<OrganizationView>>, Problem> {
    let (tags, query) = repeated::<PageQuery>(&uri, "tag")?;
    let wanted = Tags::parse(tags).map_err(|faults| {
        let details: Vec<_> = faults.into_iter().map(|fault| fault.detail).collect();
        Problem::new(Kind::QueryInvalid).detail(format!("`tag`: {}.", details.join("; ")))
    })?;
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after: Option<(String, OrgId)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    // In their order already.
    let opened = api.gate.organizations_of(&asking.caller).await?;
    let from =
        after.map_or(0, |after| opened.partition_point(|(organization, _)| organization.place_in_lists() <= after));
    let mut rest = opened[from..].iter().map(|(organization, _)| organization);
    let page: Vec<_> = rest.by_ref().filter(|organization| organization.tags.contain(&wanted)).take(limit).collect();
    let more = rest.any(|organization| organization.tags.contain(&wanted));
    let next_cursor = page.last().filter(|_| more).map(|last| encode_cursor(&last.place_in_lists()));
    let items = page.into_iter().map(|organization| Organization::clone(organization).into()).collect();
    Ok(Json(PageOf { items, next_cursor }))
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
    let mut faults = Faults::default();
    let new = NewOrganization {
        tenant_id: body.tenant_id,
        time_zone: body.time_zone.as_deref().and_then(|name| faults.time_zone(name)),
        tags: faults.tags(body.tags),
        ..NewOrganization::named(faults.name(&body.name))
    };
    faults.none()?;
    let organization = api.repositories.organizations.create(new, &asking.actor).await?;
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

/// Change an organization: name, tenant, time zone, tags, active or not.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `not-found` (404), `body-invalid` (422), `organization-name-taken` (409), `tenant-taken` (409),
/// `organization-being-deleted` (409), `stale-version` (412), `header-invalid` (400).
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
    let mut faults = Faults::default();
    let change = OrganizationChange {
        name: body.name.as_deref().map(|name| faults.name(name)),
        tenant_id: body.tenant_id,
        time_zone: body.time_zone.map(|zone| zone.and_then(|name| faults.time_zone(&name))),
        tags: body.tags.map(|tags| faults.tags(tags)),
        is_active: body.is_active,
    };
    faults.none()?;
    let organizations = &api.repositories.organizations;
    let updated = organizations.update(org, &change, if_match.as_ref(), &asking.actor).await;
    let current =
        async { Ok(organizations.get(org).await?.map(|found| (OrganizationView::from(found.clone()), found.etag))) };
    Ok(shown(or_current(updated, current).await?))
}

/// What is wrong with a body, all of it. A field at fault gets a value that goes nowhere.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn name(&mut self, text: &str) -> String {
        naming::name(text).unwrap_or_else(|detail| self.at("name", detail)).to_owned()
    }

    fn time_zone(&mut self, name: &str) -> Option<Tz> {
        time_zone::parse(name).map_or_else(|detail| self.at("time_zone", detail), Some)
    }

    fn tags(&mut self, tags: Vec<String>) -> Tags {
        Tags::parse(tags).unwrap_or_else(|faults| {
            self.0.extend(faults.into_iter().map(|fault| FieldFault {
                pointer: fault.index.map_or("#/tags".to_owned(), |index| format!("#/tags/{index}")),
                detail: fault.detail,
            }));
            Tags::default()
        })
    }

    fn at<T: Default>(&mut self, field: &str, detail: String) -> T {
        self.0.push(FieldFault::at(field, detail));
        T::default()
    }

    fn none(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::new(Kind::BodyInvalid).errors(self.0)) }
    }
}
