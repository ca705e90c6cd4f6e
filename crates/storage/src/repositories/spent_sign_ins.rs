//! Sign-ins by way of an issuer that were completed: table `SignInLinks`, PK `SPENT`, RK SHA-256 of the state (hex).
//! Nothing is written when one begins: strangers may begin as many as they like.

use super::Journal;
use super::sign_in_links::clear_expired;
use super::tokens::sha256_hex;
use crate::{Entity, StoreError, Table, Write};
use chrono::{DateTime, Utc};

const PARTITION: &str = "SPENT";

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
        clear_expired(&self.journal, PARTITION).await;
        let row = Entity::new(PARTITION, sha256_hex(state)).with("ExpiresAt", expires_at);
        match self.journal.tables.write(Table::SignInLinks, Write::Insert(row)).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
