//! Retention of the audit trail: whole sealed blocks go, oldest first, and a signed checkpoint says so. The checkpoint is
//! written before anything is removed, so whatever is missing without one was removed by somebody else.

use super::AuditSeals;
use super::check::time_of;
use super::mac::{Kind, SealKey};
use super::rows::{self, Block, CHECKPOINT, Checkpoint, block_key};
use crate::repositories::audit::AuditDraft;
use crate::repositories::{Actor, retry, write_over};
use crate::{Commit, Etag, IfMatch, Query, StoreError, Table, Write, limits};
use chrono::{DateTime, SecondsFormat, Utc};
use msp_domain::Scope;
use serde_json::json;

/// Fewest days audit rows must be kept.
pub const MIN_AUDIT_DAYS: u32 = 365;
/// Blocks that go with one checkpoint: about 15,000 rows, whose keys are in memory meanwhile.
const BLOCKS_AT_ONCE: usize = 50;

impl AuditSeals {
    /// Removes what was sealed and happened before this instant, of every chain; answers how many rows. The last block of a
    /// chain stays.
    ///
    /// # Errors
    /// [`StoreError`]; safe to repeat, and what an interrupted call left is removed by the next.
    pub async fn remove_before(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let key = self.key().await?;
        let mut removed = 0;
        for scope in self.scopes().await? {
            loop {
                self.remove_checked_off(&key, scope).await?;
                match retry(|| self.check_off(&key, scope, before)).await? {
                    0 => break,
                    rows => removed += rows,
                }
            }
        }
        Ok(removed)
    }

    /// The checkpoint of a chain with its version; a row that was changed is none.
    pub(super) async fn checkpoint(
        &self,
        key: &SealKey,
        scope: Scope,
    ) -> Result<Option<(Checkpoint, Option<Etag>)>, StoreError> {
        match self.tables.get(Table::AuditSeals, &scope.key(), CHECKPOINT).await? {
            Some(row) if key.fits(Kind::Checkpoint, &row) => Ok(Some((Checkpoint::read(&row)?, row.etag))),
            Some(_) => Err(StoreError::Corrupt(format!("the checkpoint of {} was changed", scope.key()))),
            None => Ok(None),
        }
    }

    /// Writes the checkpoint of the next blocks that are old enough, with its audit row; answers how many rows they seal.
    async fn check_off(&self, key: &SealKey, scope: Scope, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let (earlier, etag) = self.checkpoint(key, scope).await?.unzip();
        let start = earlier.as_ref().map_or(0, |checkpoint| checkpoint.through_seq);
        let last = self.head(key, scope).await?.seq;
        if last <= start + 1 {
            return Ok(0);
        }
        let query = Query {
            row_from: Some(block_key(start + 1)),
            row_before: Some(block_key(last)),
            limit: BLOCKS_AT_ONCE,
            ..Query::partition(scope.key())
        };
        let page = self.tables.query(Table::AuditSeals, query).await?;
        let mut checkpoint = earlier.clone();
        for entity in page.entities {
            let (expected, prev) =
                checkpoint.as_ref().map_or((1, ""), |last| (last.through_seq + 1, last.hash.as_str()));
            let block = rows::read_block(&entity)?;
            // What does not follow is left for `msp audit verify` to find.
            let is_sound = key.fits(Kind::Block, &entity) && block.seq == expected && block.prev_hash == prev;
            if !is_sound || !is_before(&block, before) {
                break;
            }
            checkpoint = Some(Checkpoint {
                through_seq: block.seq,
                rows: checkpoint.map_or(0, |last| last.rows) + block.rows.len() as u64,
                hash: block.hash,
                removed_at: self.clock.now(),
            });
        }
        let Some(checkpoint) = checkpoint.filter(|last| last.through_seq > start) else { return Ok(0) };
        let rows = checkpoint.rows - earlier.map_or(0, |earlier| earlier.rows);
        let details = json!({
            "before": before.to_rfc3339_opts(SecondsFormat::Secs, true),
            "blocks": [start + 1, checkpoint.through_seq],
            "rows": rows,
        });
        let draft = AuditDraft::new(scope, &Actor::PLATFORM, "Audit.Remove", scope.key(), details);
        let writes =
            vec![(Table::AuditSeals, write_over(etag.flatten(), checkpoint.entity(key, scope))), self.audit.row(draft)];
        self.tables.commit(Commit::of(writes)).await?;
        Ok(rows)
    }

    /// Removes what a checkpoint covers: rows first, so that no row outlives the block that seals it.
    async fn remove_checked_off(&self, key: &SealKey, scope: Scope) -> Result<(), StoreError> {
        let Some((checkpoint, _)) = self.checkpoint(key, scope).await? else { return Ok(()) };
        let end = block_key(checkpoint.through_seq + 1);
        let mut query = Query { row_before: Some(end), limit: BLOCKS_AT_ONCE, ..Query::partition(scope.key()) };
        loop {
            let page = self.tables.query(Table::AuditSeals, query.clone()).await?;
            for entity in &page.entities {
                let block = rows::read_block(entity)?;
                let keys: Vec<_> = block.rows.iter().map(|row| row.key.as_str()).collect();
                for keys in keys.chunks(limits::MAX_BATCH_WRITES) {
                    self.remove(Table::AuditLogs, scope, keys).await?;
                }
                self.remove(Table::AuditSeals, scope, &[entity.row_key.as_str()]).await?;
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn remove(&self, table: Table, scope: Scope, row_keys: &[&str]) -> Result<(), StoreError> {
        let delete = |row_key: &&str| Write::delete(scope.key(), *row_key, IfMatch::Any);
        match self.tables.batch(table, row_keys.iter().map(delete).collect()).await {
            // An earlier attempt removed some of them.
            Err(StoreError::NotFound) => {
                for row_key in row_keys {
                    match self.tables.write(table, delete(row_key)).await {
                        Ok(_) | Err(StoreError::NotFound) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            outcome => outcome,
        }
    }
}

fn is_before(block: &Block, before: DateTime<Utc>) -> bool {
    block.sealed_at < before && block.rows.iter().all(|row| time_of(&row.key).is_none_or(|time| time < before))
}
