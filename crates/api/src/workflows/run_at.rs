//! `X-Run-At` and `X-Time-Zone`: a run that starts later.

use crate::http::{Problem, ProblemKind as Kind, params::at_most_once};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use msp_domain::{start_time::StartTime, time_zone};
use msp_storage::repositories::organizations::Organization;

/// The name of the header that says when.
const RUN_AT: HeaderName = HeaderName::from_static("x-run-at");
/// The name of the header that says whose clock shows it.
const TIME_ZONE: HeaderName = HeaderName::from_static("x-time-zone");

/// When the caller wants a run to start; `None`: now.
pub struct RunAt(Option<(StartTime, Option<Tz>)>);

impl<S: Send + Sync> FromRequestParts<S> for RunAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let zone = text(&parts.headers, TIME_ZONE)?;
        let Some(time) = text(&parts.headers, RUN_AT)? else {
            return match zone {
                None => Ok(Self(None)),
                Some(_) => Err(invalid("`X-Time-Zone` says whose clock `X-Run-At` is read from: send both.")),
            };
        };
        let Some(time) = StartTime::parse(time) else {
            return Err(invalid(
                "`X-Run-At` takes an instant such as `2026-03-31T09:30:00+02:00`, or a time on the organization's clock \
                 such as `2026-03-31T09:30`.",
            ));
        };
        let zone = zone.map(|name| time_zone::parse(name).map_err(|fault| invalid(format!("`X-Time-Zone`: {fault}."))));
        match (time, zone.transpose()?) {
            (StartTime::Instant(_), Some(_)) => {
                Err(invalid("`X-Run-At` has an offset and needs no `X-Time-Zone`: leave out one of the two."))
            }
            (time, zone) => Ok(Self(Some((time, zone)))),
        }
    }
}

impl RunAt {
    /// The instant, in the zone the caller named or else in that of the organization.
    pub(crate) fn instant(&self, organization: Option<&Organization>) -> Result<Option<DateTime<Utc>>, Problem> {
        let Some((time, named)) = &self.0 else { return Ok(None) };
        let zone = named.or_else(|| organization.and_then(|organization| organization.time_zone));
        match (time, zone) {
            (StartTime::Instant(instant), _) => Ok(Some(*instant)),
            (StartTime::Local(_), Some(zone)) => time.in_zone(zone).map(Some).map_err(invalid),
            (StartTime::Local(_), None) => Err(invalid(
                "No time zone is known here: send `X-Time-Zone`, such as `Europe/Berlin`, or a time with its offset. An \
                 administrator can set the time zone of the organization.",
            )),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    // What is no text names no time either, and is refused as such.
    Ok(at_most_once(headers, name)?.map(|value| value.to_str().unwrap_or_default().trim()))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::StartTimeInvalid).detail(detail)
}
