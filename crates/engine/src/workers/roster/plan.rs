//! Which workers to start and which to end: for those who wait, for the spares, and so that no organization keeps
//! everything from the others.

use super::{MOST_SHARED, Member, Phase, Roster};
use crate::workers::{edition::Edition, process::Process};
use msp_domain::Scope;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

/// An organization gets another process while it has fewer than this many times what is free: alone it gets three
/// quarters of all (everything, where there are fewer than four), however long its executions take. What is left is for
/// the next organization.
const SHARE: usize = 3;
/// An organization that called within this time keeps its idle process while others only want more than they have.
const WARM: Duration = Duration::from_secs(10);

/// What the pool has to do after a change.
#[derive(Default)]
pub(in crate::workers) struct Plan {
    /// Workers to start, by number.
    pub start: Vec<(u64, Arc<Edition>)>,
    /// Idle processes to end.
    pub retire: Vec<Arc<Process>>,
    /// When to plan again, if starting has to wait.
    pub again_at: Option<Instant>,
}

/// Processes of one edition that those in the line would fill.
struct Demand {
    edition: Arc<Edition>,
    /// First ones of their organizations.
    first: usize,
    /// Further ones, as far as the share of their organizations goes.
    more: usize,
}

impl Roster {
    /// Decides which workers to start and which to end.
    pub fn plan(&mut self) -> Plan {
        let mut plan = Plan::default();
        if self.closing {
            return plan;
        }
        let mut demand = self.demand();
        self.retire_unwanted(&demand, &mut plan);
        let current = Arc::clone(self.current());
        demand.entry(current.number).or_insert(Demand { edition: current, first: 0, more: 0 });
        // Whoever waits for an earlier edition has waited longer.
        for demand in demand.values() {
            self.staff(&mut plan, demand);
        }
        self.drain();
        plan
    }

    /// Processes nobody lays claim to: not working, and not kept warm.
    pub(super) fn free(&self) -> usize {
        let taken =
            self.members.values().filter(|member| member.is_assigned() && (member.in_flight > 0 || member.is_warm()));
        self.max.saturating_sub(taken.count())
    }

    /// Whether an organization that has, or is about to get, `coming` processes besides those it works with may have one
    /// more of `free`.
    pub(super) fn may_grow(&self, scope: Scope, edition: &Edition, coming: usize, free: usize) -> bool {
        let own = self.own(scope, edition) + coming;
        own == 0 || own < SHARE * free
    }

    /// How many processes of an edition take work of an organization.
    fn own(&self, scope: Scope, edition: &Edition) -> usize {
        let of_it = |member: &&Member| {
            member.phase == Phase::Assigned(scope) && !member.draining && member.edition.number == edition.number
        };
        self.members.values().filter(of_it).count()
    }

    /// Ends what is idle and takes no new work: draining processes, and those of earlier editions beyond what is
    /// waited for.
    fn retire_unwanted(&mut self, demand: &BTreeMap<u64, Demand>, plan: &mut Plan) {
        let awaited = demand.iter().map(|(number, demand)| (*number, demand.first + demand.more));
        let mut awaited: HashMap<u64, usize> = awaited.collect();
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
    fn staff(&mut self, plan: &mut Plan, demand: &Demand) {
        let edition = &demand.edition;
        let spares = if edition.number == self.current.number { self.spares } else { 0 };
        let mut unassigned = self.unassigned(edition);
        while unassigned < demand.first + demand.more + spares {
            let needed = unassigned < demand.first + demand.more;
            if self.members.len() >= self.max {
                // Spares may push out idle processes too, so that a new organization's first call is instant.
                let assigned = self.members.values().filter(|member| member.is_assigned()).count();
                if !needed && assigned + self.spares <= self.max.max(self.spares + 1) {
                    break;
                }
                // Where one organization has many, it is not for the others to make room.
                let spares_warm = unassigned >= demand.first && (needed || self.most_of_one() > 1);
                let idle = match self.longest_idle() {
                    Some((_, warm_until)) if spares_warm && warm_until > Instant::now() => {
                        self.plan_again(plan, warm_until);
                        None
                    }
                    idle => idle.map(|(number, _)| number),
                };
                let Some(idle) = idle.or_else(|| self.spare_besides(edition).filter(|_| needed)) else { break };
                plan.retire.extend(self.members.remove(&idle).and_then(|member| member.process));
                continue;
            }
            if let Some(failures) = self.pausing(edition) {
                let retry_at = failures.retry_at;
                self.plan_again(plan, retry_at);
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

    fn plan_again(&mut self, plan: &mut Plan, at: Instant) {
        if !std::mem::replace(&mut self.waking, true) {
            plan.again_at = Some(at);
        }
    }

    /// Processes those in the line would fill, by edition.
    fn demand(&self) -> BTreeMap<u64, Demand> {
        let mut demand = BTreeMap::new();
        let mut free = self.free();
        for (scope, queue) in self.line.waiting() {
            let mut waiting: BTreeMap<u64, (Arc<Edition>, usize, usize)> = BTreeMap::new();
            for waiter in queue {
                let (_, exclusive, shared) =
                    waiting.entry(waiter.edition.number).or_insert_with(|| (Arc::clone(&waiter.edition), 0, 0));
                *(if waiter.exclusive { exclusive } else { shared }) += 1;
            }
            for (number, (edition, exclusive, shared)) in waiting {
                let wanted = exclusive + shared.div_ceil(MOST_SHARED);
                let mut granted = 0;
                while granted < wanted && self.may_grow(scope, &edition, granted, free) {
                    granted += 1;
                    free = free.saturating_sub(1);
                }
                let first = usize::from(self.own(scope, &edition) == 0).min(granted);
                let demand = demand.entry(number).or_insert(Demand { edition, first: 0, more: 0 });
                demand.first += first;
                demand.more += granted - first;
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

    /// The process that has been idle for longest, and until when it is warm.
    fn longest_idle(&self) -> Option<(u64, Instant)> {
        self.members
            .iter()
            .filter(|(_, member)| member.is_assigned() && member.in_flight == 0)
            .min_by_key(|(_, member)| member.idle_since)
            .map(|(number, member)| (*number, member.idle_since + WARM))
    }

    /// How many processes take work, by organization.
    fn working(&self) -> HashMap<Scope, usize> {
        let mut counts = HashMap::new();
        for member in self.members.values().filter(|member| !member.draining) {
            if let Phase::Assigned(scope) = member.phase {
                *counts.entry(scope).or_default() += 1;
            }
        }
        counts
    }

    fn most_of_one(&self) -> usize {
        self.working().into_values().max().unwrap_or(0)
    }

    /// For each that waits and that nothing comes to, a process of an organization that has more takes no new work.
    fn drain(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let is_coming = |member: &&Member| member.draining || !member.is_assigned() || member.in_flight == 0;
        let coming = self.members.values().filter(is_coming).count();
        let mut counts = self.working();
        let waiting = self.line.waiting().map(|(scope, _)| counts.get(&scope).copied().unwrap_or(0));
        let mut waiting: Vec<usize> = waiting.collect();
        waiting.sort_unstable();
        for own in waiting.into_iter().skip(coming) {
            // Giving one to somebody who has some must not turn the two around.
            let enough = own + usize::from(own > 0);
            let richest = self.members.values_mut().filter(|member| !member.draining).filter_map(|member| {
                let Phase::Assigned(scope) = member.phase else { return None };
                Some((counts.get(&scope).copied().unwrap_or(0), scope, member))
            });
            let richest = richest.filter(|(count, ..)| *count > enough);
            let Some((_, scope, member)) =
                richest.min_by_key(|(count, _, member)| (usize::MAX - count, member.in_flight))
            else {
                continue;
            };
            member.draining = true;
            if let Some(count) = counts.get_mut(&scope) {
                *count -= 1;
            }
        }
    }
}

impl Member {
    fn is_assigned(&self) -> bool {
        matches!(self.phase, Phase::Assigned(_))
    }

    fn is_warm(&self) -> bool {
        self.idle_since.elapsed() < WARM
    }
}
