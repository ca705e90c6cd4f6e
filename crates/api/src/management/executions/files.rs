//! The files of an execution: those it was submitted with, and those it wrote.

use super::{
    find::{HistoryAccess, find_execution},
    stream_places::StreamPlace,
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, list_fault, page_limit},
        params::{ApiPath, ApiQuery, NoQuery},
    },
    state::Api,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures::stream;
use msp_domain::{ExecutionId, file::UNKNOWN_TYPE};
use msp_storage::{
    StoreError,
    repositories::files::{ExecutionFile, PART_BYTES, StoredFile},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::ops::Range;
use uuid::Uuid;

/// Whatever a file holds: opened by itself it loads, runs and frames nothing, and is of no origin.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// What RFC 8187 (section 3.2.1, `attr-char`) leaves as it is.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A file of an execution.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "019a9c3e-5b7a-7c11-8f0e-2a6d1b9c4e10", "name": "report.pdf", "size_bytes": 48211,
    "content_type": "application/pdf", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "source": "output", "field": null, "created_at": "2026-03-02T09:30:00Z"
}))]
pub struct ExecutionFileView {
    /// Its id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// How large it is.
    size_bytes: u64,
    /// What whoever made it says it is; nobody has checked.
    content_type: String,
    /// The SHA-256 of its bytes, hexadecimal.
    sha256: String,
    /// `input`: it was submitted; `output`: the workflow wrote it.
    source: &'static str,
    /// The field it was submitted in.
    field: Option<String>,
    /// When it was uploaded or written.
    created_at: DateTime<Utc>,
}

impl From<ExecutionFile> for ExecutionFileView {
    fn from(ExecutionFile { file, source, field }: ExecutionFile) -> Self {
        Self {
            id: file.id,
            name: file.name,
            size_bytes: file.size_bytes,
            content_type: file.content_type,
            sha256: file.sha256,
            source: source.name(),
            field,
            created_at: file.created_at,
        }
    }
}

/// List the files of an execution, oldest first: those it was submitted with, and those it wrote.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions/{id}/files", operation_id = "listExecutionFiles", tag = "executions",
    params(PageQuery, ("id" = ExecutionId, Path, description = "The execution."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = PageOf<ExecutionFileView>, description = "A page of files.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn list_execution_files(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<ExecutionFileView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let execution = find_execution(&api, &history, id).await?;
    let files = &api.repositories.files;
    let page = files.of_execution(execution.id, query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    let items = page.items.into_iter().map(ExecutionFileView::from).collect();
    Ok(Json(PageOf { items, next_cursor: page.next_cursor }))
}

/// Download a file of an execution.
///
/// Always as an attachment of an unknown type, whatever the file says it is. One `Range` of bytes is answered by that part;
/// anything else in `Range` by the whole file.
///
/// Problems: `not-found` (404), `path-invalid` (400), `streams-saturated` (503), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions/{id}/files/{file_id}", operation_id = "getExecutionFile", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution."), ("file_id" = Uuid, Path, description = "The file."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in."),
        ("Range" = Option<String>, Header, description = "The part that is wanted.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the file whose part is wanted.")),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream", body = Vec<u8>,
            headers(("Content-Disposition" = String, description = "The name of the file."),
                ("ETag" = String, description = "Which bytes they are.")),
            example = json!("name,email\nAda,ada@contoso.example\n")),
        (status = 206, description = "The part that was asked for.", content_type = "application/octet-stream",
            body = Vec<u8>, headers(("Content-Range" = String, description = "Which part it is.")),
            example = json!("name,email\n"))),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_execution_file(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath((id, file)): ApiPath<(ExecutionId, Uuid)>,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response, Problem> {
    let execution = find_execution(&api, &history, id).await?;
    let found = api.repositories.files.execution_file(execution.id, file).await?;
    let file = found.ok_or_else(|| Problem::new(Kind::NotFound).detail("This execution has no such file."))?.file;
    let place = api.streams.take(history.asking.caller.user)?;
    let etag = format!("\"{}\"", file.sha256);
    let is_same = headers.get(header::IF_RANGE).is_none_or(|wanted| wanted.as_bytes() == etag.as_bytes());
    let range = headers.get(header::RANGE).filter(|_| is_same).and_then(|range| wanted(range, file.size_bytes));
    let all = 0..file.size_bytes;
    let mut answer = HeaderMap::new();
    let mut set = |name: HeaderName, value: String| {
        answer.insert(name, HeaderValue::from_str(&value).expect("digits, and names that were encoded"));
    };
    set(header::CONTENT_TYPE, UNKNOWN_TYPE.to_owned());
    set(header::CONTENT_DISPOSITION, format!("attachment; {}", disposed(&file.name)));
    set(header::ETAG, etag);
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    let status = match &range {
        Some(range) => {
            set(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes));
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let range = range.unwrap_or(all);
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    answer.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    Ok((status, answer, Body::from_stream(bytes(api, file, range, place))).into_response())
}

/// The name, once for those who know ASCII only.
fn disposed(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    format!("filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
}

/// The one range of bytes that is asked for (RFC 9110, section 14.1.2); `None` for what names none of this file's, and
/// then the whole file is the answer (section 14.2).
fn wanted(range: &HeaderValue, size: u64) -> Option<Range<u64>> {
    let (first, last) = range.to_str().ok()?.trim().strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return None,
    };
    Some(range).filter(|range| range.start < range.end)
}

/// The bytes of a range, part by part. When the store fails midway the answer breaks off, which no client takes for the
/// end. It holds its place to the end.
fn bytes(
    api: Api,
    file: StoredFile,
    range: Range<u64>,
    place: StreamPlace,
) -> impl stream::Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    stream::try_unfold((api, file, range, place), |(api, file, range, place)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let size = PART_BYTES as u64;
        let part = api.repositories.files.part(&file, usize::try_from(range.start / size).unwrap_or(usize::MAX)).await;
        let part = part.inspect_err(|error| {
            tracing::error!(file.id = %file.id, error = %error, "The download of a file broke off");
        })?;
        let begin = usize::try_from(range.start % size).unwrap_or(usize::MAX);
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let end = begin.saturating_add(wanted).min(part.len());
        if begin >= end {
            return Err(StoreError::Corrupt(format!("a part of file {} is too short", file.id)));
        }
        let next = range.start + (end - begin) as u64..range.end;
        Ok(Some((part.slice(begin..end), (api, file, next, place))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_of_the_file_or_none() {
        let of = |range: &'static str| wanted(&HeaderValue::from_static(range), 10);
        assert_eq!(of("bytes=0-0"), Some(0..1));
        assert_eq!(of("bytes=4-"), Some(4..10));
        assert_eq!(of("bytes=4-99"), Some(4..10));
        assert_eq!(of("bytes=-3"), Some(7..10));
        assert_eq!(of("bytes=-99"), Some(0..10));
        for none in ["bytes=10-", "bytes=5-4", "bytes=-0", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "0-1"]
        {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(wanted(&HeaderValue::from_static("bytes=0-"), 0), None);
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposed("a\"; filename=\"b.exe"),
            "filename=\"a__ filename__b.exe\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe"
        );
        assert_eq!(disposed("Übersicht.csv"), "filename=\"_bersicht.csv\"; filename*=UTF-8''%C3%9Cbersicht.csv");
    }
}
