//! Steps: PK execution id, RK `{epoch:6}_{seq:4}`, so they read in the order they began.

use super::{Executions, record::Execution, rows};
use crate::{Entity, Query, StoreError, Table, Write, limits};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionStatus, Step};

impl Executions {
    /// Writes steps of the execution's current epoch as they now stand. Repeating a call is harmless.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; the first batches may then be stored.
    pub async fn write_steps(&self, execution: &Execution, steps: &[Step]) -> Result<(), StoreError> {
        for batch in steps.chunks(limits::MAX_BATCH_WRITES) {
            let writes = batch.iter().map(|step| Write::UpsertReplace(row(execution, step))).collect();
            self.journal.tables.batch(Table::ExecutionSteps, writes).await?;
        }
        Ok(())
    }

    /// The steps of the execution's current epoch, in the order they began.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a step is not readable.
    pub async fn steps(&self, execution: &Execution) -> Result<Vec<Step>, StoreError> {
        let query = Query {
            row_from: Some(row_key(execution.epoch, 0)),
            row_before: Some(row_key(execution.epoch.saturating_add(1), 0)),
            ..Query::partition(execution.id.key())
        };
        self.journal.tables.query_all(Table::ExecutionSteps, query).await?.iter().map(read).collect()
    }

    /// Ends the steps that whoever ran the execution left open: it is lost, and about to end like this.
    ///
    /// # Errors
    /// As for [`Self::steps`] and [`Self::write_steps`]; safe to repeat.
    pub async fn close_steps(
        &self,
        execution: &Execution,
        run: ExecutionStatus,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut open = self.steps(execution).await?;
        open.retain(|step| !step.status.is_final());
        open.iter_mut().for_each(|step| step.close(run, at));
        self.write_steps(execution, &open).await
    }
}

fn row_key(epoch: u32, seq: u32) -> String {
    format!("{epoch:06}_{seq:04}")
}

fn row(execution: &Execution, step: &Step) -> Entity {
    Entity::new(execution.id.key(), row_key(execution.epoch, step.seq))
        .with("Seq", i64::from(step.seq))
        .with("Name", rows::shown(&step.name))
        .with("Status", step.status.name())
        .with("StartedAt", step.started_at)
        .with_some("EndedAt", step.ended_at)
        .with_some("ErrorMessage", step.error_message.as_deref().map(rows::shown))
}

fn read(row: &Entity) -> Result<Step, StoreError> {
    let corrupt = |name: &str| StoreError::Corrupt(format!("step {} has a bad `{name}`", row.row_key));
    Ok(Step {
        seq: u32::try_from(row.int("Seq")?).map_err(|_| corrupt("Seq"))?,
        name: row.text("Name")?.to_owned(),
        status: row.text("Status")?.parse().map_err(|_| corrupt("Status"))?,
        started_at: row.instant("StartedAt")?,
        ended_at: row.instant_opt("EndedAt")?,
        error_message: row.text_opt("ErrorMessage")?.map(str::to_owned),
    })
}
