//! The check of one chain: its blocks against each other, its head and the anchors that were kept, then every audit row
//! against the blocks. Rows are held as 48 bytes each meanwhile, of one chain at a time.

use super::anchors::Anchor;
use super::mac::{Kind, SealKey};
use super::rows::{self, BLOCK_ROWS, CHECKPOINT, HEADS, Head, block_key, digest};
use super::verify::{ChainState, Fault};
use super::{AuditSeals, GRACE};
use crate::{Entity, Query, StoreError, Table};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use msp_domain::ids::millis_of;
use std::collections::BTreeMap;

/// Blocks read at once; each may have 64 KiB.
const BLOCKS_AT_ONCE: usize = 50;

/// A row as a block names it.
struct Sealed {
    key: u128,
    mac: u128,
    seq: u64,
    is_there: bool,
}

/// One chain while it is checked.
struct Check<'a> {
    key: &'a SealKey,
    scope: Scope,
    anchors: &'a [&'a Anchor],
    /// The block that must come next, and the code it must follow.
    expected: u64,
    prev: String,
    /// Blocks up to this one are being removed by retention.
    removed_through: u64,
    sealed: Vec<Sealed>,
    faults: Vec<Fault>,
    anchored: u64,
}

/// What the check of a chain has found.
pub(super) struct Checked {
    pub state: ChainState,
    pub faults: Vec<Fault>,
    /// Anchors that were compared; the others are older than what retention has removed.
    pub anchored: u64,
}

impl AuditSeals {
    /// Checks one chain. When retention removes something meanwhile, it is checked once more.
    pub(super) async fn check(&self, key: &SealKey, scope: Scope, anchors: &[&Anchor]) -> Result<Checked, StoreError> {
        loop {
            let before = self.tables.get(Table::AuditSeals, &scope.key(), CHECKPOINT).await?;
            let checked = self.check_once(key, scope, anchors).await?;
            let after = self.tables.get(Table::AuditSeals, &scope.key(), CHECKPOINT).await?;
            if before == after || checked.faults.is_empty() {
                return Ok(checked);
            }
        }
    }

    async fn check_once(&self, key: &SealKey, scope: Scope, anchors: &[&Anchor]) -> Result<Checked, StoreError> {
        let mut check = Check {
            key,
            scope,
            anchors,
            expected: 1,
            prev: String::new(),
            removed_through: 0,
            sealed: Vec::new(),
            faults: Vec::new(),
            anchored: 0,
        };
        let checkpoint = match self.checkpoint(key, scope).await {
            Ok(checkpoint) => checkpoint.map(|(checkpoint, _)| checkpoint),
            Err(StoreError::Corrupt(_)) => {
                check.fault("its checkpoint was edited".to_owned());
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(checkpoint) = &checkpoint {
            check.removed_through = checkpoint.through_seq;
            check.expected = checkpoint.through_seq + 1;
            checkpoint.hash.clone_into(&mut check.prev);
            check.compare_anchors(checkpoint.through_seq, &checkpoint.hash);
        }
        self.check_blocks(&mut check, 0).await?;
        let head = self.check_head(&mut check).await?;
        check.look_for_later_anchors();
        let (unsealed, unsealed_since) = self.check_rows(&mut check, &head).await?;
        self.report_removed_rows(&mut check).await?;
        let state = ChainState {
            scope,
            blocks: check.expected - 1,
            rows: check.sealed.len() as u64,
            unsealed,
            unsealed_since,
            checkpoint,
        };
        Ok(Checked { state, faults: check.faults, anchored: check.anchored })
    }

    async fn check_blocks(&self, check: &mut Check<'_>, from: u64) -> Result<(), StoreError> {
        let mut query = Query {
            row_from: Some(block_key(from)),
            row_before: Some(CHECKPOINT.to_owned()),
            limit: BLOCKS_AT_ONCE,
            ..Query::partition(check.scope.key())
        };
        loop {
            let page = self.tables.query(Table::AuditSeals, query.clone()).await?;
            for entity in &page.entities {
                check.block(entity);
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn check_head(&self, check: &mut Check<'_>) -> Result<Head, StoreError> {
        let begin = Head::begin(check.scope);
        let Some(row) = self.tables.get(Table::AuditSeals, HEADS, &check.scope.key()).await? else {
            if check.expected > 1 {
                check.fault(format!("it has {} blocks and no head: the head was removed", check.expected - 1));
            }
            return Ok(begin);
        };
        let Some(head) = check.key.fits(Kind::Head, &row).then(|| Head::read(&row)).transpose()? else {
            check.fault("its head was edited".to_owned());
            return Ok(begin);
        };
        if head.seq >= check.expected {
            // Sealed since the blocks were read?
            self.check_blocks(check, check.expected).await?;
        }
        let last = check.expected - 1;
        if head.seq > last {
            check.fault(format!("blocks {} to {} were cut off its end", last + 1, head.seq));
        } else if head.seq == last && head.hash != check.prev {
            check.fault(format!("its head names another block {last} than the one that is there"));
        } else if last > head.seq + 1 && last > self.head(check.key, check.scope).await?.seq + 1 {
            // One block more is what an interrupted sealer leaves, and the head may have moved since it was read.
            check.fault(format!("its head names block {}, but there are {last}: it was put back", head.seq));
        }
        Ok(head)
    }

    /// Every audit row of the scope against the blocks; answers how many are not sealed yet, and since when.
    async fn check_rows(&self, check: &mut Check<'_>, head: &Head) -> Result<(u64, Option<DateTime<Utc>>), StoreError> {
        check.sealed.sort_unstable_by_key(|sealed| sealed.key);
        let live_from = head.reach.through.min(head.sealed_at).min(self.clock.now()) - GRACE;
        let (mut unsealed, mut since) = (0, None::<DateTime<Utc>>);
        let mut query = Query { limit: BLOCK_ROWS, ..Query::partition(check.scope.key()) };
        loop {
            let page = self.tables.query(Table::AuditLogs, query.clone()).await?;
            for row in &page.entities {
                if check.row(row) {
                    continue;
                }
                match time_of(&row.row_key).filter(|time| *time >= live_from) {
                    Some(time) => {
                        unsealed += 1;
                        since = Some(since.map_or(time, |since| since.min(time)));
                    }
                    None => check.fault(format!(
                        "row {} ({}) is in no block: it was inserted, or its block was removed",
                        row.row_key,
                        row.text("Action").unwrap_or("without action")
                    )),
                }
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok((unsealed, since)),
            }
        }
    }

    /// Names the rows that blocks seal and that are not there, block by block.
    async fn report_removed_rows(&self, check: &mut Check<'_>) -> Result<(), StoreError> {
        let mut removed: BTreeMap<u64, Vec<u128>> = BTreeMap::new();
        for sealed in check.sealed.iter().filter(|row| !row.is_there && row.seq > check.removed_through) {
            removed.entry(sealed.seq).or_default().push(sealed.key);
        }
        for (seq, keys) in removed {
            let entity = self.tables.get(Table::AuditSeals, &check.scope.key(), &block_key(seq)).await?;
            let Some(block) = entity.as_ref().map(rows::read_block).transpose()? else { continue };
            for row in block.rows.iter().filter(|row| keys.contains(&digest(&row.key))) {
                check.fault(format!("row {} was removed after it was sealed in block {seq}", row.key));
            }
        }
        Ok(())
    }
}

impl Check<'_> {
    fn fault(&mut self, what: String) {
        self.faults.push(Fault { scope: Some(self.scope), what });
    }

    fn block(&mut self, entity: &Entity) {
        let Ok(seq) = entity.row_key.parse::<u64>() else {
            return self.fault(format!("`{}` is no block: it was inserted", entity.row_key));
        };
        let block = rows::read_block(entity);
        if let Ok(block) = &block {
            // Also of a block that was edited: the code of a row cannot be made up, and the row it is of is told apart.
            self.sealed.extend(block.rows.iter().map(|row| Sealed {
                key: digest(&row.key),
                mac: mac_of(&row.mac),
                seq,
                is_there: false,
            }));
        }
        if seq <= self.removed_through {
            return;
        }
        if seq > self.expected {
            let missing = match seq - self.expected {
                1 => format!("block {} was removed", self.expected),
                _ => format!("blocks {} to {} were removed", self.expected, seq - 1),
            };
            self.fault(missing);
        }
        match block {
            Ok(block) if self.key.fits(Kind::Block, entity) => {
                if seq == self.expected && block.prev_hash != self.prev {
                    self.fault(format!("block {seq} does not follow the block before it: one of them was replaced"));
                }
                self.compare_anchors(seq, &block.hash);
                self.prev = block.hash;
            }
            _ => {
                self.fault(format!("block {seq} was edited"));
                self.prev = entity.text_opt(super::mac::MAC).ok().flatten().unwrap_or_default().to_owned();
            }
        }
        self.expected = seq + 1;
    }

    fn compare_anchors(&mut self, seq: u64, hash: &str) {
        let anchors: Vec<&Anchor> = self.anchors.iter().copied().filter(|anchor| anchor.seq == seq).collect();
        self.anchored += anchors.len() as u64;
        for anchor in anchors.iter().filter(|anchor| anchor.hash != hash) {
            self.fault(format!(
                "block {seq} is not the one of the anchor of {:?}: it was replaced",
                anchor.exported_at
            ));
        }
    }

    /// A chain only grows: what was its end once is in it.
    fn look_for_later_anchors(&mut self) {
        let last = self.expected - 1;
        for anchor in self.anchors.iter().filter(|anchor| anchor.seq > last) {
            self.anchored += 1;
            self.fault(format!(
                "it ended at block {} when the anchor of {:?} was made, and ends at block {last} now: it was cut, or an \
                 older backup was restored",
                anchor.seq, anchor.exported_at
            ));
        }
    }

    /// Whether a block seals the row; one that was edited is a fault of its own.
    fn row(&mut self, row: &Entity) -> bool {
        let key = digest(&row.row_key);
        let start = self.sealed.partition_point(|sealed| sealed.key < key);
        let end = start + self.sealed[start..].partition_point(|sealed| sealed.key == key);
        if start == end {
            return false;
        }
        let mac = mac_of(&self.key.row_mac(row));
        let sealed = &mut self.sealed[start..end];
        sealed.iter_mut().for_each(|sealed| sealed.is_there = true);
        if !sealed.iter().any(|sealed| sealed.mac == mac) {
            let seq = sealed[0].seq;
            self.fault(format!("row {} was edited after it was sealed in block {seq}", row.row_key));
        }
        true
    }
}

/// The code of a row as a number; one that is none fits no row.
fn mac_of(text: &str) -> u128 {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    bytes.try_into().map_or(0, u128::from_be_bytes)
}

/// The time of an audit row, as its key has it.
pub(super) fn time_of(row_key: &str) -> Option<DateTime<Utc>> {
    let millis = millis_of(row_key.split('_').next()?)?;
    DateTime::from_timestamp_millis(i64::try_from(millis).ok()?)
}
