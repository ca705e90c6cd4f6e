//! The `Generation` row: changed with every change of rights, users, organizations, config or integrations, and after
//! every change of a workflow's secret, so that a cache, or the insert of an execution, can prove that what it read still holds (design section 3).

use super::write_over;
use crate::{Entity, Etag, Guard, StoreError, Table, TableStore, TableWrite, Write};
use std::sync::Arc;
use uuid::Uuid;

const PARTITION: &str = "GENERATION";
const ROW: &str = "current";

/// The version of everything the gate and the engine read.
#[derive(Clone)]
pub struct Generation {
    tables: Arc<dyn TableStore>,
}

impl Generation {
    pub(super) fn new(tables: Arc<dyn TableStore>) -> Self {
        Self { tables }
    }

    /// The current version; `None` before the first change ever.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn current(&self) -> Result<Option<Etag>, StoreError> {
        Ok(self.tables.get(Table::Platform, PARTITION, ROW).await?.and_then(|entity| entity.etag))
    }

    /// The guard that holds while nothing has changed since `seen`.
    pub fn guard(&self, seen: Option<Etag>) -> Guard {
        Guard { table: Table::Platform, partition_key: PARTITION.to_owned(), row_key: ROW.to_owned(), etag: seen }
    }

    /// The write that goes into the commit of every change: a fresh random value, so no reader is needed and two
    /// changes never conflict.
    pub fn bump(&self) -> TableWrite {
        (Table::Platform, Write::UpsertReplace(fresh()))
    }

    /// The same if nothing has changed since `seen`.
    pub(super) fn bump_over(&self, seen: Option<Etag>) -> TableWrite {
        (Table::Platform, write_over(seen, fresh()))
    }
}

fn fresh() -> Entity {
    Entity::new(PARTITION, ROW).with("Value", Uuid::new_v4())
}

/// Whether a guard holds while nothing has changed.
pub(super) fn is_of(guard: &Guard) -> bool {
    guard.table == Table::Platform && guard.partition_key == PARTITION
}
