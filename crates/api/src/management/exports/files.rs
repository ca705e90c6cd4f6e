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
    extract::{FromRequestParts as _, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::stream;
use msp_storage::repositories::exports::{ExportFile, ExportSchedule, Whole};
use std::io;
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
    let key = (access.scope, schedule.id);
    let file = api.repositories.exports.begin(key, api.clock.now(), Some(&access.asking.actor)).await?;
    api.exporter.ask();
    let location = [(header::LOCATION, format!("/api/export-schedules/{id}/files/{}", file.id))];
    Ok((StatusCode::ACCEPTED, location, Json(ExportFileView::from(file))).into_response())
}

/// Download a file of an export schedule.
///
/// Rights are checked again for every part of it; if they end, the file is deleted, or the store fails, the answer breaks off
/// and is no complete file.
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
    parts: Parts,
) -> Result<Response, Problem> {
    let (file, whole) = whole_file(&api, &access, id, file).await?;
    let place = api.streams.take(access.asking.caller.user)?;
    let headers = [
        (header::CONTENT_TYPE, table::media_type(file.format).to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", name(&file))),
        (header::CONTENT_LENGTH, whole.size_bytes.to_string()),
    ];
    let download = Download { api, parts, file, next: 0, of: whole.parts, _place: place };
    let bytes = stream::try_unfold(download, |mut download| async move {
        Ok::<_, io::Error>(download.next().await?.map(|part| (part, download)))
    });
    Ok((headers, Body::from_stream(bytes)).into_response())
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
    let schedule = access.changeable(&api, id).await?;
    let file = recorded(&api, &schedule, file).await?;
    let exports = &api.repositories.exports;
    if file.whole.is_none() {
        let unfinished = exports.unfinished((access.scope, id)).await?.and_then(|(unfinished, _)| unfinished);
        // Another one that is not whole never will be.
        if unfinished.is_some_and(|unfinished| unfinished.id == file.id) {
            return Err(being_written());
        }
    }
    exports.remove_file(access.scope, &file, &access.asking.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn whole_file(
    api: &Api,
    access: &ExportAccess,
    schedule: Uuid,
    file: Uuid,
) -> Result<(ExportFile, Whole), Problem> {
    let schedule = access.schedule(api, schedule).await?;
    let file = recorded(api, &schedule, file).await?;
    let whole = file.whole.clone().ok_or_else(being_written)?;
    Ok((file, whole))
}

async fn recorded(api: &Api, schedule: &ExportSchedule, file: Uuid) -> Result<ExportFile, Problem> {
    let file = api.repositories.exports.file(schedule.id, file).await?;
    file.ok_or_else(|| Problem::new(Kind::NotFound).detail("The schedule has no such file."))
}

fn being_written() -> Problem {
    Problem::new(Kind::Conflict).detail("The file is being written; its `state` says when it is whole.")
}

/// A file on its way to a client.
struct Download {
    api: Api,
    /// The request, to check its rights again.
    parts: Parts,
    file: ExportFile,
    next: usize,
    of: usize,
    _place: StreamPlace,
}

impl Download {
    /// The next part; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, io::Error> {
        if self.next == self.of {
            return Ok(None);
        }
        let part = self.part().await.map_err(|problem| {
            let file = self.file.id;
            tracing::warn!(export_file.id = %file, problem = problem.kind().slug(), "The download of an export broke off");
            // Why is not for the client, to whom the answer only ends too early.
            io::Error::other("the download broke off")
        })?;
        self.next += 1;
        Ok(Some(part))
    }

    /// The same, if the caller may still see it.
    async fn part(&self) -> Result<Bytes, Problem> {
        if self.api.closing.is_cancelled() {
            return Err(Kind::EngineUnavailable.into());
        }
        let access = ExportAccess::from_request_parts(&mut self.parts.clone(), &self.api).await?;
        let (file, _) = whole_file(&self.api, &access, self.file.schedule, self.file.id).await?;
        Ok(self.api.repositories.exports.part(&file, self.next).await?)
    }
}
