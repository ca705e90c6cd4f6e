//! Batches as table rows, and back.

use super::{Batch, BatchCounts, FOLDER, NewBatch, OPEN_PARTITION};
use crate::repositories::{etag_of, executions::rows::scope_of};
use crate::{Entity, StoreError};
use msp_domain::{BatchId, Scope};

/// Where the rows of a batch are.
pub(super) fn rows_blob(id: &str) -> String {
    format!("{FOLDER}{id}/rows.json")
}

/// What says that a batch has not ended.
pub(in crate::repositories) fn open_mark(scope: Scope, id: BatchId) -> Entity {
    Entity::new(OPEN_PARTITION, id.key()).with_some("OrgId", scope.org().map(|org| org.as_uuid()))
}

/// The batch that a mark says has not ended.
pub(in crate::repositories) fn read_open(mark: &Entity) -> Result<(Scope, BatchId), StoreError> {
    let id = mark.row_key.parse().map_err(|_| StoreError::Corrupt(format!("{} is no batch", mark.row_key)))?;
    Ok((scope_of(mark)?, id))
}

/// How its rows ended, as a change of its row.
pub(super) fn counted(batch: &Batch, counts: BatchCounts) -> Entity {
    Entity::new(batch.scope.key(), batch.id.row_key().unwrap_or_default())
        .with("Succeeded", i64::from(counts.success))
        .with("Failed", i64::from(counts.failed))
        .with("Cancelled", i64::from(counts.cancelled))
}

pub(super) fn row(new: &NewBatch, row_count: u32, rows_blob: &str) -> Entity {
    Entity::new(new.scope.key(), new.id.row_key().unwrap_or_default())
        .with("BatchId", new.id.as_uuid())
        .with("FormId", new.form_id)
        .with("FormName", new.form_name.as_str())
        .with("WorkflowName", new.workflow_name.as_str())
        .with("SubmittedBy", new.submitted_by.key())
        .with("SubmittedByName", new.submitted_by_name.as_str())
        .with("CreatedAt", new.created_at)
        .with("RowCount", i64::from(row_count))
        .with("RowsBlob", rows_blob)
        .with("BundleHash", new.bundle_hash.as_str())
        .with("TimeoutSeconds", i64::try_from(new.timeout_seconds).unwrap_or(i64::MAX))
        .with_some("MinutesSaved", new.minutes_saved.map(i64::from))
        .with("HasPasswords", new.has_passwords)
        .with_some("RetryOf", new.retry_of.map(|id| id.as_uuid()))
}

pub(in crate::repositories) fn read(scope: Scope, row: &Entity) -> Result<Batch, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("the batch {}: {what}", row.row_key));
    let count = |name: &str| Ok::<_, StoreError>(u32::try_from(row.int_opt(name)?.unwrap_or(0)).unwrap_or(0));
    let completed_at = row.instant_opt("CompletedAt")?;
    let cancelled_at = row.instant_opt("CancelledAt")?;
    let row_count = count("RowCount")?;
    let ended = BatchCounts {
        success: count("Succeeded")?,
        failed: count("Failed")?,
        cancelled: count("Cancelled")?,
        ..BatchCounts::default()
    };
    let under_way = BatchCounts { running: count("Running")?, ..ended };
    let user = |name: &str| row.text_opt(name).map(|text| text.and_then(|text| text.parse().ok()));
    Ok(Batch {
        id: row.guid_opt("BatchId")?.ok_or_else(|| corrupt("no `BatchId`"))?.into(),
        scope,
        form_id: row.guid_opt("FormId")?.ok_or_else(|| corrupt("no `FormId`"))?,
        form_name: row.text("FormName")?.to_owned(),
        workflow_name: row.text("WorkflowName")?.to_owned(),
        submitted_by: user("SubmittedBy")?.ok_or_else(|| corrupt("`SubmittedBy` is no user"))?,
        submitted_by_name: row.text("SubmittedByName")?.to_owned(),
        created_at: row.instant("CreatedAt")?,
        row_count,
        bundle_hash: row.text("BundleHash")?.to_owned(),
        timeout_seconds: row.int_opt("TimeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0),
        minutes_saved: row.int_opt("MinutesSaved")?.and_then(|minutes| u32::try_from(minutes).ok()),
        has_passwords: row.flag("HasPasswords")?,
        retry_of: row.guid_opt("RetryOf")?.map(BatchId::from),
        cancelled_at,
        cancelled_by: user("CancelledBy")?,
        completed_at,
        rows_lost: row.flag("RowsLost")?,
        counts: completed_at.map(|_| ended),
        noted: if completed_at.is_some() { ended } else { under_way.with_rest(row_count, cancelled_at.is_some()) },
        rows_blob: row.text("RowsBlob")?.to_owned(),
        etag: etag_of(row)?,
    })
}
