//! The files of an export schedule: listed, downloaded, deleted, and one written now.

use super::{
    access::ExportAccess,
    view::{ExportFileView, name},
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, list_fault, page_limit},
        params::{ApiPath, ApiQuery, NoQuery},
    },
    management::executions::{stream_places::StreamPlace, table},
    state::Api,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use msp_storage::{
    StoreError,
    repositories::exports::{ExportFile, Whole},
};
use uuid::Uuid;

/// List the files of an export schedule, newest first.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400), `organization-inactive` (409),
/// `administrator-required` (403).
#[utoipa::path(
    get, path = "/api/export-schedules/{id}/files", operation_id = "listExportFiles", tag = "exports",
    params(PageQuery, ("id" = Uuid, Path, description = "The schedule."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = PageOf<ExportFileView>, description = "A page of files.")),
    extensions(("x-permission" = json!("view_history; administrator or auditor for the audit trail and without an organization")))
)]
pub async fn list_export_files(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath(id): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<ExportFileView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let schedule = access.schedule(&api, id).await?;
    let files = api.repositories.exports.files(schedule.id, query.cursor.as_deref(), limit).await;
    let page = files.map_err(list_fault)?;
    Ok(Json(PageOf { items: page.items.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }))
}

/// Write a file now: everything since the last one, up to this moment. One that is being written is answered instead.
///
/// The answer comes before the file is whole; its `state` in the list says when it is.
///
/// Problems: `not-found` (404), `path-invalid` (400), `stale-version` (412), `organization-inactive` (409),
/// `administrator-required` (403).
#[utoipa::path(
    post, path = "/api/export-schedules/{id}/run", operation_id = "runExportSchedule", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 202, body = ExportFileView, description = "The file that is being written.",
        headers(("Location" = String, description = "Where it can be downloaded once it is whole.")))),
    extensions(("x-permission" = json!("manage_config and view_history; administrator for the audit trail and without an organization")))
)]
pub async fn run_export_schedule(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath(id): ApiPath<Uuid>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let schedule = access.changeable(&api, id).await?;
    let file = api.repositories.exports.begin(&schedule, api.clock.now(), Some(&access.asking.actor)).await?;
    api.exporter.ask();
    let location = [(header::LOCATION, format!("/api/export-schedules/{id}/files/{}", file.id))];
    Ok((StatusCode::ACCEPTED, location, Json(ExportFileView::from(file))).into_response())
}

/// Download a file of an export schedule.
///
/// Problems: `not-found` (404), `path-invalid` (400), `conflict` (409), `streams-saturated` (503),
/// `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    get, path = "/api/export-schedules/{id}/files/{file_id}", operation_id = "downloadExportFile", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."), ("file_id" = Uuid, Path, description = "The file."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, description = "The file.", content(
        (String = "text/csv", example = json!("id,org_id,workflow_name,form_name,executed_by,executed_by_name,trigger,status,started_at,completed_at,duration_ms,error_type,error_message\r\n")),
        (String = "application/jsonl", example = json!("{\"id\":\"0197c1c8-5a2b-7c3d-8e4f-5a6b7c8d9e0f\",\"status\":\"Success\"}\n"))))),
    extensions(("x-permission" = json!("view_history; administrator or auditor for the audit trail and without an organization")))
)]
pub async fn download_export_file(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath((id, file)): ApiPath<(Uuid, Uuid)>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (file, whole) = whole_file(&api, &access, id, file).await?;
    let place = api.streams.take(access.asking.caller.user)?;
    let headers = [
        (header::CONTENT_TYPE, table::media_type(file.format).to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", name(&file))),
        (header::CONTENT_LENGTH, whole.size_bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(bytes(api, file, whole.parts, place))).into_response())
}

/// Delete a file of an export schedule for good. What was in it is in no later one.
///
/// Problems: `not-found` (404), `path-invalid` (400), `conflict` (409), `stale-version` (412),
/// `organization-inactive` (409), `administrator-required` (403).
#[utoipa::path(
    delete, path = "/api/export-schedules/{id}/files/{file_id}", operation_id = "deleteExportFile", tag = "exports",
    params(("id" = Uuid, Path, description = "The schedule."), ("file_id" = Uuid, Path, description = "The file."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 204, description = "Deleted.")),
    extensions(("x-permission" = json!("manage_config and view_history; administrator for the audit trail and without an organization")))
)]
pub async fn delete_export_file(
    State(api): State<Api>,
    access: ExportAccess,
    ApiPath((id, file)): ApiPath<(Uuid, Uuid)>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    access.changeable(&api, id).await?;
    let (file, _) = whole_file(&api, &access, id, file).await?;
    api.repositories.exports.remove_file(access.scope, &file, &access.asking.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn whole_file(
    api: &Api,
    access: &ExportAccess,
    schedule: Uuid,
    file: Uuid,
) -> Result<(ExportFile, Whole), Problem> {
    let schedule = access.schedule(api, schedule).await?;
    let file = api.repositories.exports.file(schedule.id, file).await?;
    let file = file.ok_or_else(|| Problem::new(Kind::NotFound).detail("The schedule has no such file."))?;
    match file.whole.clone() {
        Some(whole) => Ok((file, whole)),
        None => {
            Err(Problem::new(Kind::Conflict).detail("The file is being written; its `state` says when it is whole."))
        }
    }
}

/// The bytes of a file, part by part. When the store fails midway the answer breaks off, which no client takes for the end.
fn bytes(
    api: Api,
    file: ExportFile,
    parts: usize,
    place: StreamPlace,
) -> impl stream::Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    stream::try_unfold((api, file, 0, place), move |(api, file, part, place)| async move {
        if part == parts {
            return Ok(None);
        }
        let bytes = api.repositories.exports.part(&file, part).await.inspect_err(|error| {
            tracing::error!(export_file.id = %file.id, error = %error, "The download of an export broke off");
        })?;
        Ok(Some((bytes, (api, file, part + 1, place))))
    })
}
