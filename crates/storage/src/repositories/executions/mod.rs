//! Executions and their logs. `WorkflowExecutions` (PK organization or `GLOBAL`, RK `{reverse time}_{id}`) decides;
//! `UserExecutions` mirrors it per user; `ActiveExecutions` holds a pointer to each that has not ended;
//! `ExecutionLogs` holds the lines, those of long logs in blobs; `ExecutionSteps` the steps.

mod batch;
pub(in crate::repositories) mod counters;
mod counting;
mod expired;
mod filter;
pub(in crate::repositories) mod lifecycle;
mod list;
mod logs;
pub(in crate::repositories) mod lookup;
pub(in crate::repositories) mod marks;
mod of_user;
pub(in crate::repositories) mod packing;
mod record;
pub(in crate::repositories) mod recorded;
pub(in crate::repositories) mod removal;
pub(in crate::repositories) mod rows;
mod steps;

pub use counters::{Counter, Ended, Figures};
pub use expired::Expired;
pub use filter::{ExecutionFilter, Started};
pub use list::ExecutionPage;
pub use marks::{Mark, NewMark};
pub use packing::{LOG_LINES_IN_ROWS, LogChunk};
pub use record::{ActiveExecution, BatchPlace, Ending, Entry, Execution, INLINE_JSON_LIMIT, NewExecution, StoredJson};
pub use recorded::Recorded;

use super::{Journal, Stores, files::Files, notifications::Notices};
use crate::{BlobStore, StoreError};
use bytes::Bytes;
use msp_domain::ExecutionId;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The executions.
#[derive(Clone)]
pub struct Executions {
    journal: Journal,
    blobs: Arc<dyn BlobStore>,
    files: Files,
    notices: Notices,
}

impl Executions {
    pub(super) fn new(journal: Journal, stores: &Stores, notices: Notices) -> Self {
        let files = Files::new(journal.clone(), stores);
        Self { journal, blobs: Arc::clone(&stores.blobs), files, notices }
    }

    /// The text of a stored JSON value.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its blob is gone; [`StoreError::Corrupt`] when the blob is no text.
    pub async fn load_json(&self, json: &StoredJson) -> Result<String, StoreError> {
        match json {
            StoredJson::Inline(text) => Ok(text.clone()),
            StoredJson::Blob { path, .. } => {
                let content = self.blobs.get(path).await?.ok_or(StoreError::NotFound)?;
                String::from_utf8(content.into()).map_err(|_| StoreError::Corrupt(format!("{path} is no text")))
            }
        }
    }

    /// Stores a JSON text where it fits. The blob's name follows from its content, so writing it again is harmless
    /// and two different results of one execution never overwrite each other.
    async fn store_json(&self, id: ExecutionId, kind: &str, json: &str) -> Result<StoredJson, StoreError> {
        if crate::limits::utf16_units(json) <= INLINE_JSON_LIMIT {
            return Ok(StoredJson::Inline(json.to_owned()));
        }
        let path = format!("executions/{id}/{kind}-{}.json", content_name(json.as_bytes()));
        self.blobs.put(&path, Bytes::copy_from_slice(json.as_bytes())).await?;
        Ok(StoredJson::Blob { path, size_bytes: json.len() as u64 })
    }
}

/// The part of a blob's name that follows from its content.
fn content_name(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
