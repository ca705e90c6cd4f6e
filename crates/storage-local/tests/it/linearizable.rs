//! Claims, cancellations, progress, endings and reads of one execution by many at once: whatever each was answered, there is
//! an order of all of them, within the times at which each was under way, in which a single client would have been answered
//! the same (linearizability, Herlihy and Wing 1990). Nobody's run is claimed twice or ended twice, and nobody reads the past.

use crate::support::TestHome;
use chrono::{DateTime, Duration, Utc};
use msp_domain::{Clock, ExecutionStatus, Scope, UserId};
use msp_storage::repositories::Actor;
use msp_storage::repositories::audit::AuditDraft;
use msp_storage::repositories::executions::{Ending, Entry, Execution, Executions};
use msp_storage::{ExecutionPointer, StoreError};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Executions that are fought over.
const ROUNDS: u64 = 60;
const CLIENTS: u64 = 5;
/// Operations of each client in one round. All of a round together fit into the bits of a set.
const OPERATIONS: u64 = 6;

/// What was done and answered.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    /// By this client; whether it got it.
    Claim(u64, bool),
    /// Of a pending execution as cancelled; whether it ended.
    Cancel(u64, bool),
    /// One percent more, by whoever claimed it; whether it was written.
    Progress(u64, bool),
    /// By whoever claimed it; whether it ended.
    Finish(u64, bool),
    Read(State),
}

/// The execution as a single client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    status: ExecutionStatus,
    epoch: u32,
    owner: Option<u64>,
    percent: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Operation {
    began: u64,
    ended: u64,
    event: Event,
}

impl State {
    const PENDING: Self = Self { status: ExecutionStatus::Pending, epoch: 0, owner: None, percent: None };

    /// The state after an event; `None` when a single client would not have been answered so.
    fn after(self, event: Event) -> Option<Self> {
        let owned_by = |client| self.status == ExecutionStatus::Running && self.owner == Some(client);
        let (possible, changed, next) = match event {
            Event::Claim(client, changed) => (
                self.status == ExecutionStatus::Pending,
                changed,
                Self { status: ExecutionStatus::Running, epoch: self.epoch + 1, owner: Some(client), ..self },
            ),
            Event::Cancel(_, changed) => {
                (self.status == ExecutionStatus::Pending, changed, Self { status: ExecutionStatus::Cancelled, ..self })
            }
            Event::Progress(client, changed) => {
                (owned_by(client), changed, Self { percent: Some(self.percent.unwrap_or(0) + 1), ..self })
            }
            Event::Finish(client, changed) => {
                (owned_by(client), changed, Self { status: ExecutionStatus::Success, ..self })
            }
            Event::Read(seen) => return (seen == self).then_some(self),
        };
        match (possible, changed) {
            (true, true) => Some(next),
            (false, false) => Some(self),
            (true, false) | (false, true) => None,
        }
    }
}

/// Whether there is such an order. `done` is the set of operations that are in it already.
fn has_order(history: &[Operation], state: State, done: u64, seen: &mut HashSet<(u64, State)>) -> bool {
    if done.count_ones() as usize == history.len() {
        return true;
    }
    if !seen.insert((done, state)) {
        return false;
    }
    let open = || history.iter().enumerate().filter(|(number, _)| done & (1 << number) == 0);
    // Whatever comes next began before any other that is open had ended.
    let first_end = open().map(|(_, operation)| operation.ended).min().unwrap_or(u64::MAX);
    open().filter(|(_, operation)| operation.began < first_end).any(|(number, operation)| {
        state.after(operation.event).is_some_and(|next| has_order(history, next, done | 1 << number, seen))
    })
}

/// One client of a round.
struct Client {
    number: u64,
    executions: Executions,
    pointer: ExecutionPointer,
    clock: Arc<AtomicU64>,
    now: DateTime<Utc>,
    chance: u64,
    /// What it claimed.
    own: Option<Execution>,
}

impl Client {
    /// A number below `limit` (SplitMix64).
    fn below(&mut self, limit: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    async fn work(mut self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for _ in 0..OPERATIONS {
            let choice = self.below(10);
            let began = self.clock.fetch_add(1, Ordering::SeqCst);
            let event = match (choice, self.own.take()) {
                (0..4, None) => self.claim().await,
                (4, None) => self.cancel().await,
                (0..3, Some(own)) => self.progress(own).await,
                (3..5, Some(own)) => self.finish(&own).await,
                (_, own) => {
                    self.own = own;
                    Event::Read(state(&self.read().await))
                }
            };
            operations.push(Operation { began, ended: self.clock.fetch_add(1, Ordering::SeqCst), event });
        }
        operations
    }

    async fn read(&self) -> Execution {
        let ExecutionPointer { scope, execution_id } = self.pointer;
        self.executions.get(scope, execution_id).await.expect("read").expect("on record")
    }

    async fn claim(&mut self) -> Event {
        let claimed = self.executions.claim(self.pointer, &name(self.number), "b1", self.now, Vec::new(), false).await;
        self.own = claimed.expect("answered");
        Event::Claim(self.number, self.own.is_some())
    }

    async fn cancel(&self) -> Event {
        let seen = self.read().await;
        if seen.status != ExecutionStatus::Pending {
            return Event::Read(state(&seen));
        }
        let audit = AuditDraft::new(seen.scope, &Actor::PLATFORM, "Execution.Cancel", seen.id.key(), json!({}));
        let ending = self.ending(ExecutionStatus::Cancelled);
        Event::Cancel(self.number, is_done(&self.executions.cancel_pending(&seen, &ending, audit).await))
    }

    async fn progress(&mut self, mut own: Execution) -> Event {
        let percent = own.progress_percent.unwrap_or(0.0) + 1.0;
        let written = self.executions.update_progress(&mut own, Some(percent), None, 0).await;
        self.own = Some(own);
        Event::Progress(self.number, is_done(&written))
    }

    async fn finish(&self, own: &Execution) -> Event {
        let ending = self.ending(ExecutionStatus::Success);
        Event::Finish(self.number, is_done(&self.executions.finish(own, &ending).await))
    }

    /// No two clients end alike: the same ending again would be answered as done.
    fn ending(&self, status: ExecutionStatus) -> Ending {
        Ending {
            status,
            result_json: None,
            error_type: None,
            error_message: Some(format!("ended by {}", name(self.number))),
            completed_at: self.now,
            logs_through: 0,
        }
    }
}

fn name(client: u64) -> String {
    format!("client-{client}")
}

fn is_done<T>(outcome: &Result<T, StoreError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(StoreError::PreconditionFailed) => false,
        Err(error) => panic!("neither done nor refused: {error}"),
    }
}

fn state(execution: &Execution) -> State {
    let owner = execution.lease_owner.as_deref().and_then(|owner| owner.strip_prefix("client-")?.parse().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
    let percent = execution.progress_percent.map(|percent| percent as u64);
    State { status: execution.status, epoch: execution.epoch, owner, percent }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_many_do_to_one_execution_at_once_one_after_the_other_could_have_done() {
    let seed = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("repeat with FAULT_SEED={seed}");
    let home = TestHome::new().await;
    let (mut overlaps, mut changes) = (0, 0);
    for round in 0..ROUNDS {
        home.clock.turn(Duration::seconds(1));
        let new = home.new_execution(Scope::Global, UserId::random());
        home.insert(&new, &Entry::Queued).await;
        let time = Arc::new(AtomicU64::new(0));
        let clients = (0..CLIENTS).map(|number| {
            let client = Client {
                number,
                executions: home.repositories.executions.clone(),
                pointer: ExecutionPointer { scope: new.scope, execution_id: new.id },
                clock: Arc::clone(&time),
                now: home.clock.now(),
                chance: seed ^ (round * CLIENTS + number).wrapping_mul(0x2545_F491_4F6C_DD1D),
                own: None,
            };
            tokio::spawn(client.work())
        });
        let mut history = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            history.extend(client.await.expect("a client does not panic"));
        }
        assert!(
            has_order(&history, State::PENDING, 0, &mut HashSet::new()),
            "seed {seed}, round {round}: no order explains {history:#?}"
        );
        history.sort_unstable_by_key(|operation| operation.began);
        overlaps += history.windows(2).filter(|pair| pair[1].began < pair[0].ended).count();
        changes += history.iter().filter(|operation| matches!(operation.event, Event::Claim(_, true))).count();
    }
    assert!(overlaps > 0 && changes > 0, "seed {seed}: {overlaps} overlaps, {changes} claims prove nothing");
}

#[test]
fn a_second_claim_a_read_of_the_past_and_a_lost_ending_have_no_order() {
    let ordered = |events: &[(u64, u64, Event)]| {
        let history =
            events.iter().map(|(began, ended, event)| Operation { began: *began, ended: *ended, event: *event });
        has_order(&history.collect::<Vec<_>>(), State::PENDING, 0, &mut HashSet::new())
    };
    let running = State { status: ExecutionStatus::Running, epoch: 1, owner: Some(1), percent: None };
    let claim = (0, 5, Event::Claim(1, true));
    assert!(ordered(&[claim, (1, 6, Event::Claim(2, false)), (2, 3, Event::Read(State::PENDING))]));
    assert!(!ordered(&[claim, (1, 6, Event::Claim(2, true))]), "two have it");
    assert!(!ordered(&[claim, (6, 7, Event::Read(State::PENDING))]), "it was claimed before");
    assert!(!ordered(&[claim, (2, 3, Event::Read(running)), (4, 4, Event::Read(State::PENDING))]), "it went back");
    assert!(!ordered(&[claim, (6, 7, Event::Finish(1, true)), (8, 9, Event::Read(running))]), "its ending is gone");
    assert!(!ordered(&[claim, (6, 7, Event::Finish(1, false))]), "nobody stood in the way");
}
