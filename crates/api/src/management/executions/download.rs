//! The whole log of an execution as a file of text.

use super::stream_places::StreamPlace;
use crate::state::Api;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use msp_domain::{ExecutionId, LogLevel, LogLine};
use msp_storage::StoreError;

/// Lines read at once: the file may be long, what is held of it is not.
const LINES: usize = 200;

/// Whether the caller asks for text by name; `*/*` is no wish for a file.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    super::stream::accepts(headers, "text/plain")
}

/// Every line after `after` that is there by now: time, level, source, message. When the store fails midway the answer
/// breaks off, which no client takes for the end. It holds its place to the end: a slow reader is a stream like any other.
pub(super) fn answer(api: Api, id: ExecutionId, after: u64, place: StreamPlace) -> Response {
    let name = format!("attachment; filename=\"{id}.log\"");
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let pages = stream::unfold((Some(after), place), move |(after, place)| {
        let api = api.clone();
        async move { page(&api, id, after?).await.map(|(text, next)| (text, (next, place))) }
    });
    (headers, Body::from_stream(pages)).into_response()
}

/// The next lines as text, and where the following ones begin.
async fn page(api: &Api, id: ExecutionId, after: u64) -> Option<(Result<Bytes, StoreError>, Option<u64>)> {
    match api.repositories.executions.logs(id, after, LINES).await {
        Ok(lines) => {
            let last = lines.last()?.seq;
            let text: String = lines.iter().map(written).collect();
            Some((Ok(text.into()), Some(last)))
        }
        Err(error) => {
            tracing::error!(execution.id = %id, error = %error, "The download of a log broke off");
            Some((Err(error), None))
        }
    }
}

/// A line as text. What could rewrite a terminal is replaced; the lines of a traceback stay.
fn written(line: &LogLine) -> String {
    let level = match line.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
    };
    let at = line.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let text = format!("{at} {level} {} {}", line.source.replace(['\n', '\r'], " "), line.message);
    let shown = text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c });
    shown.chain(['\n']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_how_bad_and_where_and_cannot_rewrite_a_terminal() {
        let line = LogLine {
            seq: 1,
            at: chrono::DateTime::from_timestamp_millis(1_763_800_000_250).expect("an instant"),
            level: LogLevel::Warning,
            source: "my\nlogger".into(),
            message: "a\u{1b}[2Jb\n\tmore".into(),
            step: None,
        };
        assert_eq!(written(&line), "2025-11-22T08:26:40.250Z warning my logger a\u{fffd}[2Jb\n\tmore\n");
    }
}
