//! Batches: `Batches` decides; a mark says which have not ended, and a blob has the rows of each.

use super::{Finding, Pass, Walk, as_found, as_read};
use crate::repositories::batches::{Batch, FOLDER, OPEN_PARTITION, open_mark, read, read_open};
use crate::{Entity, StoreError, Table};
use msp_domain::{BatchId, Scope};
use std::collections::{HashMap, HashSet};

/// What a batch in `batches/` is called, one that a later version puts there apart.
const ROWS: &str = "rows.json";

/// What the walk over the batches leaves to look at.
#[derive(Default)]
struct Seen {
    /// The blobs they name.
    blobs: HashMap<String, BatchId>,
    /// Those of which nothing is known: whatever there is of them stays.
    kept: HashSet<String>,
    /// Those that have not ended.
    open: HashSet<String>,
}

impl Pass<'_> {
    pub(super) async fn batches(&mut self) -> Result<(), StoreError> {
        let mut seen = Seen::default();
        let mut walk = Walk::over(Table::Batches);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows {
                self.batch(&row, &mut seen).await?;
            }
        }
        let mut walk = Walk::of_partition(Table::ActiveExecutions, OPEN_PARTITION);
        while let Some(marks) = self.next_page(&mut walk).await? {
            for mark in marks.into_iter().filter(|mark| !seen.open.contains(&mark.row_key)) {
                self.open_mark(&mark).await?;
            }
        }
        self.rows_of_batches(seen).await
    }

    async fn batch(&mut self, row: &Entity, seen: &mut Seen) -> Result<(), StoreError> {
        let scope = Scope::from_key(&row.partition_key).map_err(|error| error.to_string());
        let batch = match scope.and_then(|scope| read(scope, row).map_err(|error| error.to_string())) {
            Ok(batch) => batch,
            Err(reason) => {
                let id = row.row_key.rsplit('_').next().unwrap_or_default().to_owned();
                seen.open.insert(id.clone());
                seen.kept.insert(id);
                self.unreadable(Table::Batches, row, reason);
                return Ok(());
            }
        };
        if batch.completed_at.is_none() {
            seen.open.insert(batch.id.key());
            let mark = open_mark(batch.scope, batch.id);
            let finding = Finding::BatchNotFound { id: batch.id };
            self.mirrored((Table::Batches, row), (Table::ActiveExecutions, mark), finding).await?;
        } else if self.has_lost_everything(&batch).await? {
            let guard = as_read((Table::Batches, row))?;
            self.superfluous(Table::Batches, row, guard, &Finding::BatchOfNothing { id: batch.id })?;
            // Its rows go with it, in the same pass and for the same reason.
            return self.rows_of(&batch).await;
        }
        if batch.rows_lost {
            // That is on record; what there is of them somebody may still want to look at.
            seen.kept.insert(batch.id.key());
        } else {
            seen.blobs.insert(batch.rows_blob.clone(), batch.id);
        }
        Ok(())
    }

    /// Whether rows of it ran and no execution of any is on record: retention removes a batch before those.
    async fn has_lost_everything(&self, batch: &Batch) -> Result<bool, StoreError> {
        let ran = batch.noted.success + batch.noted.failed > 0;
        if !ran {
            return Ok(false);
        }
        match self.repositories.executions.of_batch(batch).await {
            Ok(executions) => Ok(executions.is_empty()),
            // One that is not readable is there.
            Err(StoreError::Corrupt(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn rows_of(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.mend {
            self.repositories.stores.blobs.delete(&batch.rows_blob).await?;
        }
        Ok(())
    }

    /// A mark of a batch that has ended, or is not on record.
    async fn open_mark(&mut self, mark: &Entity) -> Result<(), StoreError> {
        let leads_to = read_open(mark).ok().and_then(|(scope, id)| Some((scope.key(), id.row_key()?)));
        let keys = leads_to.unwrap_or_else(|| (Scope::Global.key(), mark.row_key.clone()));
        let batch = self.found(Table::Batches, &keys).await?;
        let guard = as_found(Table::Batches, keys, batch.as_ref())?;
        let finding = Finding::BatchMarkStale { row_key: mark.row_key.clone() };
        self.superfluous(Table::ActiveExecutions, mark, guard, &finding)
    }

    async fn rows_of_batches(&mut self, seen: Seen) -> Result<(), StoreError> {
        let Seen { blobs: mut missing, kept, .. } = seen;
        for path in self.repositories.stores.blobs.list(FOLDER).await? {
            let id = path.strip_prefix(FOLDER).and_then(|rest| rest.split_once('/')).filter(|(_, name)| *name == ROWS);
            let Some((id, _)) = id else { continue };
            if missing.remove(&path).is_none() && !kept.contains(id) {
                self.tally.repairable += 1;
                (self.see)(&Finding::BlobNobodyNames { path: path.clone() });
                if self.mend {
                    self.repositories.stores.blobs.delete(&path).await?;
                }
            }
        }
        let mut ids: Vec<BatchId> = missing.into_values().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.beyond_repair(&Finding::BatchRowsMissing { id }));
        Ok(())
    }
}
