//! Who works for whom: the decisions of the pool, made under one lock and without waiting.

use super::{NotStarted, line::Line, pool::Seat, process::Process};
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
    /// `None` until the process runs.
    process: Option<Arc<Process>>,
    phase: Phase,
    in_flight: usize,
    /// What flies in it has it to itself.
    exclusive: bool,
    /// Gets nothing more and ends when it is idle: another organization waits for its place.
    draining: bool,
    idle_since: Instant,
}

/// Consecutive workers that ended before their bundle was imported.
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
    next_worker: u64,
    failures: Option<Failures>,
}

/// What the pool has to do after a change.
#[derive(Default)]
pub(super) struct Plan {
    /// Workers to start, by number.
    pub start: Vec<u64>,
    /// Idle processes to end.
    pub retire: Vec<Arc<Process>>,
    /// When to plan again, if starting has to wait.
    pub again_at: Option<Instant>,
}

impl Roster {
    pub fn new(max: usize, spares: usize) -> Self {
        let max = max.max(1);
        Self {
            members: BTreeMap::new(),
            line: Line::new(),
            closing: false,
            waking: false,
            max,
            spares: spares.min(max),
            next_worker: 1,
            failures: None,
        }
    }

    /// Finds a process for an execution and counts it in.
    pub fn place(&mut self, scope: Scope, exclusive: bool) -> Option<(u64, Arc<Process>)> {
        let limit = if exclusive { 1 } else { MOST_SHARED };
        let suits = |member: &Member| {
            !member.draining
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
        let spare = || self.members.iter().find(|(_, member)| member.phase == Phase::Spare && suits(member));
        let number = own.or_else(|| spare().map(|(number, _)| *number))?;
        let member = self.members.get_mut(&number)?;
        member.phase = Phase::Assigned(scope);
        member.in_flight += 1;
        member.exclusive = exclusive;
        Some((number, Arc::clone(member.process.as_ref()?)))
    }

    /// An execution left its process; gives the process if it should end now.
    pub fn release(&mut self, number: u64) -> Option<Arc<Process>> {
        let member = self.members.get_mut(&number)?;
        member.in_flight = member.in_flight.saturating_sub(1);
        if member.in_flight > 0 {
            return None;
        }
        member.exclusive = false;
        member.idle_since = Instant::now();
        if !member.draining {
            return None;
        }
        self.members.remove(&number)?.process
    }

    pub fn runs(&mut self, number: u64, process: Arc<Process>) {
        if let Some(member) = self.members.get_mut(&number) {
            member.process = Some(process);
        }
    }

    pub fn loaded(&mut self, number: u64) {
        self.failures = None;
        if let Some(member) = self.members.get_mut(&number).filter(|member| member.phase == Phase::Starting) {
            member.phase = Phase::Spare;
        }
    }

    /// A worker is gone. One that never imported the bundle counts as a failure and brings on a pause.
    pub fn ended(&mut self, number: u64, failed: Option<String>) {
        self.members.remove(&number);
        if let Some(last) = failed {
            let count = self.failures.as_ref().map_or(0, |failures| failures.count) + 1;
            let pause = FIRST_PAUSE.saturating_mul(1 << (count - 1).min(16)).min(LONGEST_PAUSE);
            self.failures = Some(Failures { count, last, retry_at: Instant::now() + pause });
        }
    }

    /// Why nobody can be helped at the moment, if workers fail to start and none is on its way.
    pub fn hopeless(&self) -> Option<String> {
        let coming = self.members.values().any(|member| self.is_unassigned(member));
        let pausing = self.failures.as_ref().filter(|failures| failures.retry_at > Instant::now());
        pausing.filter(|_| !coming).map(|failures| failures.last.clone())
    }

    pub fn has_member(&self, scope: Scope) -> bool {
        self.members.values().any(|member| member.phase == Phase::Assigned(scope))
    }

    fn is_unassigned(&self, member: &Member) -> bool {
        !matches!(member.phase, Phase::Assigned(_))
    }

    /// Whether anything runs or is about to.
    pub fn is_busy(&self) -> bool {
        self.members.values().any(|member| member.in_flight > 0)
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn processes(&self) -> Vec<Arc<Process>> {
        self.members.values().filter_map(|member| member.process.clone()).collect()
    }

    /// Decides which workers to start and which to end, for those who wait and for the spares.
    pub fn plan(&mut self) -> Plan {
        let mut plan = Plan::default();
        if self.closing {
            return plan;
        }
        let demand = self.demand();
        let mut unassigned = self.members.values().filter(|member| self.is_unassigned(member)).count();
        while unassigned < demand + self.spares {
            let needed = unassigned < demand;
            let assigned = self.members.len() - unassigned;
            if self.members.len() >= self.max {
                // Spares may push out idle processes too, so that a new organization's first call is instant.
                if !needed && assigned + self.spares <= self.max.max(self.spares + 1) {
                    break;
                }
                let Some(idle) = self.longest_idle() else {
                    if needed {
                        self.drain(demand - unassigned);
                    }
                    break;
                };
                plan.retire.extend(self.members.remove(&idle).and_then(|member| member.process));
                continue;
            }
            if let Some(failures) = self.failures.as_ref().filter(|failures| failures.retry_at > Instant::now()) {
                plan.again_at = (!std::mem::replace(&mut self.waking, true)).then_some(failures.retry_at);
                break;
            }
            plan.start.push(self.enroll());
            unassigned += 1;
            // After a failure one at a time is tried.
            if self.failures.is_some() {
                break;
            }
        }
        plan
    }

    /// A place for a worker about to be started.
    pub fn enroll(&mut self) -> u64 {
        let number = self.next_worker;
        self.next_worker += 1;
        let member = Member {
            process: None,
            phase: Phase::Starting,
            in_flight: 0,
            exclusive: false,
            draining: false,
            idle_since: Instant::now(),
        };
        self.members.insert(number, member);
        number
    }

    /// Processes those in the line would fill.
    fn demand(&self) -> usize {
        self.line
            .waiting()
            .map(|(_, queue)| {
                let exclusive = queue.iter().filter(|waiter| waiter.exclusive).count();
                exclusive + (queue.len() - exclusive).div_ceil(MOST_SHARED)
            })
            .sum()
    }

    fn longest_idle(&self) -> Option<u64> {
        self.members
            .iter()
            .filter(|(_, member)| !self.is_unassigned(member) && member.in_flight == 0)
            .min_by_key(|(_, member)| member.idle_since)
            .map(|(number, _)| *number)
    }

    /// Nobody is idle: processes of organizations that have more than someone who waits take no new work.
    fn drain(&mut self, wanted: usize) {
        let mut counts: HashMap<Scope, usize> = HashMap::new();
        for member in self.members.values() {
            if let Phase::Assigned(scope) = member.phase {
                *counts.entry(scope).or_default() += 1;
            }
        }
        let Some(fewest) = self.line.waiting().map(|(scope, _)| counts.get(&scope).copied().unwrap_or(0)).min() else {
            return;
        };
        let draining = self.members.values().filter(|member| member.draining).count();
        for _ in draining..wanted {
            let richest = self
                .members
                .values_mut()
                .filter(|member| !member.draining)
                .filter_map(|member| match member.phase {
                    Phase::Assigned(scope) => Some((counts.get(&scope).copied().unwrap_or(0), scope, member)),
                    _ => None,
                })
                .filter(|(count, ..)| *count > fewest)
                .min_by_key(|(count, _, member)| (usize::MAX - count, member.in_flight));
            let Some((_, scope, member)) = richest else { return };
            member.draining = true;
            if let Some(count) = counts.get_mut(&scope) {
                *count -= 1;
            }
        }
    }
}
