//! Which audit rows, and as what.

use crate::http::{Problem, ProblemKind as Kind};
use chrono::{DateTime, Utc};
use msp_domain::{ExportFormat, UserId};
use msp_storage::repositories::{audit::AuditFilter, executions::Started};
use serde::Deserialize;
use uuid::Uuid;

/// Longest text of a filter, in characters.
const MAX_TEXT: usize = 200;

/// As what rows are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFormat {
    /// A page.
    #[default]
    Json,
    /// All of them, as JSON Lines.
    Jsonl,
    /// All of them, as a table for spreadsheets.
    Csv,
}

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only of this user; `platform` for what the command line and the platform itself did.
    #[param(
        pattern = "^(platform|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        example = "b9bb3ad1-6687-4eb2-9413-a2bbe7263003"
    )]
    user: Option<String>,
    /// Only this action, or several with commas between: `Config.Set,Config.Delete`.
    #[param(max_length = 200, example = "Config.Set")]
    action: Option<String>,
    /// Only about this kind of thing, such as `Form`.
    #[param(max_length = 200)]
    entity_type: Option<String>,
    /// Only about the thing with this id or name.
    #[param(max_length = 200)]
    entity_id: Option<String>,
    /// Only what happened at this instant or later. As RFC 3339: `2026-03-01T00:00:00Z`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what happened before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// Only what has all these words somewhere, letter case ignored.
    #[param(max_length = 200)]
    q: Option<String>,
    /// `json` for a page; `jsonl` or `csv` for everything in one answer.
    #[param(inline)]
    pub(super) format: Option<AuditFormat>,
    /// Keep the answer open, and send rows as they are written (JSON Lines).
    #[param(default = false)]
    pub(super) follow: Option<bool>,
    /// Where to go on: `next_cursor` of the page before, or `cursor` of the stream before.
    pub(super) cursor: Option<String>,
    /// Items of a page, 1 to 200. With a filter a page may be shorter, even empty, although more follow.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

impl AuditFormat {
    /// The format of a file with all of them; `None` for a page.
    pub(super) fn of_file(self) -> Option<ExportFormat> {
        match self {
            Self::Json => None,
            Self::Jsonl => Some(ExportFormat::Jsonl),
            Self::Csv => Some(ExportFormat::Csv),
        }
    }
}

impl AuditQuery {
    pub(super) fn filter(&self) -> Result<AuditFilter, Problem> {
        for (name, text) in [
            ("user", &self.user),
            ("action", &self.action),
            ("entity_type", &self.entity_type),
            ("entity_id", &self.entity_id),
            ("q", &self.q),
        ] {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
                return Err(refused(name, format!("at most {MAX_TEXT} characters")));
            }
        }
        let actions = self.action.iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
        let user = match self.user.as_deref() {
            None | Some("platform") => self.user.clone(),
            Some(id) => Some(id.parse::<UserId>().map_err(|error| refused("user", error))?.key()),
        };
        let words = self.q.as_deref().unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        Ok(AuditFilter {
            user,
            actions,
            entity_type: self.entity_type.clone(),
            entity_id: self.entity_id.clone(),
            words,
        })
    }

    pub(super) fn happened(&self) -> Result<Started, Problem> {
        let from = self.from.as_deref().map(|text| instant("from", text)).transpose()?;
        let before = self.to.as_deref().map(|text| instant("to", text)).transpose()?;
        match (from, before) {
            (Some(from), Some(before)) if from >= before => Err(refused("to", "must be later than `from`")),
            _ => Ok(Started { from, before }),
        }
    }

    /// Refuses what makes no sense for a stream that begins now.
    pub(super) fn check_follow(&self) -> Result<(), Problem> {
        if self.from.is_some() || self.to.is_some() {
            return Err(refused("follow", "a stream begins now, or at `cursor`; leave `from` and `to` out"));
        }
        match self.format {
            None | Some(AuditFormat::Jsonl) => Ok(()),
            Some(_) => Err(refused("format", "a stream is `jsonl`")),
        }
    }
}

fn instant(name: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(instant.to_utc()),
        Err(_) => {
            Err(refused(name, "expected an instant such as `2026-03-01T00:00:00Z` (RFC 3339, `+` sent as `%2B`)"))
        }
    }
}

pub(super) fn refused(name: &str, fault: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::QueryInvalid).detail(format!("`{name}`: {fault}."))
}

/// The id of a row, as a path has it.
pub(super) fn row_id(text: &str) -> Result<Uuid, Problem> {
    let invalid = || Problem::new(Kind::PathInvalid).detail("The id of an audit row is a GUID in the form 8-4-4-4-12.");
    if text.len() == 36 { Uuid::parse_str(text).map_err(|_| invalid()) } else { Err(invalid()) }
}
