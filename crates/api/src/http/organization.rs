//! Which organization a request is about. Header, path and query may each name it; together they must agree.

use super::{Problem, ProblemKind as Kind};
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Query, RawPathParams},
    http::request::Parts,
};
use msp_domain::OrgId;
use serde::Deserialize;

/// The header that asks for an organization. It is a request for scope, never proof of a right (design section 4).
pub const ORGANIZATION_HEADER: &str = "x-organization-id";

#[derive(Deserialize)]
struct OrgQuery {
    org_id: Option<String>,
}

/// The organization the request names: path, header or query `org_id` (for links, which cannot send headers).
pub(crate) async fn requested_organization(parts: &mut Parts) -> Result<Option<OrgId>, Problem> {
    let mut named = [in_path(parts).await?, in_header(parts)?, in_query(parts)?].into_iter().flatten();
    let first = named.next();
    if named.any(|other| Some(other) != first) {
        return Err(Problem::new(Kind::OrganizationMismatch)
            .detail("Path, query `org_id` and header `X-Organization-Id` must name the same organization."));
    }
    Ok(first)
}

/// The organization a request names outside its body, if any, for a handler whose body names one too.
pub struct NamedOrganization(Option<OrgId>);

impl<S: Send + Sync> FromRequestParts<S> for NamedOrganization {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        requested_organization(parts).await.map(Self)
    }
}

impl NamedOrganization {
    /// Which.
    pub(crate) fn id(&self) -> Option<OrgId> {
        self.0
    }

    /// Refuses a body about another organization.
    pub(crate) fn agrees_with(&self, body: OrgId) -> Result<(), Problem> {
        if self.0.is_some_and(|named| named != body) {
            return Err(Problem::new(Kind::OrganizationMismatch).detail(
                "`org_id` of the body, query `org_id` and header `X-Organization-Id` must name the same organization.",
            ));
        }
        Ok(())
    }
}

/// The refusal of a request that names no organization where one is needed.
pub(crate) fn organization_required() -> Problem {
    Problem::new(Kind::OrganizationRequired)
        .detail("Name the organization this is for in the header `X-Organization-Id`.")
}

async fn in_path(parts: &mut Parts) -> Result<Option<OrgId>, Problem> {
    // A route without path parameters has none to offer: that is no fault of the request.
    let Ok(params) = parts.extract::<RawPathParams>().await else { return Ok(None) };
    params.iter().find(|(name, _)| *name == "org").map(|(_, text)| parse(text)).transpose()
}

fn in_header(parts: &Parts) -> Result<Option<OrgId>, Problem> {
    let mut values = parts.headers.get_all(ORGANIZATION_HEADER).iter();
    let first = values.next().map(|value| value.to_str().map_err(|_| invalid()).and_then(parse)).transpose()?;
    if values.next().is_some() {
        return Err(Problem::new(Kind::OrganizationInvalid).detail("Send `X-Organization-Id` once."));
    }
    Ok(first)
}

fn in_query(parts: &Parts) -> Result<Option<OrgId>, Problem> {
    let query = Query::<OrgQuery>::try_from_uri(&parts.uri).map_err(|_| {
        Problem::new(Kind::QueryInvalid).detail("The query cannot be read, or names `org_id` more than once.")
    })?;
    query.0.org_id.as_deref().map(parse).transpose()
}

fn parse(text: &str) -> Result<OrgId, Problem> {
    text.trim().parse().map_err(|_| invalid())
}

fn invalid() -> Problem {
    Problem::new(Kind::OrganizationInvalid).detail("An organization id is a GUID in the form 8-4-4-4-12.")
}
