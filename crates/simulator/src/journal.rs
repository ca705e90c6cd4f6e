//! What arrived, for tests to look at.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::VecDeque, sync::Mutex};

/// Calls remembered; a demo left running for weeks must not grow without end.
const MAX_ENTRIES: usize = 10_000;

/// Which service a call was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The token endpoint of Microsoft Entra.
    Entra,
    /// Microsoft Graph.
    Graph,
    /// The token endpoint of HaloPSA.
    HaloAuth,
    /// HaloPSA.
    Halo,
    /// None of them.
    Unknown,
}

/// One call that arrived, with everything secret in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The service by the path.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// The path, percent-encoded as it came.
    pub path: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// The bearer token sent.
    pub bearer: Option<String>,
    /// The tenant that token was issued for, or the tenant asked for at a token endpoint.
    pub tenant: Option<String>,
    /// The body: JSON, or a text if it is not.
    pub body: Value,
    /// The status answered; `None` when the connection was reset.
    pub status: Option<u16>,
}

#[derive(Default)]
pub(crate) struct Journal(Mutex<VecDeque<JournalEntry>>);

impl Journal {
    pub(crate) fn add(&self, entry: JournalEntry) {
        let mut entries = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if entries.len() == MAX_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }
}
