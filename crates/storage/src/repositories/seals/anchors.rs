//! Heads to be kept elsewhere. Whoever can write the store can put a whole chain back to an earlier state, head and all;
//! somebody who kept a later head can tell.

use super::AuditSeals;
use super::mac::{Kind, MAC, SealKey};
use super::rows::{COUNT, HEADS, Head, to_int};
use crate::{Entity, Query, StoreError, Table};
use chrono::{DateTime, Utc};
use msp_domain::{OrgId, Scope};
use serde::{Deserialize, Serialize};

/// The head of a chain as it was at one moment, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Whose chain; `None` for what belongs to no organization.
    pub org_id: Option<OrgId>,
    /// Its last block then.
    pub seq: u64,
    /// The code of that block.
    pub hash: String,
    /// Rows that had been sealed.
    pub rows: u64,
    /// When that block was sealed.
    pub sealed_at: DateTime<Utc>,
    /// When the anchor was made.
    pub exported_at: DateTime<Utc>,
    /// The code of all this, with the key of the chains.
    pub mac: String,
}

/// A line that is no anchor.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no anchor as `msp audit anchors` writes them: {reason}")]
pub struct AnchorError {
    /// Which, counted from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Anchor {
    /// Reads JSON Lines; empty lines are skipped.
    ///
    /// # Errors
    /// [`AnchorError`] names the first line that is none.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, AnchorError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| {
                let refused = |error: serde_json::Error| AnchorError { line: index + 1, reason: error.to_string() };
                serde_json::from_str(line).map_err(refused)
            })
            .collect()
    }

    /// Whose chain it is of.
    pub fn scope(&self) -> Scope {
        self.org_id.into()
    }

    /// Whether it was signed with this key.
    pub(super) fn is_signed_with(&self, key: &SealKey) -> bool {
        key.fits(Kind::Anchor, &self.entity().with(MAC, self.mac.as_str()))
    }

    fn entity(&self) -> Entity {
        Entity::new(self.scope().key(), "anchor")
            .with("Seq", to_int(self.seq))
            .with("Hash", self.hash.as_str())
            .with("RowCount", to_int(self.rows))
            .with("SealedAt", self.sealed_at)
            .with("ExportedAt", self.exported_at)
    }
}

impl AuditSeals {
    /// The head of every chain, signed, to be kept where whoever can write the store cannot.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a head was changed or the key is lost.
    pub async fn anchors(&self) -> Result<Vec<Anchor>, StoreError> {
        let key = self.key().await?;
        let heads = Query { row_before: Some(COUNT.to_owned()), ..Query::partition(HEADS) };
        let exported_at = self.clock.now();
        let mut anchors = Vec::new();
        for row in self.tables.query_all(Table::AuditSeals, heads).await? {
            if !key.fits(Kind::Head, &row) {
                let reason =
                    format!("the head of the audit chain of {} was changed; run: msp audit verify", row.row_key);
                return Err(StoreError::Corrupt(reason));
            }
            let head = Head::read(&row)?;
            let mut anchor = Anchor {
                org_id: head.scope.org(),
                seq: head.seq,
                hash: head.hash,
                rows: head.rows,
                sealed_at: head.sealed_at,
                exported_at,
                mac: String::new(),
            };
            anchor.mac = key.mac(Kind::Anchor, &anchor.entity());
            anchors.push(anchor);
        }
        Ok(anchors)
    }
}
