//! Who works for whom: the decisions of the pool, made under one lock and without waiting.

use super::{NotStarted, edition::Edition, line::Line, pool::Seat, process::Process};
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
    /// What flies in it has it to itself.
    exclusive: bool,
    /// Gets nothing more and ends when it is idle: another organization waits for its place, or it has grown.
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
    next_worker: u64,
    current: Arc<Edition>,
    /// The edition being tried: one worker of it is kept, above the limit if need be.
    trial: Option<u64>,
    /// By edition.
    failures: HashMap<u64, Failures>,
}

/// What the pool has to do after a change.
#[derive(Default)]
pub(super) struct Plan {
    /// Workers to start, by number.
    pub start: Vec<(u64, Arc<Edition>)>,
    /// Idle processes to end.
    pub retire: Vec<Arc<Process>>,
    /// When to plan again, if starting has to wait.
    pub again_at: Option<Instant>,
}

impl Roster {
    pub fn new(max: usize, spares: usize, current: Arc<Edition>) -> Self {
        let max = max.max(1);
        Self {
            members: BTreeMap::new(),
            line: Line::new(),
            closing: false,
            waking: false,
            max,
            spares: spares.min(max),
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
        let spare = || self.members.iter().find(|(_, member)| member.phase == Phase::Spare && suits(member));
        let number = own.or_else(|| spare().map(|(number, _)| *number))?;
        let member = self.members.get_mut(&number)?;
        member.phase = Phase::Assigned(scope);
        member.in_flight += 1;
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

    /// Decides which workers to start and which to end, for those who wait and for the spares.
    pub fn plan(&mut self) -> Plan {
        let mut plan = Plan::default();
        if self.closing {
            return plan;
        }
        let mut demand = self.demand();
        self.retire_unwanted(&demand, &mut plan);
        let current = Arc::clone(&self.current);
        demand.entry(current.number).or_insert((current, 0));
        // Whoever waits for an earlier edition has waited longer.
        for (edition, demand) in demand.values() {
            self.staff(&mut plan, edition, *demand);
        }
        plan
    }

    /// Ends what is idle and takes no new work: draining processes, and those of earlier editions beyond what is
    /// waited for.
    fn retire_unwanted(&mut self, demand: &BTreeMap<u64, (Arc<Edition>, usize)>, plan: &mut Plan) {
        let mut awaited: HashMap<u64, usize> = demand.iter().map(|(number, (_, count))| (*number, *count)).collect();
        let mut unwanted = Vec::new();
        for (number, member) in &self.members {
            let is_stale = self.is_stale(&member.edition);
            let ends = match member.phase {
                Phase::Assigned(_) => member.in_flight == 0 && (member.draining || is_stale),
                Phase::Spare if is_stale => match awaited.get_mut(&member.edition.number) {
                    Some(count @ 1..) => {
                        *count -= 1;
                        false
                    }
                    _ => true,
                },
                Phase::Spare | Phase::Starting => false,
            };
            if ends {
                unwanted.push(*number);
            }
        }
        for number in unwanted {
            plan.retire.extend(self.members.remove(&number).and_then(|member| member.process));
        }
    }

    /// Starts what one edition lacks, and makes room for it.
    fn staff(&mut self, plan: &mut Plan, edition: &Arc<Edition>, demand: usize) {
        let spares = if edition.number == self.current.number { self.spares } else { 0 };
        let mut unassigned = self.unassigned(edition);
        while unassigned < demand + spares {
            let needed = unassigned < demand;
            if self.members.len() >= self.max {
                // Spares may push out idle processes too, so that a new organization's first call is instant.
                let assigned = self.members.values().filter(|member| !self.is_unassigned(member)).count();
                if !needed && assigned + self.spares <= self.max.max(self.spares + 1) {
                    break;
                }
                let Some(idle) = self.longest_idle().or_else(|| self.spare_besides(edition).filter(|_| needed)) else {
                    if needed {
                        self.drain(demand - unassigned);
                    }
                    break;
                };
                plan.retire.extend(self.members.remove(&idle).and_then(|member| member.process));
                continue;
            }
            if let Some(failures) = self.pausing(edition) {
                let retry_at = failures.retry_at;
                if !std::mem::replace(&mut self.waking, true) {
                    plan.again_at = Some(retry_at);
                }
                break;
            }
            plan.start.push((self.enroll(edition), Arc::clone(edition)));
            unassigned += 1;
            // After a failure one at a time is tried.
            if self.failures.contains_key(&edition.number) {
                break;
            }
        }
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
            exclusive: false,
            draining: false,
            idle_since: Instant::now(),
        };
        self.members.insert(number, member);
        number
    }

    /// Processes those in the line would fill, by edition.
    fn demand(&self) -> BTreeMap<u64, (Arc<Edition>, usize)> {
        let mut demand = BTreeMap::new();
        for (_, queue) in self.line.waiting() {
            let mut shared: BTreeMap<u64, usize> = BTreeMap::new();
            for waiter in queue {
                let (_, count) =
                    demand.entry(waiter.edition.number).or_insert_with(|| (Arc::clone(&waiter.edition), 0));
                if waiter.exclusive {
                    *count += 1;
                } else {
                    *shared.entry(waiter.edition.number).or_default() += 1;
                }
            }
            for (number, waiting) in shared {
                if let Some((_, count)) = demand.get_mut(&number) {
                    *count += waiting.div_ceil(MOST_SHARED);
                }
            }
        }
        demand
    }

    /// A spare of another edition that may give its place up.
    fn spare_besides(&self, edition: &Edition) -> Option<u64> {
        self.members
            .iter()
            .filter(|(_, member)| member.phase == Phase::Spare && member.edition.number != edition.number)
            .find(|(_, member)| Some(member.edition.number) != self.trial)
            .map(|(number, _)| *number)
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
