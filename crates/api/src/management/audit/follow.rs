//! The trail as it grows, as JSON Lines. What is sent was read from the store, in the order in which it was sealed.

use super::{AuditAccess, view::AuditView};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        paging::{decode_cursor, encode_cursor},
    },
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
use msp_domain::Scope;
use msp_storage::repositories::{audit::AuditFilter, seals::Follower};
use serde_json::json;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How often rights are checked again, and how long a stream may be silent (design section 5).
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Following {
    api: Api,
    /// The request, to check its rights again.
    parts: Parts,
    follower: Follower,
    filter: AuditFilter,
    checked_at: Instant,
    is_over: bool,
    _place: StreamPlace,
}

/// The stream.
pub(super) fn answer(
    api: Api,
    parts: Parts,
    access: AuditAccess,
    filter: AuditFilter,
    cursor: Option<&str>,
    place: StreamPlace,
) -> Result<Response, Problem> {
    let since = cursor.map(decode_cursor).transpose()?;
    let follower = api.repositories.seals.follow(access.org.map(Scope::Org), since);
    let checked_at = Instant::now();
    let following = Following { api, parts, follower, filter, checked_at, is_over: false, _place: place };
    let pieces = stream::unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), following))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Following {
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let next = self.lines().await;
        Some(next.unwrap_or_else(|problem| {
            self.is_over = true;
            let kind = problem.kind().slug();
            json!({ "closed": format!("/problems/{kind}") }).to_string() + "\n"
        }))
    }

    /// Waits for the next lines.
    async fn lines(&mut self) -> Result<String, Problem> {
        loop {
            // Asked before anything is read: what was sealed before the server began to hang up is sent.
            let is_closing = self.api.closing.is_cancelled();
            let rows = self.follower.next().await?;
            let is_quiet = rows.is_empty();
            let rows = rows.into_iter().filter(|row| self.filter.admits(row)).collect();
            let mut lines: String =
                AuditView::all(&self.api.repositories, rows).await?.iter().map(AuditView::json_line).collect();
            let is_due = self.checked_at.elapsed() >= HEARTBEAT;
            if is_due {
                let mut parts = self.parts.clone();
                AuditAccess::from_request_parts(&mut parts, &self.api).await?;
                self.checked_at = Instant::now();
            }
            if is_due || !lines.is_empty() {
                lines += &self.position();
                return Ok(lines);
            }
            if is_quiet && is_closing {
                return Err(Kind::EngineUnavailable.into());
            }
            if is_quiet {
                let due = self.checked_at + HEARTBEAT;
                let closing = self.api.closing.clone();
                let moved = async { drop(timeout_at(due, self.follower.moved()).await) };
                closing.run_until_cancelled(moved).await;
            }
        }
    }

    /// The line that says where to go on.
    fn position(&self) -> String {
        let cursor = encode_cursor(&self.follower.since());
        json!({ "cursor": cursor, "heartbeat_at": self.api.clock.now() }).to_string() + "\n"
    }
}
