//! Sealing. A block goes first, the head that names it second: interrupted in between, the next sealer finds the block and
//! moves the head. Any number of sealers may work at once; of two with the same block one is refused and reads again.

use super::mac::{Kind, SealKey};
use super::marks::{Due, SETTLE};
use super::rows::{
    self, BLOCK_CHARACTERS, BLOCK_ROWS, Block, COUNT, HEADS, Head, Reach, SealedRow, Window, block_key, digest,
};
use super::{AuditSeals, GRACE};
use crate::repositories::{retry, write_over};
use crate::{Commit, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use msp_domain::ids::reverse_timestamp;
use std::collections::HashSet;
use std::future::{Ready, ready};

impl AuditSeals {
    /// Resolves once this process has written audit rows; at once if some are not sealed.
    pub async fn written(&self) {
        while self.marks.is_empty() {
            self.marks.set.notified().await;
        }
    }

    /// Seals what this process has written and is old enough; answers how many rows.
    ///
    /// # Errors
    /// [`StoreError`]; what could not be sealed is tried again the next time.
    pub async fn seal_due(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        self.seal(self.marks.take_due(now), now - SETTLE, &at_once).await
    }

    /// Seals everything this process has written: at its end, when nothing is being written any more.
    ///
    /// # Errors
    /// [`StoreError`]; a running server, or the next one, seals the rest.
    pub async fn seal_rest(&self) -> Result<u64, StoreError> {
        self.seal(self.marks.take_all(), self.clock.now(), &at_once).await
    }

    /// Seals what any process has written: what a killed one left behind, and what was there before there were chains. That
    /// may be hundreds of thousands of rows, so after each block it gives way to whoever else writes: for as long as
    /// `give_way` takes. Nothing is held meanwhile, and stopping there loses nothing.
    ///
    /// # Errors
    /// [`StoreError`]; safe to repeat.
    pub async fn seal_everything<W: Future<Output = ()>>(&self, give_way: impl Fn() -> W) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut due = Vec::new();
        for scope in self.scopes().await? {
            due.push(Due { scope, late_since: Some(now) });
        }
        self.seal(due, now - SETTLE, &give_way).await
    }

    /// Makes the key if there is none, so that sealing needs the store of secrets no more.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the key is lost.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.key().await.map(|_| ())
    }

    async fn seal<W: Future<Output = ()>>(
        &self,
        due: Vec<Due>,
        until: DateTime<Utc>,
        give_way: &impl Fn() -> W,
    ) -> Result<u64, StoreError> {
        let mut sealed = 0;
        let mut failure = None;
        for due in due {
            match retry(|| self.seal_scope(due, until, give_way)).await {
                Ok(rows) => sealed += rows,
                // The others are sealed all the same.
                Err(error) => {
                    self.marks.put_back(due, self.clock.now());
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(sealed), Err)
    }

    async fn seal_scope<W: Future<Output = ()>>(
        &self,
        due: Due,
        until: DateTime<Utc>,
        give_way: &impl Fn() -> W,
    ) -> Result<u64, StoreError> {
        let key = self.key().await?;
        let before = self.head(&key, due.scope).await?;
        let mut head = before.clone();
        loop {
            let through = head.reach.through;
            let Window { upto, rest } = match head.reach.window.clone() {
                // One that was interrupted is finished first.
                Some(window) => window,
                None if until > through => Window { upto: until, rest: key_of(until) },
                None => break,
            };
            let (rows, rest) = self.next_rows(&key, due.scope, &rest, &key_of(through), None).await?;
            if rows.is_empty() && head.reach.window.is_none() {
                break;
            }
            let reach = match rest {
                Some(rest) => Reach { through, window: Some(Window { upto, rest }) },
                None => Reach { through: upto, window: None },
            };
            head = self.append(&key, &head, reach, &rows).await?;
            give_way().await;
        }
        if let Some(since) = due.late_since {
            head = self.seal_late(&key, head, since, until, give_way).await?;
        }
        Ok(head.rows - before.rows)
    }

    /// Seals rows that appeared after newer ones had been sealed.
    async fn seal_late<W: Future<Output = ()>>(
        &self,
        key: &SealKey,
        mut head: Head,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        give_way: &impl Fn() -> W,
    ) -> Result<Head, StoreError> {
        // A clock may have been put back since: then what is late by it is far from late by the chain.
        let from = since.min(head.reach.through).min(head.sealed_at) - GRACE;
        let end = head.reach.through.min(until);
        if from >= end {
            return Ok(head);
        }
        let any = Query {
            row_from: Some(key_of(end)),
            row_before: Some(key_of(from)),
            limit: 1,
            ..Query::partition(head.scope.key())
        };
        if self.tables.query(Table::AuditLogs, any).await?.entities.is_empty() {
            return Ok(head);
        }
        let sealed = self.sealed_since(key, &head, from).await?;
        let (mut rest, before) = (Some(key_of(end)), key_of(from));
        while let Some(start) = rest {
            let (rows, next_rest) = self.next_rows(key, head.scope, &start, &before, Some(&sealed)).await?;
            if !rows.is_empty() {
                head = self.append(key, &head, head.reach.clone(), &rows).await?;
                give_way().await;
            }
            rest = next_rest;
        }
        Ok(head)
    }

    /// The rows of the next block, and where the following ones begin.
    async fn next_rows(
        &self,
        key: &SealKey,
        scope: Scope,
        from: &str,
        before: &str,
        but: Option<&HashSet<u128>>,
    ) -> Result<(Vec<SealedRow>, Option<String>), StoreError> {
        if from >= before {
            return Ok((Vec::new(), None));
        }
        let mut query = Query {
            row_from: Some(from.to_owned()),
            row_before: Some(before.to_owned()),
            limit: BLOCK_ROWS,
            ..Query::partition(scope.key())
        };
        let (mut rows, mut characters) = (Vec::new(), 0);
        loop {
            let page = self.tables.query(Table::AuditLogs, query.clone()).await?;
            for entity in page.entities {
                if but.is_some_and(|sealed| sealed.contains(&digest(&entity.row_key))) {
                    continue;
                }
                let row = SealedRow { mac: key.row_mac(&entity), key: entity.row_key };
                characters += row.characters();
                if rows.len() == BLOCK_ROWS || characters > BLOCK_CHARACTERS {
                    return Ok((rows, Some(row.key)));
                }
                rows.push(row);
            }
            match (page.continuation, rows.last()) {
                (None, _) => return Ok((rows, None)),
                (Some(_), Some(last)) if rows.len() == BLOCK_ROWS => {
                    let rest = after(&last.key);
                    return Ok((rows, Some(rest)));
                }
                (Some(next), _) => query.continuation = Some(next),
            }
        }
    }

    /// The keys of the rows in blocks that were sealed, or reach, at this instant or later, newest block first until an older
    /// one. Clocks are put back, and then a block that was sealed earlier holds rows of later.
    async fn sealed_since(
        &self,
        key: &SealKey,
        head: &Head,
        since: DateTime<Utc>,
    ) -> Result<HashSet<u128>, StoreError> {
        let mut sealed = HashSet::new();
        for seq in (1..=head.seq).rev() {
            let Some(block) = self.block(key, head.scope, seq).await? else { break };
            let reaches = block.reach.window.as_ref().map_or(block.reach.through, |window| window.upto);
            if block.sealed_at < since && reaches < since {
                break;
            }
            sealed.extend(block.rows.iter().map(|row| digest(&row.key)));
        }
        Ok(sealed)
    }

    /// Writes a block of these rows, if there are any, and the head; answers the head as it stands then.
    async fn append(&self, key: &SealKey, head: &Head, reach: Reach, rows: &[SealedRow]) -> Result<Head, StoreError> {
        let mut writes = Vec::new();
        let mut next = Head { reach, ..head.clone() };
        if !rows.is_empty() {
            let block = rows::new_block(key, head, rows, &next.reach, self.clock.now());
            next = head.moved_to(&rows::read_block(&block)?);
            writes.push((Table::AuditSeals, Write::Insert(block)));
        }
        writes.extend(self.head_writes(key, &mut next).await?);
        match self.tables.commit(Commit::of(writes)).await {
            Ok(()) => {
                self.sealed.send_replace(());
                self.head(key, head.scope).await
            }
            Err(StoreError::AlreadyExists | StoreError::PreconditionFailed) => {
                self.adopt(key, head).await?;
                Err(StoreError::PreconditionFailed)
            }
            Err(error) => Err(error),
        }
    }

    /// The head, and with a new one the count of all, so that a chain that is gone altogether is missed.
    async fn head_writes(&self, key: &SealKey, next: &mut Head) -> Result<Vec<TableWrite>, StoreError> {
        if let Some(etag) = next.etag.clone() {
            return Ok(vec![(Table::AuditSeals, Write::Replace(next.entity(key), IfMatch::Etag(etag)))]);
        }
        let counted = self.tables.get(Table::AuditSeals, HEADS, COUNT).await?;
        let count = match &counted {
            Some(row) if key.fits(Kind::Count, row) => rows::number(row, "Count")?,
            Some(_) => return Err(changed("the count of the audit chains")),
            None => 0,
        };
        next.ordinal = count + 1;
        let etag = counted.and_then(|row| row.etag);
        Ok(vec![
            (Table::AuditSeals, Write::Insert(next.entity(key))),
            (Table::AuditSeals, write_over(etag, rows::count_entity(key, next.ordinal))),
        ])
    }

    /// Moves the head on to a block whose sealer was interrupted before it could.
    async fn adopt(&self, key: &SealKey, seen: &Head) -> Result<(), StoreError> {
        let head = self.head(key, seen.scope).await?;
        if head.etag != seen.etag {
            return Ok(());
        }
        let Some(block) = self.block(key, head.scope, head.seq + 1).await? else { return Ok(()) };
        if block.prev_hash != head.hash {
            return Err(changed(&format!("block {} of the audit chain of {}", block.seq, head.scope.key())));
        }
        let writes = self.head_writes(key, &mut head.moved_to(&block)).await?;
        self.tables.commit(Commit::of(writes)).await
    }

    /// The head of a chain; of one that has not begun, the head before its first block.
    pub(super) async fn head(&self, key: &SealKey, scope: Scope) -> Result<Head, StoreError> {
        match self.tables.get(Table::AuditSeals, HEADS, &scope.key()).await? {
            Some(row) if key.fits(Kind::Head, &row) => Head::read(&row),
            Some(_) => Err(changed(&format!("the head of the audit chain of {}", scope.key()))),
            None => Ok(Head::begin(scope)),
        }
    }

    pub(super) async fn block(&self, key: &SealKey, scope: Scope, seq: u64) -> Result<Option<Block>, StoreError> {
        match self.tables.get(Table::AuditSeals, &scope.key(), &block_key(seq)).await? {
            Some(row) if key.fits(Kind::Block, &row) => rows::read_block(&row).map(Some),
            Some(_) => Err(changed(&format!("block {seq} of the audit chain of {}", scope.key()))),
            None => Ok(None),
        }
    }
}

/// Gives no way to others: where there are none, or there is little to seal.
pub fn at_once() -> Ready<()> {
    ready(())
}

/// The key from which on rows are of this instant or older.
fn key_of(instant: DateTime<Utc>) -> String {
    reverse_timestamp(u64::try_from(instant.timestamp_millis()).unwrap_or(0))
}

/// The key from which on rows come after this one: `-` sorts before every other character a key may have.
pub(super) fn after(row_key: &str) -> String {
    format!("{row_key}-")
}

fn changed(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} was changed by somebody else than this platform; run: msp audit verify"))
}
