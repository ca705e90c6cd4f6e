//! Executions as a file: every one the list would show, streamed page by page.

use super::{
    find::HistoryAccess,
    list::{ExecutionQuery, lanes},
    stream_places::StreamPlace,
    table,
};
use crate::{
    http::{Problem, ProblemKind as Kind, params::ApiQuery},
    state::Api,
};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::stream;
use msp_domain::{ExecutionId, ExportFormat, UserId};
use msp_storage::repositories::executions::{ExecutionFilter, Started};
use serde::Deserialize;
use std::io;

/// Executions read at once: the file may be long, what is held of it is not. A row may hold two texts of 30,000 characters.
const AT_ONCE: usize = 100;

/// Which executions, and how.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `csv` or `jsonl`.
    #[param(inline, default = "csv")]
    format: Option<ExportFormat>,
    /// Only of this status, or of several with commas between: `Failed,TimedOut`.
    #[param(
        pattern = "^(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted)(,(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted))*$"
    )]
    status: Option<String>,
    /// Only of this workflow.
    workflow: Option<String>,
    /// Only of this user.
    #[param(value_type = Option<UserId>)]
    user: Option<String>,
    /// Only what repeats this execution.
    #[param(value_type = Option<ExecutionId>)]
    retry_of: Option<String>,
    /// `true`: only what waits for the time it is to start at; `false`: only everything else.
    scheduled: Option<bool>,
    /// Only what started at this instant or later. As RFC 3339: `2026-03-01T00:00:00Z`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what started before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// Only what has all these words, as in the list.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    org_id: Option<String>,
}

/// Download executions as a file, newest first: everything that the list shows for the same query.
///
/// What starts after the request is not in it. Rights are checked again for every hundred executions; if they end, or the
/// store fails, the answer breaks off and is no complete file. In CSV a text that would begin a formula has an apostrophe
/// before it.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409), `streams-saturated` (503).
#[utoipa::path(
    get, path = "/api/executions/export", operation_id = "exportExecutions", tag = "executions",
    params(ExportQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to export.")),
    responses((status = 200, description = "The file.", content(
        (String = "text/csv", example = json!("id,org_id,workflow_name,form_name,executed_by,executed_by_name,trigger,status,started_at,completed_at,duration_ms,error_type,error_message\r\n")),
        (String = "application/jsonl", example = json!("{\"id\":\"0197c1c8-5a2b-7c3d-8e4f-5a6b7c8d9e0f\",\"status\":\"Success\"}\n"))))),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn export_executions(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiQuery(query): ApiQuery<ExportQuery>,
    parts: Parts,
) -> Result<Response, Problem> {
    let (format, query) = query.parted();
    let (filter, started) = (query.filter()?, query.started()?);
    let place = api.streams.take(history.asking.caller.user)?;
    let (day, extension) = (api.clock.now().format("%Y-%m-%d"), format.name());
    let name = format!("attachment; filename=\"executions-{day}.{extension}\"");
    let headers = [(header::CONTENT_TYPE, table::media_type(format).to_owned()), (header::CONTENT_DISPOSITION, name)];
    let export = Export { api, parts, format, filter, started, position: Position::Start, _place: place };
    let pages = stream::unfold(export, |mut export| async move { Some((export.next().await?, export)) });
    Ok((headers, Body::from_stream(pages)).into_response())
}

impl ExportQuery {
    fn parted(self) -> (ExportFormat, ExecutionQuery) {
        let Self { format, status, workflow, user, retry_of, scheduled, from, to, q, org_id } = self;
        let query = ExecutionQuery {
            status,
            workflow,
            user,
            retry_of,
            scheduled,
            from,
            to,
            q,
            cursor: None,
            limit: None,
            _org_id: org_id,
        };
        (format.unwrap_or(ExportFormat::Csv), query)
    }
}

enum Position {
    Start,
    After(String),
    End,
}

struct Export {
    api: Api,
    /// The request, to check its rights again.
    parts: Parts,
    format: ExportFormat,
    filter: ExecutionFilter,
    started: Started,
    position: Position,
    _place: StreamPlace,
}

impl Export {
    /// The next part of the file; `None` at its end.
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        let mut part = Vec::new();
        let cursor = match &self.position {
            Position::Start => {
                part.extend(table::head(self.format).into_bytes());
                None
            }
            Position::After(cursor) => Some(cursor.clone()),
            Position::End => return None,
        };
        match self.page(cursor, &mut part).await {
            Ok(next) => self.position = next.map_or(Position::End, Position::After),
            Err(problem) => {
                tracing::warn!(problem = problem.kind().slug(), "An export of executions broke off");
                self.position = Position::End;
                // Why is not for the client, to whom the answer only ends too early.
                return Some(Err(io::Error::other("the export broke off")));
            }
        }
        Some(Ok(part.into()))
    }

    /// Writes the next executions that the caller may still see.
    async fn page(&self, cursor: Option<String>, part: &mut Vec<u8>) -> Result<Option<String>, Problem> {
        if self.api.closing.is_cancelled() {
            return Err(Kind::EngineUnavailable.into());
        }
        let history = HistoryAccess::from_request_parts(&mut self.parts.clone(), &self.api).await?;
        let lanes = lanes(&self.api, &history, &self.filter).await?;
        let page = self.api.repositories.executions.list(lanes, self.started, cursor.as_deref(), AT_ONCE).await?;
        table::write(self.format, &page.items, part);
        Ok(page.next_cursor)
    }
}
