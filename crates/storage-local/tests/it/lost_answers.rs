//! A store whose answers get lost: writes that took place and seem to have failed, and writes that did fail. Whoever
//! repeats them must end where an undisturbed caller ends.

use crate::support::{TestHome, execute_audit};
use async_trait::async_trait;
use chrono::Duration;
use msp_domain::{Clock, ExecutionStatus, LogLevel, LogLine, Scope, UserId};
use msp_storage::repositories::executions::{Ending, Entry};
use msp_storage::{
    Commit, Entity, Etag, ExecutionPointer, Page, Query, Repositories, StoreError, Table, TableStore, Write,
};
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// Histories that are tried; each takes some milliseconds.
const TRIES: u64 = 150;

/// Passes everything on and loses answers by chance.
struct Lossy {
    tables: Arc<dyn TableStore>,
    chance: Mutex<u64>,
}

impl Lossy {
    /// A number below `limit` (SplitMix64).
    fn below(&self, limit: u64) -> u64 {
        let mut state = self.chance.lock().expect("not poisoned");
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    async fn lose<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.below(4) {
            0 => Err(StoreError::unavailable("the request was lost")),
            1 => {
                write.await?;
                Err(StoreError::unavailable("the answer was lost"))
            }
            _ => write.await,
        }
    }
}

#[async_trait]
impl TableStore for Lossy {
    fn commits_whole(&self) -> bool {
        self.tables.commits_whole()
    }

    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        self.lose(self.tables.write(table, write)).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.lose(self.tables.batch(table, writes)).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.lose(self.tables.commit(commit)).await
    }

    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        self.lose(self.tables.commit_etags(commit)).await
    }
}

/// Repeats a call as long as its outcome is not known.
async fn certain<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    loop {
        match call().await {
            Err(StoreError::Unavailable(_)) => {}
            outcome => return outcome,
        }
    }
}

#[tokio::test]
async fn every_write_of_an_execution_may_be_repeated_when_its_answer_was_lost() {
    let seed = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("repeat with FAULT_SEED={seed}");
    let home = TestHome::new().await;
    let lossy = Arc::new(Lossy { tables: home.home.stores.tables.clone(), chance: Mutex::new(seed) });
    let mut stores = home.home.stores.clone();
    stores.tables = Arc::clone(&lossy) as Arc<dyn TableStore>;
    let executions = Repositories::new(stores, Arc::clone(&home.clock) as Arc<dyn Clock>).executions;
    for number in 1..=TRIES {
        home.clock.turn(Duration::seconds(1));
        let new = home.new_execution(Scope::Global, UserId::random());
        let queued = lossy.below(2) == 0;
        let claimed = Entry::Claimed { owner: "boot-1".into(), deadline_at: new.started_at };
        let entry = if queued { Entry::Queued } else { claimed };
        let insert = async || executions.insert(&new, &entry, Vec::new(), execute_audit(&new)).await;
        let mut run = certain(insert).await.expect("recorded");
        if queued {
            let pointer = ExecutionPointer { scope: new.scope, execution_id: new.id };
            let mut again = false;
            let claim = async || {
                let again = mem::replace(&mut again, true);
                executions.claim(pointer, "boot-1", "b2", new.started_at, Vec::new(), again).await
            };
            let claimed = certain(claim).await.expect("asked");
            run = claimed.unwrap_or_else(|| panic!("seed {seed}, execution {number}: a claim got lost"));
        }
        let mut through = 0;
        for _ in 0..lossy.below(4) {
            let lines: Vec<LogLine> = (through + 1..=through + 1 + lossy.below(3))
                .map(|seq| LogLine {
                    seq,
                    at: home.clock.now(),
                    level: LogLevel::Info,
                    source: "print".into(),
                    message: format!("line {seq}"),
                    step: None,
                })
                .collect();
            through = lines.last().expect("at least one").seq;
            certain(async || executions.append_logs(&run, &lines).await).await.expect("logged");
            // Progress that fails is not repeated: the next one carries it.
            let _ = executions.update_progress(&mut run, Some(50.0), Some("half"), through).await;
        }
        let ending = Ending {
            status: ExecutionStatus::Success,
            result_json: Some(format!("{{\"number\":{number}}}")),
            error_type: None,
            error_message: None,
            completed_at: home.clock.now(),
            logs_through: through,
        };
        let ended = certain(async || executions.finish(&run, &ending).await).await;
        let ended = ended.unwrap_or_else(|error| panic!("seed {seed}, execution {number}: {error}"));

        let stored = home.repositories.executions.get(new.scope, new.id).await.expect("read").expect("on record");
        assert_eq!(stored, ended, "seed {seed}, execution {number}");
        assert_eq!((stored.status, stored.epoch), (ExecutionStatus::Success, 1), "seed {seed}, execution {number}");
        let log = home.repositories.executions.logs(new.id, 0, 100).await.expect("read");
        let seqs: Vec<u64> = log.iter().map(|line| line.seq).collect();
        assert_eq!(seqs, (1..=through).collect::<Vec<_>>(), "seed {seed}, execution {number}");
    }
    let tries = usize::try_from(TRIES).expect("few");
    assert_eq!(home.audited(Scope::Global).await.len(), tries, "seed {seed}: one audit row each");
    assert!(
        home.repositories.executions.unended(None).await.expect("read").is_empty(),
        "seed {seed}: something is left"
    );
}
