//! The trail as it grows. Rows come in the order in which they were sealed, which has no gaps: also a row that became
//! visible after newer ones comes, once.

use super::AuditSeals;
use super::mac::{Kind, SealKey};
use super::rows::{COUNT, HEADS, Head};
use crate::repositories::audit::AuditRow;
use crate::{Query, StoreError, Table};
use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::Scope;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often other processes' seals are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Blocks may have been on their way when an earlier follower looked last: one who goes on looks back so far.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// Follows one chain or all.
pub struct Follower {
    seals: AuditSeals,
    only: Option<Scope>,
    /// Everything sealed until then has been given.
    since: DateTime<Utc>,
    /// The last block of each chain that was given.
    given: HashMap<Scope, u64>,
    /// Whether all chains there were have been looked at: one that comes later is given whole.
    has_begun: bool,
    sealed: watch::Receiver<()>,
}

impl AuditSeals {
    /// What is sealed from now on; or again from an instant at which an earlier follower stood, in which case rows of the
    /// seconds before may come once more.
    pub fn follow(&self, only: Option<Scope>, since: Option<DateTime<Utc>>) -> Follower {
        let since = since.map_or_else(|| self.clock.now(), |since| since - OVERLAP);
        Follower {
            seals: self.clone(),
            only,
            since,
            given: HashMap::new(),
            has_begun: false,
            sealed: self.sealed.subscribe(),
        }
    }
}

impl Follower {
    /// Where it stands, for one who goes on later.
    pub fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Resolves when there may be more.
    pub async fn moved(&mut self) {
        // Neither a closed channel nor silence is an end.
        let _ = timeout(LOOK_EVERY, self.sealed.changed()).await;
    }

    /// The rows of the next block of each chain that has one, oldest first; empty when there is nothing new.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a seal was changed.
    pub async fn next(&mut self) -> Result<Vec<AuditRow>, StoreError> {
        let key = self.seals.key().await?;
        let now = self.seals.clock.now();
        let (mut rows, mut is_behind) = (Vec::new(), false);
        for head in self.heads(&key).await? {
            let from = match self.given.get(&head.scope) {
                Some(seq) => *seq,
                None if self.has_begun => 0,
                None => self.seq_at(&key, &head).await?,
            };
            if from < head.seq {
                rows.extend(self.rows_of(&key, head.scope, from + 1).await?);
            }
            self.given.insert(head.scope, head.seq.min(from + 1).max(from));
            is_behind |= from + 1 < head.seq;
        }
        self.has_begun = true;
        rows.sort_by_key(|row| row.occurred_at);
        if !is_behind {
            self.since = self.since.max(now);
        }
        Ok(rows)
    }

    async fn heads(&self, key: &SealKey) -> Result<Vec<Head>, StoreError> {
        if let Some(scope) = self.only {
            return Ok(vec![self.seals.head(key, scope).await?]);
        }
        let query = Query { row_before: Some(COUNT.to_owned()), ..Query::partition(HEADS) };
        let rows = self.seals.tables.query_all(Table::AuditSeals, query).await?;
        rows.iter().filter(|row| key.fits(Kind::Head, row)).map(Head::read).collect()
    }

    /// The last block of a chain that was sealed before this follower began.
    async fn seq_at(&self, key: &SealKey, head: &Head) -> Result<u64, StoreError> {
        let mut seq = head.seq;
        if head.sealed_at < self.since {
            return Ok(seq);
        }
        while seq > 0 {
            match self.seals.block(key, head.scope, seq).await? {
                Some(block) if block.sealed_at >= self.since => seq -= 1,
                _ => break,
            }
        }
        Ok(seq)
    }

    async fn rows_of(&self, key: &SealKey, scope: Scope, seq: u64) -> Result<Vec<AuditRow>, StoreError> {
        let Some(block) = self.seals.block(key, scope, seq).await? else { return Ok(Vec::new()) };
        let mut rows = Vec::with_capacity(block.rows.len());
        for sealed in &block.rows {
            rows.extend(self.seals.audit.at(scope, &sealed.key).await?);
        }
        Ok(rows)
    }
}
