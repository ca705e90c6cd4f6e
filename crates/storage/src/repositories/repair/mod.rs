//! Putting mirrors back in line with what decides: `UserPermissions` and `WorkflowExecutions` (design section 3).
//!
//! For an installation nobody runs executions in meanwhile. Others may change rights: every repair is a commit guarded
//! by the versions it rests on. Tables are walked page by page, so it takes as little memory for a million executions
//! as for ten, apart from 32 bytes for each blob. Interrupted anywhere, it is simply run again.

mod batches;
mod blobs;
mod counters;
mod directory;
mod executions;
mod files;
mod finding;
mod grants;

pub use finding::Finding;

use super::audit::AuditDraft;
use super::{Actor, Repositories, etag_of};
use crate::{Commit, Entity, Guard, IfMatch, Query, StoreError, Table, TableStore, Write};
use futures::future::join_all;
use msp_domain::Scope;
use serde_json::json;

/// Rows read at once: a row may hold two texts of 30,000 characters.
const PAGE: usize = 250;

/// How much was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What can be repaired, and was unless this was only a look.
    pub repairable: usize,
    /// What cannot.
    pub beyond_repair: usize,
}

/// One pass over everything.
struct Pass<'a> {
    repositories: &'a Repositories,
    mend: bool,
    see: &'a mut (dyn FnMut(&Finding) + Send),
    tally: Tally,
    /// Found on the page at hand and not repaired yet.
    remedies: Vec<Commit>,
}

impl Repositories {
    /// Looks for what does not fit together, tells `see` each finding as it comes, and repairs it if `mend` says so.
    /// Whoever calls this holds the engine lock.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; what was repaired until then stays repaired.
    pub async fn repair(
        &self,
        mend: bool,
        actor: &Actor,
        see: &mut (dyn FnMut(&Finding) + Send),
    ) -> Result<Tally, StoreError> {
        let note = |action, details| self.audit.record(AuditDraft::new(Scope::Global, actor, action, "store", details));
        if mend {
            // First, so that nothing is ever removed unrecorded.
            note("Repair.Begin", json!({})).await?;
        }
        let mut pass = Pass { repositories: self, mend, see, tally: Tally::default(), remedies: Vec::new() };
        pass.directory().await?;
        pass.deletions(actor).await?;
        pass.grants().await?;
        let mut named = pass.executions().await?;
        pass.batches().await?;
        pass.logs(&mut named).await?;
        pass.files(&mut named).await?;
        pass.exports(&mut named).await?;
        pass.blobs(named).await?;
        let tally = pass.tally;
        if mend {
            let details = json!({ "repaired": tally.repairable, "beyond_repair": tally.beyond_repair });
            note("Repair.End", details).await?;
        }
        Ok(tally)
    }
}

impl Pass<'_> {
    /// Organizations of which a deletion left a part. First, so that nothing of them is repaired.
    async fn deletions(&mut self, actor: &Actor) -> Result<(), StoreError> {
        for organization in self.repositories.deletions().await? {
            self.tally.repairable += 1;
            (self.see)(&Finding::DeletionUnfinished { org: organization.id.key() });
            if self.mend {
                self.repositories.finish_deletion(organization.id, actor, &|_| {}).await?;
            }
        }
        Ok(())
    }

    fn tables(&self) -> &dyn TableStore {
        self.repositories.stores.tables.as_ref()
    }

    /// A row that another rests on. One that is not readable is there all the same, without properties.
    async fn found(&self, table: Table, keys: &(String, String)) -> Result<Option<Entity>, StoreError> {
        let query = Query { row_from: Some(keys.1.clone()), ..Query::partition(keys.0.as_str()) }.limit(1);
        let first = self.tables().query(table, query).await?.entities.pop();
        Ok(first.filter(|row| row.row_key == keys.1))
    }

    /// Something that a commit puts right.
    fn repairable(&mut self, finding: &Finding, remedy: Commit) {
        self.tally.repairable += 1;
        (self.see)(finding);
        if self.mend {
            self.remedies.push(remedy);
        }
    }

    /// The next page of a walk, once everything that was found on the one before is repaired: all at once, because one
    /// wait for the disk serves many commits.
    async fn next_page(&mut self, walk: &mut Walk) -> Result<Option<Vec<Entity>>, StoreError> {
        let commits = std::mem::take(&mut self.remedies).into_iter().map(|remedy| self.tables().commit(remedy));
        for outcome in join_all(commits).await {
            match outcome {
                // Changed this moment, by somebody who wrote both sides.
                Ok(()) | Err(StoreError::PreconditionFailed | StoreError::AlreadyExists | StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        walk.next(self.tables()).await
    }

    /// Something that only a person can put right.
    fn beyond_repair(&mut self, finding: &Finding) {
        self.tally.beyond_repair += 1;
        (self.see)(finding);
    }

    /// A row that this version cannot read.
    fn unreadable(&mut self, table: Table, row: &Entity, reason: impl ToString) {
        let Entity { partition_key, row_key, .. } = row.clone();
        self.beyond_repair(&Finding::Unreadable { table, partition_key, row_key, reason: reason.to_string() });
    }

    /// Makes sure that a mirror holds exactly what follows from the row that decides.
    async fn mirrored(
        &mut self,
        decides: (Table, &Entity),
        mirror: (Table, Entity),
        finding: Finding,
    ) -> Result<(), StoreError> {
        let (table, wanted) = mirror;
        let stored = self.tables().get(table, &wanted.partition_key, &wanted.row_key).await;
        let current = match stored {
            Ok(None) => None,
            Ok(Some(stored)) if stored.properties == wanted.properties => return Ok(()),
            Ok(Some(stored)) => Some(etag_of(&stored)?),
            // Whatever it holds, it is written anew.
            Err(StoreError::Corrupt(_)) => {
                let remedy =
                    Commit { writes: vec![(table, Write::UpsertReplace(wanted))], guards: vec![as_read(decides)?] };
                self.repairable(&finding, remedy);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let writes = vec![(table, super::write_over(current, wanted))];
        self.repairable(&finding, Commit { writes, guards: vec![as_read(decides)?] });
        Ok(())
    }

    /// Removes a row that nothing stands behind; `guard` says what that rests on.
    fn superfluous(&mut self, table: Table, row: &Entity, guard: Guard, finding: &Finding) -> Result<(), StoreError> {
        let if_match = IfMatch::Etag(etag_of(row)?);
        let delete = Write::delete(row.partition_key.clone(), row.row_key.clone(), if_match);
        self.repairable(finding, Commit { writes: vec![(table, delete)], guards: vec![guard] });
        Ok(())
    }
}

/// Holds while a row is as it was read.
fn as_read((table, row): (Table, &Entity)) -> Result<Guard, StoreError> {
    let Entity { partition_key, row_key, .. } = row.clone();
    Ok(Guard { table, partition_key, row_key, etag: Some(etag_of(row)?) })
}

/// Holds while a row is as it was looked up: there or not.
fn as_found(table: Table, keys: (String, String), found: Option<&Entity>) -> Result<Guard, StoreError> {
    let (partition_key, row_key) = keys;
    Ok(Guard { table, partition_key, row_key, etag: found.map(etag_of).transpose()? })
}

/// A table from its first row to its last.
struct Walk {
    table: Table,
    query: Option<Query>,
}

impl Walk {
    fn over(table: Table) -> Self {
        Self { table, query: Some(Query::default().limit(PAGE)) }
    }

    fn of_partition(table: Table, partition_key: &str) -> Self {
        Self { table, query: Some(Query::partition(partition_key).limit(PAGE)) }
    }

    /// The next rows; `None` at the end.
    async fn next(&mut self, tables: &dyn TableStore) -> Result<Option<Vec<Entity>>, StoreError> {
        let Some(query) = self.query.take() else { return Ok(None) };
        let page = tables.query(self.table, query.clone()).await?;
        self.query = page.continuation.map(|next| Query { continuation: Some(next), ..query });
        Ok(Some(page.entities))
    }
}
