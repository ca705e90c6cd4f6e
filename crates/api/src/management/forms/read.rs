//! Reading one form, and taking it along.

use super::{
    find::{ReadAccess, find_form},
    view::{FormView, Shown, shown},
};
use crate::{
    http::{
        Problem,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use msp_domain::form::FormSchema;
use uuid::Uuid;

/// Read a form.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/forms/{id}", operation_id = "getForm", tag = "forms",
    params(("id" = Uuid, Path, description = "The form."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = FormView, description = "The form.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("execute_workflows, or manage_forms, or auditor")))
)]
pub async fn get_form(
    State(api): State<Api>,
    access: ReadAccess,
    ApiPath(id): ApiPath<Uuid>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    Ok(shown(find_form(&api, &access, id).await?)?)
}

/// Download a form as a file, to be created again elsewhere.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/forms/{id}/export", operation_id = "exportForm", tag = "forms",
    params(("id" = Uuid, Path, description = "The form."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = FormSchema, description = "The document, as `POST /api/forms` takes it.",
        headers(("Content-Disposition" = String, description = "The name of the file.")))),
    extensions(("x-permission" = json!("execute_workflows, or manage_forms, or auditor")))
)]
pub async fn export_form(
    State(api): State<Api>,
    access: ReadAccess,
    ApiPath(id): ApiPath<Uuid>,
    _: NoQuery,
) -> Result<([(HeaderName, String); 1], Json<FormSchema>), Problem> {
    let form = find_form(&api, &access, id).await?;
    let disposition = format!("attachment; filename=\"form-{}.json\"", form.id);
    Ok(([(header::CONTENT_DISPOSITION, disposition)], Json(form.schema()?)))
}
