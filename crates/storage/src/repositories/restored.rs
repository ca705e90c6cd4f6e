//! What must be set right in stores that were put back from a backup, before anybody uses them: the world went on since
//! the backup was made, and the backup does not know how.

use super::Repositories;
use super::audit::AuditDraft;
use super::{Actor, executions::Ending};
use crate::{IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, SecondsFormat, Utc};
use msp_domain::{ExecutionStatus, Scope};
use serde_json::json;

/// What was set right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetRight {
    /// Executions that had not ended when the backup was made.
    pub interrupted: usize,
    /// Browser sessions that were ended.
    pub sessions: usize,
}

impl Repositories {
    /// Ends what had not ended when the backup was made, as `Interrupted`: a run that waited then has most likely run
    /// since, and must not act a second time. Ends every session and sign-in link too, because one that was revoked
    /// since would work again. On the audit trail first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable; safe to repeat.
    pub async fn set_right_after_restore(&self, made_at: DateTime<Utc>, actor: &Actor) -> Result<SetRight, StoreError> {
        let made_at_text = made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let details = json!({ "made_at": made_at_text });
        self.audit
            .record(AuditDraft::new(Scope::Global, actor, "Backup.Restore", made_at_text.clone(), details.clone()))
            .await?;
        let sessions = self.clear(Table::Sessions).await?;
        self.clear(Table::SignInLinks).await?;
        // Their rows have most likely run since. Those that have not begun shall not; the others are ended below.
        for batch in self.batches.open().await?.into_iter().filter(|batch| batch.cancelled_at.is_none()) {
            let audit = AuditDraft::new(batch.scope, actor, "Batch.Cancel", batch.id.key(), details.clone());
            self.batches.cancel(&batch, None, audit).await?;
        }
        // Told since, most likely; and a copy that is tried out must not call anybody.
        self.notices.forget_all(None).await?;
        let mut interrupted = 0;
        for active in self.executions.unended(None).await? {
            let pointer = active.pointer;
            let Some(execution) = self.executions.get(pointer.scope, pointer.execution_id).await? else { continue };
            // What was to start later than now has not run since.
            let is_to_come = execution.scheduled_for.is_some_and(|at| at > self.clock.now());
            if execution.status.is_final() || (is_to_come && execution.status == ExecutionStatus::Pending) {
                continue;
            }
            let what = if execution.status == ExecutionStatus::Pending { "waited to run" } else { "was running" };
            let ending = Ending {
                status: ExecutionStatus::Interrupted,
                result_json: None,
                error_type: Some("restored".to_owned()),
                error_message: Some(format!(
                    "The platform was restored from a backup of {made_at_text}, when the execution {what}. What became \
                     of it afterwards is not in the backup, so it was not run again: check whether it took effect, \
                     then run it again if it did not."
                )),
                completed_at: self.clock.now(),
                logs_through: self.executions.last_log(&execution).await?.map_or(0, |line| line.seq),
            };
            self.executions.close_steps(&execution, ending.status, ending.completed_at).await?;
            self.executions.finish(&execution, &ending).await?;
            interrupted += 1;
        }
        Ok(SetRight { interrupted, sessions })
    }

    async fn clear(&self, table: Table) -> Result<usize, StoreError> {
        let mut cleared = 0;
        loop {
            let page = self.stores.tables.query(table, Query::default()).await?;
            if page.entities.is_empty() && page.continuation.is_none() {
                return Ok(cleared);
            }
            for row in page.entities {
                let delete = Write::delete(row.partition_key, row.row_key, IfMatch::Any);
                self.stores.tables.write(table, delete).await?;
                cleared += 1;
            }
        }
    }
}
