//! Who works for whom: the decisions of the pool, made under one lock and without waiting.

mod plan;

pub(super) use plan::Plan;

use super::{NotStarted, edition::Edition, pool::Seat, process::Process};
use crate::line::Line;
use msp_domain::Scope;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Executions that share a process at once (design section 6, "Workers").
const MOST_SHARED: usize = 16;
/// Wait after the first failed start; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Someone in the waiting line.
pub(super) struct Waiter {
    pub edition: Arc<Edition>,
    pub exclusive: bool,
    pub seat: oneshot::Sender<Result<Seat, NotStarted>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Spare,
    Assigned(Scope),
}

struct Member {
    edition: Arc<Edition>,
    /// `None` until the process runs.
    process: Option<Arc<Process>>,
    phase: Phase,
    in_flight: usize,
    /// Executions it ever had.
    runs: u64,
    /// What flies in it has it to itself.
    exclusive: bool,
    /// Gets nothing more and ends when it is idle: another organization waits for its place, it has grown, or it has run often.
    draining: bool,
    idle_since: Instant,
}

/// Consecutive workers of one edition that ended before their bundle was imported.
struct Failures {
    count: u32,
    last: String,
    retry_at: Instant,
}

pub(super) struct Roster {
    members: BTreeMap<u64, Member>,
    pub line: Line<Scope, Waiter>,
    pub closing: bool,
    /// Someone will plan again once the pause is over.
    pub waking: bool,
    max: usize,
    spares: usize,
    /// Executions after which a process is replaced.
    runs_per_worker: u64,
    next_worker: u64,
    current: Arc<Edition>,
    /// The edition being tried: one worker of it is kept, above the limit if need be.
    trial: Option<u64>,
    /// By edition.
    failures: HashMap<u64, Failures>,
}

/// How much there is to do, and for how many.
#[derive(Default)]
pub(super) struct Load {
    /// Executions that wait for a seat.
    pub waiting: usize,
    /// Executions in processes.
    pub in_flight: usize,
    /// Processes that import their bundle.
    pub starting: usize,
    /// Processes that belong to nobody yet.
    pub spare: usize,
    /// Processes of an organization.
    pub assigned: usize,
}

impl Roster {
    pub fn new(max: usize, spares: usize, runs_per_worker: u64, current: Arc<Edition>) -> Self {
        let max = max.max(1);
        Self {
            members: BTreeMap::new(),
            line: Line::new(),
            closing: false,
            waking: false,
            max,
            spares: spares.min(max),
            runs_per_worker,
            next_worker: 1,
            current,
            trial: None,
            failures: HashMap::new(),
        }
    }

    /// What new executions belong to.
    pub fn current(&self) -> &Arc<Edition> {
        &self.current
    }

    /// A place for the first worker of an edition that is to be tried.
    pub fn try_out(&mut self, edition: &Arc<Edition>) -> u64 {
        self.trial = Some(edition.number);
        let current = self.current.number;
        self.failures.retain(|number, _| *number == current);
        self.enroll(edition)
    }

    /// Ends the trial. An edition that proved itself is the current one; processes of the one before end when they
    /// are idle.
    pub fn decide(&mut self, proven: Option<Arc<Edition>>) {
        self.trial = None;
        if let Some(edition) = proven {
            self.current = edition;
        }
    }

    /// Whether nothing new belongs to the edition.
    fn is_stale(&self, edition: &Edition) -> bool {
        edition.number != self.current.number && Some(edition.number) != self.trial
    }

    /// Finds a process for an execution and counts it in.
    pub fn place(&mut self, edition: &Edition, scope: Scope, exclusive: bool) -> Option<(u64, Arc<Process>)> {
        let limit = if exclusive { 1 } else { MOST_SHARED };
        let suits = |member: &Member| {
            member.edition.number == edition.number
                && !member.draining
                && !member.exclusive
                && member.in_flight < limit
                && member.process.as_ref().is_some_and(|process| process.is_fit())
        };
        let own = self
            .members
            .iter()
            .filter(|(_, member)| member.phase == Phase::Assigned(scope) && suits(member))
            .min_by_key(|(_, member)| member.in_flight)
            .map(|(number, _)| *number);
        let spare = || {
            let mut spares = self.members.iter().filter(|(_, member)| member.phase == Phase::Spare && suits(member));
            spares.next().filter(|_| self.may_grow(scope, edition, 0, self.free()))
        };
        let number = own.or_else(|| spare().map(|(number, _)| *number))?;
        let member = self.members.get_mut(&number)?;
        member.phase = Phase::Assigned(scope);
        member.in_flight += 1;
        member.runs += 1;
        member.draining = member.runs >= self.runs_per_worker;
        member.exclusive = exclusive;
        Some((number, Arc::clone(member.process.as_ref()?)))
    }

    /// An execution left its process; says whether that changes more than the room in it.
    pub fn release(&mut self, number: u64) -> bool {
        let Some(member) = self.members.get_mut(&number) else { return false };
        member.in_flight = member.in_flight.saturating_sub(1);
        if member.in_flight > 0 {
            return false;
        }
        member.exclusive = false;
        member.idle_since = Instant::now();
        let (draining, edition) = (member.draining, Arc::clone(&member.edition));
        draining || self.is_stale(&edition)
    }

    pub fn runs(&mut self, number: u64, process: Arc<Process>) {
        if let Some(member) = self.members.get_mut(&number) {
            member.process = Some(process);
        }
    }

    pub fn loaded(&mut self, number: u64) {
        if let Some(member) = self.members.get_mut(&number).filter(|member| member.phase == Phase::Starting) {
            member.phase = Phase::Spare;
            self.failures.remove(&member.edition.number);
        }
    }

    /// A worker is gone. One that never imported the bundle counts as a failure and brings on a pause.
    pub fn ended(&mut self, number: u64, failed: Option<String>) {
        let Some(member) = self.members.remove(&number) else { return };
        if let Some(last) = failed {
            let edition = member.edition.number;
            let count = self.failures.get(&edition).map_or(0, |failures| failures.count) + 1;
            let pause = FIRST_PAUSE.saturating_mul(1 << (count - 1).min(16)).min(LONGEST_PAUSE);
            self.failures.insert(edition, Failures { count, last, retry_at: Instant::now() + pause });
        }
    }

    /// Why those who wait for this edition cannot be helped at the moment, if its workers fail to start and none is
    /// on its way.
    fn hopeless(&self, edition: &Edition) -> Option<String> {
        let coming = self.unassigned(edition) > 0;
        let pausing = self.pausing(edition);
        pausing.filter(|_| !coming).map(|failures| failures.last.clone())
    }

    /// Sends away those whose workers do not start and who have none yet.
    pub fn give_up(&mut self) {
        let mut line = std::mem::replace(&mut self.line, Line::new());
        let stranded = line.remove(|scope, waiter| {
            !self.has_member(&waiter.edition, scope) && self.hopeless(&waiter.edition).is_some()
        });
        self.line = line;
        for waiter in stranded {
            let fault = self.hopeless(&waiter.edition).unwrap_or_default();
            let _ = waiter.seat.send(Err(NotStarted::SpawnFailed(fault)));
        }
    }

    fn pausing(&self, edition: &Edition) -> Option<&Failures> {
        self.failures.get(&edition.number).filter(|failures| failures.retry_at > Instant::now())
    }

    fn unassigned(&self, edition: &Edition) -> usize {
        let of_it = |member: &&Member| self.is_unassigned(member) && member.edition.number == edition.number;
        self.members.values().filter(of_it).count()
    }

    fn has_member(&self, edition: &Edition, scope: Scope) -> bool {
        self.members
            .values()
            .any(|member| member.phase == Phase::Assigned(scope) && member.edition.number == edition.number)
    }

    fn is_unassigned(&self, member: &Member) -> bool {
        !matches!(member.phase, Phase::Assigned(_))
    }

    /// How many there are of everything.
    pub fn load(&self) -> Load {
        let mut load = Load { waiting: self.line.waiting().map(|(_, queue)| queue.len()).sum(), ..Load::default() };
        for member in self.members.values() {
            load.in_flight += member.in_flight;
            match member.phase {
                Phase::Starting => load.starting += 1,
                Phase::Spare => load.spare += 1,
                Phase::Assigned(_) => load.assigned += 1,
            }
        }
        load
    }

    /// Whether anything runs or is about to.
    pub fn is_busy(&self) -> bool {
        self.members.values().any(|member| member.in_flight > 0)
    }

    /// These workers take no new work and end when they are idle.
    pub fn wear_out(&mut self, workers: &[u64]) {
        for number in workers {
            if let Some(member) = self.members.get_mut(number) {
                member.draining = true;
            }
        }
    }

    /// Processes of organizations that have become idle since an earlier moment.
    pub fn idle_since(&self, earlier: Instant) -> Vec<Arc<Process>> {
        let is_idle = |member: &&Member| {
            matches!(member.phase, Phase::Assigned(_)) && member.in_flight == 0 && member.idle_since >= earlier
        };
        self.members.values().filter(is_idle).filter_map(|member| member.process.clone()).collect()
    }

    /// Processes with executions in flight.
    pub fn busy(&self) -> Vec<Arc<Process>> {
        let busy = self.members.values().filter(|member| member.in_flight > 0);
        busy.filter_map(|member| member.process.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn processes(&self) -> Vec<Arc<Process>> {
        self.members.values().filter_map(|member| member.process.clone()).collect()
    }

    /// A place for a worker about to be started.
    pub fn enroll(&mut self, edition: &Arc<Edition>) -> u64 {
        let number = self.next_worker;
        self.next_worker += 1;
        let member = Member {
            edition: Arc::clone(edition),
            process: None,
            phase: Phase::Starting,
            in_flight: 0,
            runs: 0,
            exclusive: false,
            draining: false,
            idle_since: Instant::now(),
        };
        self.members.insert(number, member);
        number
    }
}
