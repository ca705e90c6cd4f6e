//! Sign-ins by way of an issuer that were completed: table `SignInLinks`, PK `SPENT`, RK SHA-256 of the state (hex).
//! Nothing is written when one begins: strangers may begin as many as they like.

use super::Journal;
use super::tokens::sha256_hex;
use crate::{Comparison, Entity, Filter, IfMatch, Query, StoreError, Table, Write};
use chrono::{DateTime, Utc};

const PARTITION: &str = "SPENT";
/// How many forgotten rows are cleared when one is written: enough to keep the table small.
const CLEARED_AT_ONCE: usize = 20;

/// What has signed somebody in and never does again.
#[derive(Clone)]
pub struct SpentSignIns {
    journal: Journal,
}

impl SpentSignIns {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Spends a state: of two who try, one is answered `true`. It is forgotten at `expires_at`, when it is good for nothing
    /// anyway. No decision of anybody, so nothing is audited; the session that begins is.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; the state may then be spent.
    pub async fn spend(&self, state: &str, expires_at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.clear_expired().await;
        let row = Entity::new(PARTITION, sha256_hex(state)).with("ExpiresAt", expires_at);
        match self.journal.tables.write(Table::SignInLinks, Write::Insert(row)).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A failure is no matter: the next one tries again.
    async fn clear_expired(&self) {
        let journal = &self.journal;
        let mut query = Query::partition(PARTITION).limit(CLEARED_AT_ONCE);
        query.filter = Some(Filter::Compare("ExpiresAt".into(), Comparison::Lt, journal.clock.now().into()));
        let Ok(page) = journal.tables.query(Table::SignInLinks, query).await else { return };
        for row in page.entities {
            let delete = Write::delete(PARTITION, row.row_key, IfMatch::Any);
            let _ = journal.tables.write(Table::SignInLinks, delete).await;
        }
    }
}
