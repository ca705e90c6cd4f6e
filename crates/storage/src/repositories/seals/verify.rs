//! `msp audit verify`: the chains of an installation, and whether one of them is gone altogether.

use super::anchors::Anchor;
use super::key::KeyState;
use super::mac::{Kind, SealKey};
use super::rows::{self, COUNT, Checkpoint, HEADS, Head};
use super::{AuditSeals, GRACE};
use crate::{Query, StoreError, Table};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use std::collections::BTreeSet;
use std::fmt;

/// Something that is not as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which chain; `None` when it is about all of them.
    pub scope: Option<Scope>,
    /// What, in a sentence about the chain.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Some(scope) => write!(f, "{}: {}", scope.key(), self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// A chain that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainState {
    /// Whose.
    pub scope: Scope,
    /// Its last block.
    pub blocks: u64,
    /// Rows its blocks seal.
    pub rows: u64,
    /// Rows that are not sealed yet.
    pub unsealed: u64,
    /// The oldest of them.
    pub unsealed_since: Option<DateTime<Utc>>,
    /// What retention has removed.
    pub checkpoint: Option<Checkpoint>,
}

/// What a check has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The chains.
    pub chains: Vec<ChainState>,
    /// How much was found.
    pub faults: u64,
    /// Anchors that were compared. The others are older than what retention has removed.
    pub anchored: u64,
}

impl AuditSeals {
    /// Checks one chain, or all, against their keys, their heads and these anchors, and changes nothing. Every fault is
    /// told to `found`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. Whatever is wrong with the chains is no error but a fault.
    pub async fn verify(
        &self,
        only: Option<Scope>,
        anchors: &[Anchor],
        found: &mut (dyn FnMut(&Fault) + Send),
    ) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let mut report = |faults: Vec<Fault>| {
            faults.iter().for_each(&mut *found);
            faults.len() as u64
        };
        let (key, made_at) = match self.look_for_key().await {
            Ok(KeyState::Ready(key, made_at)) => (key, made_at),
            Ok(KeyState::None) if !self.has_seals().await? && anchors.is_empty() => return Ok(verified),
            Ok(KeyState::None) => {
                verified.faults = report(vec![general("the row that names the key of the audit chains was removed")]);
                return Ok(verified);
            }
            Ok(KeyState::Lost(reason)) | Err(StoreError::Corrupt(reason)) => {
                verified.faults = report(vec![general(reason)]);
                return Ok(verified);
            }
            Err(error) => return Err(error),
        };
        verified.faults += report(self.check_all_heads(&key, made_at).await?);
        let mut scopes = self.scopes().await?;
        for (index, anchor) in anchors.iter().enumerate() {
            if anchor.is_signed_with(&key) {
                // Also of an organization that is gone together with its chain.
                scopes.insert(anchor.scope());
            } else {
                let what = format!("anchor {} was not made with the key of these chains, or edited", index + 1);
                verified.faults += report(vec![general(what)]);
            }
        }
        for scope in scopes.into_iter().filter(|scope| only.is_none_or(|only| only == *scope)) {
            let own = anchors.iter().filter(|anchor| anchor.scope() == scope && anchor.is_signed_with(&key));
            let checked = self.check(&key, scope, &own.collect::<Vec<_>>()).await?;
            verified.faults += report(checked.faults);
            verified.anchored += checked.anchored;
            verified.chains.push(checked.state);
        }
        Ok(verified)
    }

    async fn has_seals(&self) -> Result<bool, StoreError> {
        let heads = self.tables.query(Table::AuditSeals, Query::partition(HEADS).limit(1)).await?;
        Ok(!heads.entities.is_empty())
    }

    /// Every chain is counted when it begins: one that is gone with its head leaves a gap.
    async fn check_all_heads(&self, key: &SealKey, made_at: DateTime<Utc>) -> Result<Vec<Fault>, StoreError> {
        let mut faults = Vec::new();
        let mut ordinals = BTreeSet::new();
        let mut count = None;
        for row in self.tables.query_all(Table::AuditSeals, Query::partition(HEADS)).await? {
            if row.row_key == COUNT {
                count = key.fits(Kind::Count, &row).then(|| rows::number(&row, "Count")).transpose()?;
            } else if key.fits(Kind::Head, &row) {
                let head = Head::read(&row)?;
                if !ordinals.insert(head.ordinal) {
                    let what = "its head has the number of another chain's: one was removed and begun anew";
                    faults.push(Fault { scope: Some(head.scope), what: what.to_owned() });
                }
            } else {
                // Told where its chain is checked; its number is not known.
                return Ok(faults);
            }
        }
        match count {
            // The first chain begins right after the key was made.
            None if ordinals.is_empty() && self.clock.now() - made_at <= GRACE => {}
            None if ordinals.is_empty() => {
                faults.push(general("every audit chain was removed; their key is still there"))
            }
            None => faults.push(general("the count of the audit chains was edited or removed")),
            Some(count) => {
                let gone = (1..=count).filter(|ordinal| !ordinals.contains(ordinal));
                faults.extend(gone.map(|ordinal| {
                    general(format!("chain {ordinal} of {count} is gone, head and all: a whole chain was removed"))
                }));
            }
        }
        Ok(faults)
    }
}

fn general(what: impl Into<String>) -> Fault {
    Fault { scope: None, what: what.into() }
}
