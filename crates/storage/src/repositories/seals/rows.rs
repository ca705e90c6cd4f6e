//! The rows of a chain: blocks, heads, their count, checkpoints.

use super::mac::{Kind, MAC, SealKey};
use crate::{Entity, Etag, StoreError};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use sha2::{Digest as _, Sha256};

/// The partition of the heads of all chains.
pub(super) const HEADS: &str = "HEAD";
/// The row beside them that says how many there are; scopes sort before it.
pub(super) const COUNT: &str = "~count";
/// The row of a chain's partition that says what retention has removed; blocks sort before it.
pub(super) const CHECKPOINT: &str = "~checkpoint";
/// Most rows of a block, and most characters of their list: one property holds it (Azure ends at 32 Ki characters).
pub(super) const BLOCK_ROWS: usize = 300;
pub(super) const BLOCK_CHARACTERS: usize = 30_000;

/// An audit row as a block names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealedRow {
    pub key: String,
    pub mac: String,
}

impl SealedRow {
    /// Characters it takes in a block.
    pub(super) fn characters(&self) -> usize {
        self.key.len() + self.mac.len() + 2
    }
}

/// A key of any length in sixteen bytes.
pub(super) fn digest(key: &str) -> u128 {
    let hash = Sha256::digest(key.as_bytes());
    hash.iter().take(16).fold(0, |digest, byte| (digest << 8) | u128::from(*byte))
}

/// A block: which audit rows it seals and what it follows. It says how far the chain reaches with it, so that a head whose
/// sealer was interrupted follows from its block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub seq: u64,
    pub prev_hash: String,
    pub rows: Vec<SealedRow>,
    pub reach: Reach,
    pub sealed_at: DateTime<Utc>,
    pub hash: String,
}

/// Where a block stands.
pub(super) fn block_key(seq: u64) -> String {
    format!("{seq:010}")
}

/// The entity of a block, signed.
pub(super) fn new_block(
    key: &SealKey,
    head: &Head,
    rows: &[SealedRow],
    reach: &Reach,
    sealed_at: DateTime<Utc>,
) -> Entity {
    let list: String = rows.iter().map(|row| format!("{} {}\n", row.key, row.mac)).collect();
    let entity = Entity::new(head.scope.key(), block_key(head.seq + 1))
        .with("Seq", to_int(head.seq + 1))
        .with("PrevHash", head.hash.as_str())
        .with("RowCount", to_int(rows.len() as u64))
        .with("Rows", list)
        .with("SealedAt", sealed_at);
    key.signed(Kind::Block, reach.written(entity))
}

pub(super) fn read_block(entity: &Entity) -> Result<Block, StoreError> {
    let rows = entity.text("Rows")?.lines().map(|line| {
        let (key, mac) = line.split_once(' ')?;
        Some(SealedRow { key: key.to_owned(), mac: mac.to_owned() })
    });
    let rows: Option<Vec<_>> = rows.collect();
    Ok(Block {
        seq: number(entity, "Seq")?,
        prev_hash: entity.text("PrevHash")?.to_owned(),
        rows: rows.ok_or_else(|| StoreError::Corrupt(format!("the block {} lists no rows", entity.row_key)))?,
        reach: Reach::read(entity)?,
        sealed_at: entity.instant("SealedAt")?,
        hash: entity.text(MAC)?.to_owned(),
    })
}

/// A stretch of time that is being sealed, newest rows first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// Its end; its start is where the chain got to before.
    pub upto: DateTime<Utc>,
    /// The row key from which on it has not been looked at.
    pub rest: String,
}

/// How far in time a chain reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// Rows up to this instant have been looked at; those that appear later are late.
    pub through: DateTime<Utc>,
    /// What is being sealed beyond that.
    pub window: Option<Window>,
}

impl Reach {
    fn written(&self, entity: Entity) -> Entity {
        entity
            .with("Through", self.through)
            .with_some("WindowUpto", self.window.as_ref().map(|window| window.upto))
            .with_some("WindowRest", self.window.as_ref().map(|window| window.rest.as_str()))
    }

    fn read(entity: &Entity) -> Result<Self, StoreError> {
        let window = match (entity.instant_opt("WindowUpto")?, entity.text_opt("WindowRest")?) {
            (Some(upto), Some(rest)) => Some(Window { upto, rest: rest.to_owned() }),
            _ => None,
        };
        Ok(Self { through: entity.instant("Through")?, window })
    }
}

/// The end of a chain.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub scope: Scope,
    /// Which chain of the installation it is, counted from 1 without a gap.
    pub ordinal: u64,
    /// Its last block; 0 before the first.
    pub seq: u64,
    /// The code of that block.
    pub hash: String,
    /// Rows that were sealed since it began.
    pub rows: u64,
    pub reach: Reach,
    pub sealed_at: DateTime<Utc>,
    pub etag: Option<Etag>,
}

impl Head {
    pub(super) fn begin(scope: Scope) -> Self {
        Self {
            scope,
            ordinal: 0,
            seq: 0,
            hash: String::new(),
            rows: 0,
            reach: Reach { through: DateTime::UNIX_EPOCH, window: None },
            sealed_at: DateTime::UNIX_EPOCH,
            etag: None,
        }
    }

    /// The head after a block that follows it.
    pub(super) fn moved_to(&self, block: &Block) -> Self {
        Self {
            seq: block.seq,
            hash: block.hash.clone(),
            rows: self.rows + block.rows.len() as u64,
            reach: block.reach.clone(),
            sealed_at: block.sealed_at,
            ..self.clone()
        }
    }

    pub(super) fn entity(&self, key: &SealKey) -> Entity {
        let entity = Entity::new(HEADS, self.scope.key())
            .with("Ordinal", to_int(self.ordinal))
            .with("Seq", to_int(self.seq))
            .with("Hash", self.hash.as_str())
            .with("RowCount", to_int(self.rows))
            .with("SealedAt", self.sealed_at);
        key.signed(Kind::Head, self.reach.written(entity))
    }

    pub(super) fn read(entity: &Entity) -> Result<Self, StoreError> {
        let scope = Scope::from_key(&entity.row_key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Self {
            scope,
            ordinal: number(entity, "Ordinal")?,
            seq: number(entity, "Seq")?,
            hash: entity.text("Hash")?.to_owned(),
            rows: number(entity, "RowCount")?,
            reach: Reach::read(entity)?,
            sealed_at: entity.instant("SealedAt")?,
            etag: entity.etag.clone(),
        })
    }
}

/// How many chains there are.
pub(super) fn count_entity(key: &SealKey, count: u64) -> Entity {
    key.signed(Kind::Count, Entity::new(HEADS, COUNT).with("Count", to_int(count)))
}

/// What retention has removed of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last block that was removed.
    pub through_seq: u64,
    /// Its code, which the next block follows.
    pub hash: String,
    /// Rows that went with these blocks.
    pub rows: u64,
    /// When.
    pub removed_at: DateTime<Utc>,
}

impl Checkpoint {
    pub(super) fn entity(&self, key: &SealKey, scope: Scope) -> Entity {
        let entity = Entity::new(scope.key(), CHECKPOINT)
            .with("ThroughSeq", to_int(self.through_seq))
            .with("Hash", self.hash.as_str())
            .with("RowCount", to_int(self.rows))
            .with("RemovedAt", self.removed_at);
        key.signed(Kind::Checkpoint, entity)
    }

    pub(super) fn read(entity: &Entity) -> Result<Self, StoreError> {
        Ok(Self {
            through_seq: number(entity, "ThroughSeq")?,
            hash: entity.text("Hash")?.to_owned(),
            rows: number(entity, "RowCount")?,
            removed_at: entity.instant("RemovedAt")?,
        })
    }
}

pub(super) fn number(entity: &Entity, name: &str) -> Result<u64, StoreError> {
    u64::try_from(entity.int(name)?)
        .map_err(|_| StoreError::Corrupt(format!("`{name}` of {} is negative", entity.row_key)))
}

pub(super) fn to_int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
