//! Private addresses integrations may call: table `Platform`, PK `ADDRESS`, RK `{ip}:{port}` with `:` as written.

use super::audit::AuditDraft;
use super::{Actor, Journal, retry};
use crate::{Commit, Entity, Query, StoreError, Table, Write};
use msp_domain::Scope;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};

const PARTITION: &str = "ADDRESS";

/// The allow-list. Empty means: public addresses only.
#[derive(Clone)]
pub struct AllowedAddresses {
    journal: Journal,
}

impl AllowedAddresses {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Everything on the list.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is no address.
    pub async fn list(&self) -> Result<Vec<SocketAddr>, StoreError> {
        let rows = self.journal.tables.query_all(Table::Platform, Query::partition(PARTITION)).await?;
        rows.iter().map(|row| parse(&row.row_key)).collect()
    }

    /// Adds an address; adding one that is on the list is no error and writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn allow(&self, address: SocketAddr, actor: &Actor) -> Result<(), StoreError> {
        let journal = &self.journal;
        let row_key = row_key(address);
        retry(async || {
            if journal.tables.get(Table::Platform, PARTITION, &row_key).await?.is_some() {
                return Ok(());
            }
            let row = Entity::new(PARTITION, row_key.clone())
                .with("AllowedBy", actor.key())
                .with("AllowedAt", journal.clock.now());
            let draft = AuditDraft::new(Scope::Global, actor, "Address.Allow", row_key.clone(), json!({}));
            let writes =
                vec![journal.audit.row(draft), (Table::Platform, Write::Insert(row)), journal.generation.bump()];
            journal.tables.commit(Commit::of(writes)).await
        })
        .await
    }
}

/// An IPv6 address is written without brackets, which no key may have; a mapped one as the IPv4 address it is.
fn row_key(address: SocketAddr) -> String {
    format!("{}:{}", address.ip().to_canonical(), address.port())
}

fn parse(row_key: &str) -> Result<SocketAddr, StoreError> {
    let parts = row_key.rsplit_once(':').and_then(|(ip, port)| Some((ip.parse::<IpAddr>().ok()?, port.parse().ok()?)));
    parts.map(SocketAddr::from).ok_or_else(|| StoreError::Corrupt(format!("`{row_key}` is no address")))
}
