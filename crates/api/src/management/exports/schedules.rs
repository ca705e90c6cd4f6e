//! Export schedules: what is exported, as what, how often.

use super::{
    access::ExportAccess,
    view::{ExportScheduleView, SetExportSchedule},
};
use crate::{
    exports::beginning,
    http::{
        Problem, ProblemKind as Kind,
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use msp_domain::{ExportSubject, FieldFault};
use msp_storage::{
    Etag,
    repositories::exports::{Carry, ExportSchedule},
};
use uuid::Uuid;

type Shown = ([(HeaderName, HeaderValue); 1], Json<ExportScheduleView>);

async fn shown(api: &Api, schedule: ExportSchedule) -> Result<Shown, Problem> {
    let etag = etag_header(&schedule.etag);
    Ok((etag, Json(ExportScheduleView::new(api, schedule).await?)))
}

/// List the export schedules of an organization, oldest first; without one, those over all organizations.
///
/// Schedules over the audit trail are shown to administrators and auditors.
///
/// Problems: `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    get, path = "/api/export-schedules", operation_id = "listExportSchedules", tag = "exports",
    params(("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to list.")),
    responses((status = 200, body = PageOf<ExportScheduleView>, description = "The schedules, at most 20.")),
    extensions(("x-permission" = json!("view_history; administrator or auditor for the audit trail and without an organization")))
)]
pub async fn list_export_schedules(
    State(api): State<Api>,
    access: ExportAccess,
    _: NoQuery,
) -> Result<Json<PageOf<ExportScheduleView>>, Problem> {
    let mut items = Vec::new();
    for schedule in api.repositories.exports.of(access.scope).await? {
        if access.reads(schedule.subject) {
            items.push(ExportScheduleView::new(&api, schedule).await?);
        }
    }
    Ok(Json(PageOf::all(items)))
}

/// Export executions or the audit trail on a schedule.
///
/// Each file holds what ended, or happened, since the one before, the first one since now: nothing twice and nothing left
/// out. Times that were missed while the server was down become one file, at its next start. A run that took place elsewhere
/// counts when it was put on record. Files are written newest first, without an organization one organization after the other.
///
/// Problems: `body-invalid` (422), `limit-exceeded` (422), `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    post, path = "/api/export-schedules", operation_id = "createExportSchedule", tag = "exports",
    params(("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization; without one, all.")),
    request_body = SetExportSchedule,
    responses((status = 201, body = ExportScheduleView, description = "The schedule.",
        headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_config and view_history; administrator for the audit trail and without an organization")))
)]
pub async fn create_export_schedule(
    State(api): State<Api>,
    access: ExportAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<SetExportSchedule>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Shown), Problem> {
    access.changes(&api, body.subject).await?;
    let terms = body.checked()?;
    api.repositories.exports.check_room(access.scope).await?;
    let (begins_at, carry) = match body.subject {
        ExportSubject::Executions => beginning(&api, access.scope).await?,
        ExportSubject::AuditLogs => (api.clock.now(), Carry::default()),
    };
    let what = (access.scope, body.subject);
    let made = api.repositories.exports.create(what, terms, (begins_at, &carry), &access.asking.actor).await?;
    api.exporter.ask();
    let location = [(header::LOCATION, format!("/api/export-schedules/{}", made.id))];
    Ok((StatusCode::CREATED, location, shown(&api, made).await?))
}

/// Read an export schedule, and how far it is.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    get, path = "/api/export-schedules/{id}", operation_id = "getExportSchedule", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = ExportScheduleView, description = "The schedule.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("view_history; administrator or auditor for the audit trail and without an organization")))
)]
pub async fn get_export_schedule(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath(id): ApiPath<Uuid>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    let schedule = access.schedule(&api, id).await?;
    shown(&api, schedule).await
}

/// Replace an export schedule. The next file begins where the last one ended, whatever changes.
///
/// Problems: `not-found` (404), `path-invalid` (400), `body-invalid` (422), `stale-version` (412),
/// `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    put, path = "/api/export-schedules/{id}", operation_id = "putExportSchedule", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = SetExportSchedule,
    responses((status = 200, body = ExportScheduleView, description = "The schedule as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_config and view_history; administrator for the audit trail and without an organization")))
)]
pub async fn put_export_schedule(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath(id): ApiPath<Uuid>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<SetExportSchedule>,
) -> Result<Shown, Problem> {
    let schedule = access.changeable(&api, id).await?;
    if body.subject != schedule.subject {
        let detail = "cannot be changed: a file would leave something out; create another schedule";
        return Err(Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("subject", detail)]));
    }
    let (terms, key) = (body.checked()?, (access.scope, id));
    let replaced = api.repositories.exports.replace(key, &terms, if_match.as_ref(), &access.asking.actor).await;
    let replaced = or_current(replaced, current(&api, &access, id)).await?;
    api.exporter.ask();
    shown(&api, replaced).await
}

/// Delete an export schedule with the files it wrote. To keep them, disable it.
///
/// Problems: `not-found` (404), `path-invalid` (400), `stale-version` (412), `organization-inactive` (409),
/// `administrator-required` (403).
#[utoipa::path(
    delete, path = "/api/export-schedules/{id}", operation_id = "deleteExportSchedule", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Deleted; its files are gone from every list, and soon for good.")),
    extensions(("x-permission" = json!("manage_config and view_history; administrator for the audit trail and without an organization")))
)]
pub async fn delete_export_schedule(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath(id): ApiPath<Uuid>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    access.changeable(&api, id).await?;
    let deleted = api.repositories.exports.delete((access.scope, id), if_match.as_ref(), &access.asking.actor).await;
    or_current(deleted, current(&api, &access, id)).await?;
    api.exporter.ask();
    Ok(StatusCode::NO_CONTENT)
}

/// The schedule as it is now, and its version.
async fn current(api: &Api, access: &ExportAccess, id: Uuid) -> Result<Option<(ExportScheduleView, Etag)>, Problem> {
    let Some(schedule) = api.repositories.exports.get(access.scope, id).await? else { return Ok(None) };
    let etag = schedule.etag.clone();
    Ok(Some((ExportScheduleView::new(api, schedule).await?, etag)))
}
