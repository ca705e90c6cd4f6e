//! The chains that seal the audit trail: one for each organization and one for what belongs to none. Audit rows are sealed
//! right after they were written, in blocks: a block names its rows with a code (HMAC-SHA256) of each, its number and the
//! code of the block before, and has a code itself. The head of a chain names its last block. The key is a secret, so whoever
//! can only write the store can remove or change something, but not so that nobody sees it. See
//! `docs/adr/0007-audit-rows-are-sealed-in-blocks.md`.

mod anchors;
mod check;
mod follow;
mod key;
mod mac;
mod marks;
mod retention;
mod rows;
mod sealing;
mod verify;

pub use anchors::{Anchor, AnchorError};
pub use follow::Follower;
pub use retention::MIN_AUDIT_DAYS;
pub use rows::Checkpoint;
pub use sealing::at_once;
pub use verify::{ChainState, Fault, Verified};

pub(super) use marks::Marks;

use super::MergedPage;
use super::audit::{Audit, AuditFilter, AuditRow};
use super::executions::Started;
use super::organizations::Organizations;
use crate::{Query, SecretStore, StoreError, Table, TableStore};
use chrono::TimeDelta;
use mac::SealKey;
use msp_domain::{Clock, Scope};
use rows::{COUNT, HEADS};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{OnceCell, watch};

/// How much later than newer rows a row may appear: a commit waits at most ten seconds for another process, and several
/// machines' clocks agree to seconds. What appears later stays unsealed, which is how an inserted row is found.
pub const GRACE: TimeDelta = TimeDelta::seconds(60);

/// Seals the audit trail and checks it.
#[derive(Clone)]
pub struct AuditSeals {
    tables: Arc<dyn TableStore>,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    audit: Audit,
    organizations: Organizations,
    marks: Arc<Marks>,
    key: Arc<OnceCell<SealKey>>,
    /// Changed with every block this process has sealed.
    sealed: Arc<watch::Sender<()>>,
}

impl AuditSeals {
    pub(super) fn new(
        tables: Arc<dyn TableStore>,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
        audit: Audit,
        organizations: Organizations,
    ) -> Self {
        let marks = audit.marks();
        Self { tables, secrets, clock, audit, organizations, marks, key: Arc::default(), sealed: Arc::default() }
    }

    /// The audit rows of every scope there is, as [`Audit::search`] answers them.
    ///
    /// # Errors
    /// As there.
    pub async fn search_over_all(
        &self,
        filter: &AuditFilter,
        happened: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<AuditRow>, StoreError> {
        if let Some(page) = self.audit.search_over_all(filter, happened, cursor, limit).await? {
            return Ok(page);
        }
        let scopes = self.scopes().await?.into_iter().collect();
        self.audit.search(scopes, filter, happened, cursor, limit).await
    }

    /// Every scope that has audit rows or a chain: of deleted organizations both stay.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn scopes(&self) -> Result<BTreeSet<Scope>, StoreError> {
        let mut scopes = BTreeSet::from([Scope::Global]);
        scopes.extend(self.organizations.ids().await?.into_iter().map(Scope::Org));
        let heads = Query { row_before: Some(COUNT.to_owned()), ..Query::partition(HEADS) };
        for head in self.tables.query_all(Table::AuditSeals, heads).await? {
            scopes.extend(Scope::from_key(&head.row_key));
        }
        Ok(scopes)
    }
}
