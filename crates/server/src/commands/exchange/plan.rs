//! What an import would do, thing by thing, before it does anything.

use super::super::users::plain;
use anyhow::Result;
use msp_domain::Scope;
use msp_storage::{StoreError, repositories::import::Changes};
use std::fmt;

/// What becomes of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not there yet.
    Create,
    /// It is there and says something else.
    Update,
    /// It is there as it stands in the folder.
    Unchanged,
    /// It is left alone, and somebody should know.
    Skipped,
    /// It does not go together with what is there.
    Conflict,
    /// It cannot be read.
    Error,
}

impl Verdict {
    /// Whether nothing of its organization is written because of it.
    fn blocks(self) -> bool {
        matches!(self, Self::Conflict | Self::Error)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Conflict => "conflict",
            Self::Error => "error",
        })
    }
}

/// What an import does to one organization, or to what everybody shares.
pub struct ScopePlan {
    /// What it is called.
    pub title: String,
    /// Where it is, or will be.
    pub scope: Scope,
    /// What is written.
    pub changes: Changes,
    /// How many things stay as they are.
    pub unchanged: usize,
    /// Whether something keeps all of it from being written.
    pub blocked: bool,
    lines: Vec<String>,
}

impl ScopePlan {
    /// A plan that does nothing yet.
    pub fn new(title: &str, scope: Scope) -> Self {
        let (title, changes) = (plain(title), Changes::default());
        Self { title, scope, changes, unchanged: 0, blocked: false, lines: Vec::new() }
    }

    /// Notes what becomes of a thing that stands at `at`.
    pub fn note(&mut self, verdict: Verdict, what: &str, at: &str) {
        self.blocked |= verdict.blocks();
        if verdict == Verdict::Unchanged {
            self.unchanged += 1;
        } else {
            self.lines.push(format!("{verdict:<9}  {}: {}  ({})", self.title, plain(what), plain(at)));
        }
    }

    /// What can be read of what is there. Beside the rest nothing is written: it may be what the folder is about.
    pub fn readable<T>(&mut self, what: &str, stored: Vec<Result<T, StoreError>>, at: &str) -> Result<Vec<T>> {
        let mut readable = Vec::with_capacity(stored.len());
        for stored in stored {
            match stored {
                Ok(stored) => readable.push(stored),
                Err(StoreError::Corrupt(fault)) => {
                    self.note(Verdict::Error, &format!("a {what} that is there cannot be read: {fault}"), at);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(readable)
    }

    /// Prints what it says, what stays as it is apart.
    pub fn print(&self) {
        self.lines.iter().for_each(|line| println!("{line}"));
    }
}
