//! Idempotency marks: rows `~idem_{hash}` beside the executions they lead to. They sort after every run, so no history
//! shows them (design section 3).

use super::Executions;
use crate::repositories::etag_of;
use crate::{Comparison, Entity, Etag, Filter, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, Scope};

/// What a caller's key becomes on record. Both hashes are keyed, so neither can be guessed from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMark {
    /// Hash of the key and everything it is scoped to, hexadecimal.
    pub key_hash: String,
    /// Hash of the request's body, hexadecimal.
    pub body_hash: String,
    /// From when on the key may be used anew.
    pub expires_at: DateTime<Utc>,
    /// The version of an older mark it takes the place of.
    pub replaces: Option<Etag>,
}

/// A mark on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where it leads.
    pub execution_id: ExecutionId,
    /// Hash of the body it was made for.
    pub body_hash: String,
    /// From when on it means nothing.
    pub expires_at: DateTime<Utc>,
    /// Its version.
    pub etag: Etag,
}

/// What the rows of marks begin with.
pub(in crate::repositories) const PREFIX: &str = "~idem_";

fn row_key(key_hash: &str) -> String {
    format!("{PREFIX}{key_hash}")
}

impl Executions {
    /// The mark of a key, expired or not.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not readable.
    pub async fn mark(&self, scope: Scope, key_hash: &str) -> Result<Option<Mark>, StoreError> {
        let row_key = row_key(key_hash);
        let Some(row) = self.journal.tables.get(Table::WorkflowExecutions, &scope.key(), &row_key).await? else {
            return Ok(None);
        };
        let id = row.guid_opt("ExecutionId")?;
        Ok(Some(Mark {
            execution_id: id.ok_or_else(|| StoreError::Corrupt(format!("{row_key} names no execution")))?.into(),
            body_hash: row.text("BodyHash")?.to_owned(),
            expires_at: row.instant("ExpiresAt")?,
            etag: etag_of(&row)?,
        }))
    }
}

impl Executions {
    /// Removes the marks of a scope that have expired.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn sweep_marks(&self, scope: Scope, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.drop_marks(scope, Some(Filter::Compare("ExpiresAt".to_owned(), Comparison::Le, now.into()))).await
    }

    /// Removes the marks of a scope that satisfy a condition, or all of them.
    pub(super) async fn drop_marks(&self, scope: Scope, filter: Option<Filter>) -> Result<(), StoreError> {
        let query = Query { row_from: Some(row_key("")), filter, ..Query::partition(scope.key()) };
        for row in self.journal.tables.query_all(Table::WorkflowExecutions, query).await? {
            let if_match = IfMatch::Etag(etag_of(&row)?);
            let delete = Write::delete(row.partition_key, row.row_key, if_match);
            match self.journal.tables.write(Table::WorkflowExecutions, delete).await {
                // Used anew this moment, or swept by somebody else.
                Ok(_) | Err(StoreError::PreconditionFailed | StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The write that goes into the commit of the execution: of any number of equal requests, one is recorded.
pub(in crate::repositories) fn write(scope: Scope, id: ExecutionId, mark: &NewMark) -> Write {
    let row = Entity::new(scope.key(), row_key(&mark.key_hash))
        .with("ExecutionId", id.as_uuid())
        .with("BodyHash", mark.body_hash.as_str())
        .with("ExpiresAt", mark.expires_at);
    match &mark.replaces {
        Some(etag) => Write::Replace(row, IfMatch::Etag(etag.clone())),
        None => Write::Insert(row),
    }
}
