//! The life of an execution.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where an execution stands. Travels and is stored under these names (design section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum ExecutionStatus {
    /// Accepted and durable; no user code has run.
    Pending,
    /// Claimed by an engine; user code may be running.
    Running,
    /// The workflow returned.
    Success,
    /// The workflow raised, or returned `"success": false`.
    Failed,
    /// Ended on request.
    Cancelled,
    /// Ended by its deadline.
    TimedOut,
    /// Its worker or host was lost; how far it got is unknown.
    Interrupted,
}

impl ExecutionStatus {
    /// Every status nothing can follow.
    pub const FINAL: [Self; 5] = [Self::Success, Self::Failed, Self::Cancelled, Self::TimedOut, Self::Interrupted];

    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "TimedOut",
            Self::Interrupted => "Interrupted",
        }
    }

    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ExecutionStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::Running, Self::Success, Self::Failed, Self::Cancelled, Self::TimedOut, Self::Interrupted]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| format!("unknown execution status `{text}`"))
    }
}

/// What started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A request to the API, the client or the command line.
    Api,
    /// The submission of a form.
    Form,
    /// Nothing here: a program put on record what it ran elsewhere.
    External,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 3] = [Self::Api, Self::Form, Self::External];

    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Form => "form",
            Self::External => "external",
        }
    }
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// The normal course; what `print` writes.
    Info,
    /// Worth a look.
    Warning,
    /// Something failed; what a program writes to its standard error.
    Error,
}

/// One line of an execution's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    /// Position within the execution, from 1, without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// Where it came from: `print`, `stdout`, `stderr`, `platform`, or a logger's name.
    pub source: String,
    /// The text, secrets masked.
    pub message: String,
    /// The `seq` of the step it was written in; `null` outside of steps.
    #[serde(default)]
    pub step: Option<u32>,
}

/// A part of an execution that its author gave a name (`context.step`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Position within the execution, from 1, in the order in which steps began.
    pub seq: u32,
    /// The author's name for it, secrets masked.
    pub name: String,
    /// `Running`, or how it ended.
    pub status: ExecutionStatus,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it raised, secrets masked.
    pub error_message: Option<String>,
}

impl Step {
    /// Ends a step that its code did not end itself before its execution did. What a run left behind when it returned
    /// was `Interrupted`: whether it got done is unknown.
    pub fn close(&mut self, run: ExecutionStatus, at: DateTime<Utc>) {
        self.status = if run == ExecutionStatus::Success { ExecutionStatus::Interrupted } else { run };
        self.ended_at = Some(at.max(self.started_at));
    }
}
