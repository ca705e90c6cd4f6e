//! Trouble on request: the next calls to some address fail the way networks and busy services do.

use axum::{
    body::Body,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::{io, sync::Mutex};

/// Trouble for the next calls whose path contains a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Part of the path, such as `/users`; empty for every path but the simulator's own.
    pub path_contains: String,
    /// Only this method, such as `POST`; every method when left out.
    #[serde(default)]
    pub method: Option<String>,
    /// How many calls it lasts.
    pub calls: u32,
    /// Whether the call is carried out before it fails: the answer is lost, the effect is not.
    #[serde(default)]
    pub after_executing: bool,
    /// What happens.
    pub kind: FaultKind,
}

/// A kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// This status, with a `Retry-After` header if one is given.
    Status {
        /// The HTTP status, such as 429 or 503.
        status: u16,
        /// The header's text: seconds or an HTTP date.
        retry_after: Option<String>,
    },
    /// The normal answer, this many milliseconds late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
    /// The connection ends without an answer.
    Reset,
    /// This body with status 200 instead of the answer.
    Body {
        /// What is sent.
        body: String,
    },
}

#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(fault);
    }

    /// The fault this call meets, if any; its count goes down by one.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        faults.retain(|fault| fault.calls > 0);
        let fault = faults.iter_mut().find(|fault| {
            path.contains(&fault.path_contains)
                && fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })?;
        fault.calls -= 1;
        Some(fault.clone())
    }
}

impl FaultKind {
    /// The answer this trouble gives instead of the service's; `None` when the service's goes out (late).
    pub(crate) fn answer(&self) -> Option<Response> {
        match self {
            Self::Status { status, retry_after } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                let mut response = (status, "simulated trouble").into_response();
                if let Some(value) = retry_after.as_deref().and_then(|text| text.parse().ok()) {
                    response.headers_mut().insert(RETRY_AFTER, value);
                }
                Some(response)
            }
            Self::Slow { .. } => None,
            // A body that fails at once: the server gives the connection up before the status line is flushed.
            Self::Reset => {
                let broken = futures::stream::once(async { Err::<&'static str, _>(io::Error::other("reset")) });
                Some(Response::new(Body::from_stream(broken)))
            }
            Self::Body { body } => Some(body.clone().into_response()),
        }
    }
}
