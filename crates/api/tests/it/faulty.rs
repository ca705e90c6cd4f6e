//! A store that fails as a test wants it to.

use async_trait::async_trait;
use msp_storage::{Commit, Entity, Etag, Page, Query, StoreError, Table, TableStore, TableWrite, Write};
use std::sync::Arc;

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    /// It does not take place, and the store seems to be away.
    RequestLost,
    /// It takes place, and the store seems to be away.
    AnswerLost,
    /// It does not take place, because what it was meant for is there in another version.
    Stale,
    /// It does not take place, because what it would add is there already.
    Exists,
    /// It does not take place, because what it would change cannot be read.
    Damaged,
    /// It does not take place, and what asked for it panics.
    Panic,
    /// It takes place, and what asked for it panics.
    DoneAndPanic,
}

type Decide = Box<dyn Fn(&[TableWrite]) -> Fate + Send + Sync>;

/// Passes everything on, and decides about every write.
pub struct Faulty {
    tables: Arc<dyn TableStore>,
    decide: Decide,
}

impl Faulty {
    pub fn over(
        tables: Arc<dyn TableStore>,
        decide: impl Fn(&[TableWrite]) -> Fate + Send + Sync + 'static,
    ) -> Arc<dyn TableStore> {
        Arc::new(Self { tables, decide: Box::new(decide) })
    }

    async fn meet<T>(&self, fate: Fate, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match fate {
            Fate::RequestLost => return Err(StoreError::unavailable("the request was lost")),
            Fate::Stale => return Err(StoreError::PreconditionFailed),
            Fate::Exists => return Err(StoreError::AlreadyExists),
            Fate::Damaged => return Err(StoreError::Corrupt("row 7 of the vault".to_owned())),
            Fate::Panic => panic!("this write panics"),
            Fate::Done | Fate::AnswerLost | Fate::DoneAndPanic => {}
        }
        let outcome = write.await?;
        match fate {
            Fate::AnswerLost => Err(StoreError::unavailable("the answer was lost")),
            Fate::DoneAndPanic => panic!("this write took place, and panics"),
            _ => Ok(outcome),
        }
    }
}

#[async_trait]
impl TableStore for Faulty {
    fn commits_whole(&self) -> bool {
        self.tables.commits_whole()
    }

    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        let fate = (self.decide)(&[(table, write.clone())]);
        self.meet(fate, self.tables.write(table, write)).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        let listed: Vec<TableWrite> = writes.iter().map(|write| (table, write.clone())).collect();
        self.meet((self.decide)(&listed), self.tables.batch(table, writes)).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.meet((self.decide)(&commit.writes), self.tables.commit(commit)).await
    }

    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        self.meet((self.decide)(&commit.writes), self.tables.commit_etags(commit)).await
    }
}

/// The row key of the execution these writes put on record.
pub fn inserted(writes: &[TableWrite]) -> Option<String> {
    writes.iter().find_map(|(table, write)| match write {
        Write::Insert(row) if *table == Table::WorkflowExecutions => Some(row.row_key.clone()),
        _ => None,
    })
}

/// Whether these writes claim an execution, of this organization if one is named.
pub fn is_claim(writes: &[TableWrite], org: Option<&str>) -> bool {
    changes(writes).any(|change| {
        matches!(change.text_opt("LeaseOwner"), Ok(Some(_))) && org.is_none_or(|org| change.partition_key == org)
    })
}

/// Whether these writes end an execution.
pub fn is_ending(writes: &[TableWrite]) -> bool {
    changes(writes).any(|change| change.instant("CompletedAt").is_ok())
}

fn changes(writes: &[TableWrite]) -> impl Iterator<Item = &Entity> {
    writes.iter().filter_map(|(table, write)| match write {
        Write::Merge(change, _) if *table == Table::WorkflowExecutions => Some(change),
        _ => None,
    })
}
