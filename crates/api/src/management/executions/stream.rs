//! The log of an execution as an event stream, with its steps, its progress and its status.
//!
//! Events are read from the store, never from memory: the engine only says that there is something to read. So nothing
//! is shown that a crash could take back, a stream resumes anywhere without gap or duplicate, and a slow reader costs no
//! buffer.

use super::{
    find::{HistoryAccess, find_execution},
    stream_places::StreamPlace,
    view::StepView,
};
use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{Stream, stream};
use msp_domain::{ExecutionId, ExecutionStatus, Step};
use msp_engine::Changes;
use msp_storage::repositories::executions::Execution;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

/// How long a stream may be silent (design section 5): proxies hang up on longer silence.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the store is asked while this process has no engine that could say when something happened.
const POLL: Duration = Duration::from_secs(1);
/// Lines read at once.
const LINES: usize = 200;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whether the caller prefers events to a page.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    accepts(headers, "text/event-stream")
}

/// Whether the caller names this type in `Accept`.
pub(crate) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(','));
    types.any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted))
}

/// Where the caller's last stream ended; the header browsers send wins over the query.
pub(super) fn resumed_after(headers: &HeaderMap, after: Option<u64>) -> Result<u64, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(after.unwrap_or(0)) };
    id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
        Problem::new(Kind::HeaderInvalid).detail("`Last-Event-ID` is the `id` of an event of this stream, a number.")
    })
}

/// The stream: what is there, what comes, and `end`.
pub(super) fn answer(api: Api, parts: Parts, id: ExecutionId, after: u64, place: StreamPlace) -> Response {
    let changes = api.engine.get().map(|engine| engine.follow(id));
    let reader = Reader {
        api,
        parts,
        id,
        changes,
        shown: after,
        status: None,
        progress: None,
        steps: HashMap::new(),
        ready: VecDeque::new(),
        spoke_at: Instant::now(),
        phase: Phase::Reading,
        _place: place,
    };
    Sse::new(events(reader)).into_response()
}

fn events(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(reader, |mut reader| async move { Some((Ok(reader.next().await?), reader)) })
}

#[derive(PartialEq)]
enum Phase {
    /// More may be in the store.
    Reading,
    /// Everything was read.
    Waiting,
    /// The last event is on its way.
    Over,
}

struct Reader {
    api: Api,
    /// The request, to check its rights again.
    parts: Parts,
    id: ExecutionId,
    changes: Option<Changes>,
    /// The last line that was sent. Every event carries it as `id`, so that a stream resumes after exactly that line.
    shown: u64,
    status: Option<ExecutionStatus>,
    progress: Option<Value>,
    /// Each step's status as it was last shown.
    steps: HashMap<u32, ExecutionStatus>,
    ready: VecDeque<Event>,
    spoke_at: Instant,
    phase: Phase,
    _place: StreamPlace,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.spoke_at = Instant::now();
                return Some(event);
            }
            match self.phase {
                Phase::Over => return None,
                Phase::Waiting => self.wait().await,
                Phase::Reading => {
                    if let Err(problem) = self.read().await {
                        self.close(&problem);
                    }
                }
            }
        }
    }

    /// Until something happened or a heartbeat is due.
    async fn wait(&mut self) {
        let due = self.spoke_at + HEARTBEAT;
        self.phase = Phase::Reading;
        let closing = self.api.closing.clone();
        let moved = async {
            match &mut self.changes {
                // The record is read at a heartbeat too, and with it the caller's rights.
                Some(changes) => drop(timeout_at(due, changes.next()).await),
                None => {
                    self.changes = self.api.engine.get().map(|engine| engine.follow(self.id));
                    sleep(POLL).await;
                }
            }
        };
        // The server is about to hang up: what is on record is shown before.
        closing.run_until_cancelled(moved).await;
    }

    /// Reads on: the record first, so that every line of an execution that has ended can be read by then.
    async fn read(&mut self) -> Result<(), Problem> {
        // Asked before anything is read: what was put on record before the server began to hang up is shown.
        let is_closing = self.api.closing.is_cancelled();
        let execution = self.execution().await?;
        let lines = self.api.repositories.executions.logs(self.id, self.shown, LINES).await?;
        if self.status.is_none() {
            self.show_state(&execution);
        }
        // Before the lines: a step mostly began before what was written in it.
        self.show_steps(self.api.repositories.executions.steps(&execution).await?);
        for line in &lines {
            self.shown = line.seq;
            self.push("log", json!(line));
        }
        if lines.len() == LINES {
            return Ok(());
        }
        self.show_state(&execution);
        self.phase = Phase::Waiting;
        if execution.status.is_final() {
            self.phase = Phase::Over;
            let end = json!({
                "status": execution.status,
                "error_type": execution.error_type,
                "error_message": execution.error_message,
            });
            self.push("end", end);
        }
        if self.phase == Phase::Waiting && is_closing {
            self.close(&Kind::EngineUnavailable.into());
        }
        if self.ready.is_empty() && self.spoke_at.elapsed() >= HEARTBEAT {
            self.ready.push_back(Event::default().comment("still here"));
        }
        Ok(())
    }

    fn show_state(&mut self, execution: &Execution) {
        let progress = json!({ "percent": execution.progress_percent, "message": execution.progress_message });
        let has_progress = execution.progress_percent.is_some() || execution.progress_message.is_some();
        if has_progress && self.progress.as_ref() != Some(&progress) {
            self.push("progress", progress.clone());
            self.progress = Some(progress);
        }
        if self.status != Some(execution.status) {
            self.status = Some(execution.status);
            self.push("status", json!({ "status": execution.status }));
        }
    }

    fn show_steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            if self.steps.insert(step.seq, step.status) != Some(step.status) {
                self.push("step", json!(StepView::from(step)));
            }
        }
    }

    /// The execution, through the same gate as the request itself: who may not see it any more is shown nothing further.
    async fn execution(&mut self) -> Result<Execution, Problem> {
        let mut parts = self.parts.clone();
        let history = HistoryAccess::from_request_parts(&mut parts, &self.api).await?;
        find_execution(&self.api, &history, self.id).await
    }

    /// Ends the stream early, saying why.
    fn close(&mut self, problem: &Problem) {
        self.phase = Phase::Over;
        self.push("closed", json!({ "type": format!("/problems/{}", problem.kind().slug()) }));
    }

    fn push(&mut self, name: &str, data: Value) {
        self.ready.push_back(Event::default().event(name).id(self.shown.to_string()).data(data.to_string()));
    }
}
