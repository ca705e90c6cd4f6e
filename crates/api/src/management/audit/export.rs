//! Everything a filter admits, in one answer: page after page, so that no more than one is held.

use super::{AuditAccess, view::AuditView};
use crate::{
    http::{Problem, ProblemKind as Kind},
    management::executions::stream_places::StreamPlace,
    state::Api,
};
use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts as _,
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::stream;
use msp_domain::ExportFormat;
use msp_storage::repositories::{audit::AuditFilter, executions::Started};
use std::io;

/// Rows read at once: each may hold 30,000 characters.
const ROWS: usize = 100;

/// What is left to be sent.
struct Export {
    api: Api,
    /// The request, to check its rights again.
    parts: Parts,
    filter: AuditFilter,
    happened: Started,
    format: ExportFormat,
    next: Next,
    _place: StreamPlace,
}

enum Next {
    Head(Option<String>),
    Page(Option<String>),
    Nothing,
}

/// The answer. When the store fails midway, or the caller loses the right, it breaks off, which no client takes for the end.
pub(super) fn answer(
    (api, parts): (Api, Parts),
    filter: AuditFilter,
    happened: Started,
    (format, cursor): (ExportFormat, Option<String>),
    place: StreamPlace,
) -> Response {
    let (content_type, name) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8", "audit-logs.csv"),
        ExportFormat::Jsonl => ("application/x-ndjson", "audit-logs.jsonl"),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let export = Export { api, parts, filter, happened, format, next: Next::Head(cursor), _place: place };
    let pages = stream::unfold(export, |mut export| async move { Some((export.piece().await?, export)) });
    (headers, Body::from_stream(pages)).into_response()
}

impl Export {
    async fn piece(&mut self) -> Option<Result<Bytes, io::Error>> {
        let text = match &self.next {
            Next::Nothing => return None,
            Next::Head(cursor) => {
                self.next = Next::Page(cursor.clone());
                AuditView::head(self.format)
            }
            Next::Page(cursor) => {
                let cursor = cursor.clone();
                match self.page(cursor.as_deref()).await {
                    Ok(text) => text,
                    Err(problem) => {
                        tracing::error!(problem = problem.kind().slug(), "An export of the audit trail broke off");
                        self.next = Next::Nothing;
                        return Some(Err(io::Error::other("the export broke off")));
                    }
                }
            }
        };
        Some(Ok(text.into()))
    }

    async fn page(&mut self, cursor: Option<&str>) -> Result<String, Problem> {
        if self.api.closing.is_cancelled() {
            return Err(Kind::EngineUnavailable.into());
        }
        let access = AuditAccess::from_request_parts(&mut self.parts.clone(), &self.api).await?;
        let page = access.search(&self.api, &self.filter, self.happened, cursor, ROWS).await?;
        self.next = page.next_cursor.map_or(Next::Nothing, |cursor| Next::Page(Some(cursor)));
        let views = AuditView::all(&self.api.repositories, page.items).await?;
        Ok(AuditView::lines(self.format, &views))
    }
}
