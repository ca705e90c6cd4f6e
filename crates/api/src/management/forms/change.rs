//! Making and changing forms.

use super::{
    draft::checked,
    find::{ChangeAccess, changeable, writable_scope},
    view::{FormView, Shown, shown, shown_with},
};
use crate::{
    http::{
        Problem,
        etag::{IfMatch, or_current},
        json::ApiJson,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderName, StatusCode, header},
};
use msp_domain::{OrgId, Scope, form::FormSchema};
use msp_storage::Etag;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A change of a form that is not about its document.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "is_active": false }))]
pub struct ChangeForm {
    /// Whether it can be submitted.
    is_active: bool,
}

/// Create a form from its document: for the organization that is named, or, by an administrator, for everybody.
///
/// What an export holds is such a document. It is checked by itself and against the workflows and option generators there
/// are; every fault has a pointer, and the answer carries `warnings` about what is probably not meant.
///
/// Problems: `form-invalid` (422), `body-invalid` (422), `administrator-required` (403), `organization-inactive` (409),
/// `limit-exceeded` (422), `engine-starting` (503).
#[utoipa::path(
    post, path = "/api/forms", operation_id = "createForm", tag = "forms",
    params(("X-Organization-Id" = Option<OrgId>, Header, description = "Whose form it is; none: everybody's.")),
    request_body = FormSchema,
    responses((status = 201, body = FormView, description = "The new form.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("manage_forms; administrator for everybody's")))
)]
pub async fn create_form(
    State(api): State<Api>,
    access: ChangeAccess,
    OriginalUri(uri): OriginalUri,
    _: NoQuery,
    ApiJson(document): ApiJson<Map<String, Value>>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    let scope = writable_scope(&api, &access, uri.path()).await?;
    let (schema, warnings) = checked(&api, document)?;
    let form = api.repositories.forms.create(scope, &schema, &access.asking.actor).await?;
    let location = format!("/api/forms/{}", form.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown_with(form, warnings)?))
}

/// Replace the document of a form.
///
/// A refusal for a stale version carries what is there as `current`.
///
/// Problems: `form-invalid` (422), `body-invalid` (422), `not-found` (404), `administrator-required` (403),
/// `stale-version` (412), `path-invalid` (400), `organization-inactive` (409), `engine-starting` (503).
#[utoipa::path(
    put, path = "/api/forms/{id}", operation_id = "putForm", tag = "forms",
    params(("id" = Uuid, Path, description = "The form."),
        ("X-Organization-Id" = Option<OrgId>, Header, description = "The organization to look in."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = FormSchema,
    responses((status = 200, body = FormView, description = "The form as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_forms; administrator for everybody's")))
)]
pub async fn put_form(
    State(api): State<Api>,
    access: ChangeAccess,
    ApiPath(id): ApiPath<Uuid>,
    IfMatch(if_match): IfMatch,
    OriginalUri(uri): OriginalUri,
    _: NoQuery,
    ApiJson(document): ApiJson<Map<String, Value>>,
) -> Result<Shown, Problem> {
    let scope = changeable(&api, &access, id, uri.path()).await?;
    let (schema, warnings) = checked(&api, document)?;
    let replaced = api.repositories.forms.replace((scope, id), &schema, if_match.as_ref(), &access.asking.actor).await;
    Ok(shown_with(or_current(replaced, current(&api, (scope, id))).await?, warnings)?)
}

/// Switch a form on or off. What runs from it goes on.
///
/// Problems: `body-invalid` (422), `not-found` (404), `administrator-required` (403), `stale-version` (412),
/// `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    patch, path = "/api/forms/{id}", operation_id = "updateForm", tag = "forms",
    params(("id" = Uuid, Path, description = "The form."),
        ("X-Organization-Id" = Option<OrgId>, Header, description = "The organization to look in."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = ChangeForm,
    responses((status = 200, body = FormView, description = "The form as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_forms; administrator for everybody's")))
)]
pub async fn update_form(
    State(api): State<Api>,
    access: ChangeAccess,
    ApiPath(id): ApiPath<Uuid>,
    IfMatch(if_match): IfMatch,
    OriginalUri(uri): OriginalUri,
    _: NoQuery,
    ApiJson(body): ApiJson<ChangeForm>,
) -> Result<Shown, Problem> {
    let scope = changeable(&api, &access, id, uri.path()).await?;
    let forms = &api.repositories.forms;
    let updated = forms.set_active((scope, id), body.is_active, if_match.as_ref(), &access.asking.actor).await;
    Ok(shown(or_current(updated, current(&api, (scope, id))).await?)?)
}

/// Delete a form. What ran from it stays on record.
///
/// Problems: `not-found` (404), `administrator-required` (403), `stale-version` (412), `path-invalid` (400),
/// `organization-inactive` (409).
#[utoipa::path(
    delete, path = "/api/forms/{id}", operation_id = "deleteForm", tag = "forms",
    params(("id" = Uuid, Path, description = "The form."),
        ("X-Organization-Id" = Option<OrgId>, Header, description = "The organization to look in."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Deleted.")),
    extensions(("x-permission" = json!("manage_forms; administrator for everybody's")))
)]
pub async fn delete_form(
    State(api): State<Api>,
    access: ChangeAccess,
    ApiPath(id): ApiPath<Uuid>,
    IfMatch(if_match): IfMatch,
    OriginalUri(uri): OriginalUri,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let scope = changeable(&api, &access, id, uri.path()).await?;
    let deleted = api.repositories.forms.delete((scope, id), if_match.as_ref(), &access.asking.actor).await;
    or_current(deleted, current(&api, (scope, id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The form as it is now, and its version.
async fn current(api: &Api, (scope, id): (Scope, Uuid)) -> Result<Option<(FormView, Etag)>, Problem> {
    let Some(stored) = api.repositories.forms.get(scope, id).await? else { return Ok(None) };
    let etag = stored.etag.clone();
    Ok(Some((FormView::new(stored)?, etag)))
}
