//! Pages of executions while rows arrive: whatever was there at the first page is seen exactly once, and nothing of anybody
//! else, whether the home has one order over all partitions or not.

use crate::support::TestHome;
use async_trait::async_trait;
use chrono::Duration;
use msp_domain::{Clock, ExecutionId, OrgId, Scope, UserId};
use msp_storage::repositories::executions::{Entry, ExecutionFilter, Started};
use msp_storage::{Commit, Entity, Etag, Page, Query, Repositories, StoreError, Table, TableStore, Write};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Histories that are tried.
const TRIES: u64 = 25;

/// Tables as Azure has them: no order over partitions.
struct Unordered(Arc<dyn TableStore>);

#[async_trait]
impl TableStore for Unordered {
    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.0.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.0.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        self.0.write(table, write).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.0.batch(table, writes).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.0.commit(commit).await
    }
}

/// Numbers by chance (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("few")]
    }
}

struct History {
    home: TestHome,
    /// What may be asked for, and then what nobody asks for.
    scopes: Vec<Scope>,
    users: Vec<UserId>,
    chance: Chance,
}

impl History {
    /// Puts some executions on record, most of them now, one or the other with an earlier start: clocks are set back.
    async fn grow(&mut self, most: u64) -> Vec<(ExecutionId, Scope, UserId)> {
        let mut new_ones = Vec::new();
        for _ in 0..self.chance.below(most + 1) {
            // Often several within one millisecond.
            self.home.clock.turn(Duration::milliseconds(i64::try_from(self.chance.below(3)).expect("small")));
            let (scope, user) = (self.chance.of(&self.scopes), self.chance.of(&self.users));
            let mut new = self.home.new_execution(scope, user);
            if self.chance.below(5) == 0 {
                new.started_at -= Duration::milliseconds(i64::try_from(self.chance.below(60)).expect("small"));
                new.id = ExecutionId::at(new.started_at);
            }
            let _ = self.home.insert(&new, &Entry::Queued).await;
            new_ones.push((new.id, scope, user));
        }
        new_ones
    }
}

#[tokio::test]
async fn what_was_there_at_the_first_page_is_seen_exactly_once_however_much_arrives_meanwhile() {
    let seed = std::env::var("PAGING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("repeat with PAGING_SEED={seed}");
    for number in 0..TRIES {
        let mut history = History {
            home: TestHome::new().await,
            scopes: std::iter::once(Scope::Global).chain((0..5).map(|_| Scope::Org(OrgId::random()))).collect(),
            users: vec![UserId::random(), UserId::random()],
            chance: Chance(seed.wrapping_add(number)),
        };
        let mut stores = history.home.home.stores.clone();
        if history.chance.below(2) == 0 {
            stores.tables = Arc::new(Unordered(stores.tables));
        }
        let repositories = Repositories::new(stores, Arc::clone(&history.home.clock) as Arc<dyn Clock>);
        let there = history.grow(60).await;
        let asked = &history.scopes[..2 + usize::try_from(history.chance.below(3)).expect("small")].to_vec();
        let there: Vec<_> = there.into_iter().filter(|(_, of, _)| asked.contains(of)).collect();
        let user = history.chance.of(&history.users);
        // Everything of these scopes; of one; of one user across all; with a filter that looks at every row.
        let filter = ExecutionFilter { executed_by: Some(user), ..ExecutionFilter::default() };
        let (lanes, expected): (Vec<_>, Vec<_>) = match history.chance.below(3) {
            0 => (asked.iter().map(|scope| (*scope, ExecutionFilter::default())).collect(), there.clone()),
            1 => {
                let scope = history.chance.of(asked);
                let of_scope = there.iter().filter(|(_, of, _)| *of == scope).copied().collect();
                (vec![(scope, ExecutionFilter::default())], of_scope)
            }
            _ => {
                let of_user = there.iter().filter(|(_, _, of)| *of == user).copied().collect();
                (asked.iter().map(|scope| (*scope, filter.clone())).collect(), of_user)
            }
        };
        let limit = 1 + usize::try_from(history.chance.below(9)).expect("small");
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = repositories.executions.list(lanes.clone(), Started::default(), cursor.as_deref(), limit).await;
            let page = page.expect("a page");
            assert!(page.items.iter().all(|execution| lanes.iter().any(|(scope, _)| *scope == execution.scope)));
            seen.extend(page.items.iter().map(|execution| (execution.started_at, execution.id)));
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next);
            let _ = history.grow(4).await;
        }
        let label = format!("seed {seed}, history {number}");
        let ids: HashSet<ExecutionId> = seen.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), seen.len(), "{label}: something is seen twice");
        for (id, _, _) in expected {
            assert!(ids.contains(&id), "{label}: {id} is never seen");
        }
        assert!(seen.is_sorted_by(|(a, _), (b, _)| a >= b), "{label}: not newest first");
    }
}
