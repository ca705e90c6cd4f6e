//! Telling what is to be told: each rule by itself, one message after the other, again after a failure, and given up after a
//! day. What is told and what is not is on record; only how long a rule is left alone after a failure is kept in mind, so that
//! a restart tries at once.

use crate::{Failure, Shared, message::Message};
use chrono::{DateTime, TimeDelta, Utc};
use msp_integrations::{SystemTiming, Timing as _};
use msp_storage::{
    Etag, StoreError,
    repositories::notifications::{Notice, StoredRule},
};
use std::{
    collections::{BTreeMap, HashMap},
    future::pending,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{Id, JoinSet},
    time::sleep,
};
use uuid::Uuid;

/// Messages on their way at the same time. Each takes half a minute at most, and whoever waits for longest is next, so no
/// number of slow services holds up the others for long.
const MOST_AT_ONCE: usize = 16;
/// How long a rule is left alone after its first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The waits stop growing here: a service that works again is found soon.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Longest time a service may ask to be left alone.
const LONGEST_ASKED: Duration = Duration::from_secs(6 * 60 * 60);
/// What could not be told for so long is given up: nobody is helped by it any more.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// Nothing is due later than this, the longest quiet time and the longest wait: if it is, the clock was ahead when that was
/// written.
const LATEST: TimeDelta = TimeDelta::hours(24 + 6);
/// After a store that could not be read.
const AFTER_STORE: TimeDelta = TimeDelta::seconds(5);
/// The clock may be put forward while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A rule that is left alone.
struct Hold {
    until: DateTime<Utc>,
    failures: u32,
    /// The version that failed: another one deserves an attempt of its own.
    etag: Etag,
}

/// What came of telling.
enum Outcome {
    Delivered,
    /// Not; and how long the rule is left alone.
    Failed(TimeDelta),
}

struct Deliverer {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    tasks: JoinSet<Outcome>,
    /// Who tells what.
    busy: HashMap<Id, (Uuid, Etag)>,
    holds: HashMap<Uuid, Hold>,
}

/// Tells without end.
pub(crate) async fn run(shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let (tasks, busy, holds) = (JoinSet::new(), HashMap::new(), HashMap::new());
    let mut deliverer = Deliverer { shared: Arc::clone(&shared), places, tasks, busy, holds };
    loop {
        let next = deliverer.begin_due().await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "What is to be told of failures could not be read");
            Some(shared.clock.now() + AFTER_STORE)
        });
        tokio::select! {
            () = shared.repositories.notices.written() => {}
            Some(ended) = deliverer.tasks.join_next_with_id() => {
                let (id, outcome) = match ended {
                    Ok(ended) => ended,
                    Err(error) => {
                        tracing::error!(error = %error, "Telling of failures failed itself");
                        (error.id(), Outcome::Failed(wait_after(0, None)))
                    }
                };
                deliverer.ended(id, &outcome);
            }
            () = until(&shared, next) => {}
        }
    }
}

async fn until(shared: &Shared, at: Option<DateTime<Utc>>) {
    let Some(at) = at else { return pending().await };
    loop {
        let left = (at - shared.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK_EVERY)).await;
    }
}

impl Deliverer {
    /// Begins to tell what is due, and answers when something else will be.
    async fn begin_due(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut of_rules: BTreeMap<Uuid, Vec<Notice>> = BTreeMap::new();
        for notice in self.shared.repositories.notices.all().await? {
            of_rules.entry(notice.rule).or_default().push(notice);
        }
        self.holds.retain(|rule, _| of_rules.contains_key(rule));
        let mut next = None;
        for (rule, notices) in of_rules {
            if self.busy.values().any(|(busy, _)| *busy == rule) {
                continue;
            }
            let at = self.begin_rule(rule, notices).await?;
            next = [next, at].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// The same for one rule.
    async fn begin_rule(&mut self, rule: Uuid, mut notices: Vec<Notice>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (repositories, now) = (&self.shared.repositories, self.shared.clock.now());
        let is_due = |notice: &Notice| notice.due_at <= now || notice.due_at > now + LATEST;
        let earliest = notices.iter().map(|notice| notice.due_at).min();
        let later = notices.iter().map(|notice| notice.due_at).filter(|at| *at > now).min();
        let is_held = self.holds.contains_key(&rule);
        let Some(first) = notices.first().filter(|_| is_held || notices.iter().any(is_due)) else {
            return Ok(earliest);
        };
        let stored = match repositories.notification_rules.get(first.rule_scope, rule).await {
            // Nobody can say what it wants.
            Err(StoreError::Corrupt(_)) => None,
            stored => stored?,
        };
        let Some(stored) = stored.filter(|stored| stored.rule.enabled) else {
            for notice in &notices {
                repositories.notices.forget(notice).await?;
            }
            return Ok(None);
        };
        let mut is_changed = false;
        if let Some(hold) = self.holds.get(&rule) {
            is_changed = hold.etag != stored.etag;
            if !is_changed && hold.until > now && hold.until <= now + LATEST {
                return Ok(Some(hold.until));
            }
        }
        for lapsed in notices.iter().filter(|notice| notice.untold == 0 && is_due(notice)) {
            repositories.notices.forget(lapsed).await?;
        }
        notices.retain(|notice| notice.untold > 0 && (is_due(notice) || (is_changed && notice.attempts > 0)));
        if notices.is_empty() {
            return Ok(later);
        }
        notices.sort_by_key(|notice| notice.due_at);
        let failures = self.holds.get(&rule).filter(|_| !is_changed).map_or(0, |hold| hold.failures);
        let (shared, places, etag) = (Arc::clone(&self.shared), Arc::clone(&self.places), stored.etag.clone());
        let task = self.tasks.spawn(async move { shared.tell(&stored, &notices, failures, &places).await });
        self.busy.insert(task.id(), (rule, etag));
        Ok(None)
    }

    fn ended(&mut self, id: Id, outcome: &Outcome) {
        let Some((rule, etag)) = self.busy.remove(&id) else { return };
        match outcome {
            Outcome::Delivered => {
                self.holds.remove(&rule);
            }
            Outcome::Failed(wait) => {
                let failures = self.holds.get(&rule).map_or(0, |hold| hold.failures).saturating_add(1);
                let until = self.shared.clock.now() + *wait;
                self.holds.insert(rule, Hold { until, failures, etag });
            }
        }
    }
}

impl Shared {
    /// Tells one after the other, until one fails: whoever does not take one takes no other.
    async fn tell(&self, stored: &StoredRule, notices: &[Notice], failures: u32, places: &Semaphore) -> Outcome {
        for notice in notices {
            let _place = places.acquire().await.expect("nobody closes it");
            match self.tell_one(stored, notice, failures).await {
                Ok(Outcome::Delivered) => {}
                Ok(failed @ Outcome::Failed(_)) => return failed,
                Err(error) => {
                    tracing::warn!(error = %error, rule.id = %stored.id, "Whether failures were told could not be put on record");
                    return Outcome::Failed(wait_after(failures, None));
                }
            }
        }
        Outcome::Delivered
    }

    async fn tell_one(&self, stored: &StoredRule, notice: &Notice, failures: u32) -> Result<Outcome, StoreError> {
        let (notices, rules) = (&self.repositories.notices, &self.repositories.notification_rules);
        let message = self.message(notice).await?;
        let Err(Failure { message, retry_after }) = self.send(stored, &message).await else {
            notices.told(notice, TimeDelta::minutes(stored.rule.quiet_minutes.into())).await?;
            rules.note(stored, None).await?;
            return Ok(Outcome::Delivered);
        };
        let (now, wait) = (self.clock.now(), wait_after(failures, retry_after));
        tracing::warn!(rule.id = %stored.id, reason = %message, "A message about failures was not delivered");
        if notice.tried_since.is_some_and(|since| now - since >= GIVE_UP_AFTER) {
            notices.give_up(notice).await?;
            let untold = notice.untold;
            let given_up =
                format!("Given up after a day: {untold} failures of {} were not told. {message}", notice.workflow);
            rules.note(stored, Some(&given_up)).await?;
        } else {
            notices.postpone(notice, now + wait).await?;
            rules.note(stored, Some(&message)).await?;
        }
        Ok(Outcome::Failed(wait))
    }

    async fn message(&self, notice: &Notice) -> Result<Message, StoreError> {
        let execution = match self.repositories.executions.get(notice.scope, notice.first).await {
            // Removed, or nobody can read it: that it failed is known all the same.
            Err(StoreError::Corrupt(_)) => None,
            execution => execution?,
        };
        let organization = match notice.scope.org() {
            Some(org) => match self.repositories.organizations.get(org).await {
                Err(StoreError::Corrupt(_)) => None,
                organization => organization?.map(|organization| organization.name),
            },
            None => None,
        };
        Ok(Message::of(notice, execution.as_ref(), organization.as_deref(), &self.base, self.clock.now()))
    }
}

/// How long to wait after so many failures before this one: a random half of it, so that rules do not try in step.
fn wait_after(failures: u32, asked: Option<Duration>) -> TimeDelta {
    let half = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(LONGEST_WAIT) / 2;
    let own = half + SystemTiming.jitter(half);
    let wait = asked.map_or(own, |asked| asked.clamp(Duration::from_secs(1), LONGEST_ASKED));
    TimeDelta::from_std(wait).expect("a few hours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_what_a_service_asks_for_holds_within_reason() {
        for (failures, least, most) in [(0, 15, 30), (1, 30, 60), (4, 240, 480), (30, 1800, 3600)] {
            for _ in 0..50 {
                let wait = wait_after(failures, None);
                assert!((least..=most).contains(&wait.num_seconds()), "{failures}: {wait}");
            }
        }
        assert_eq!(wait_after(9, Some(Duration::from_secs(7))), TimeDelta::seconds(7));
        assert_eq!(wait_after(0, Some(Duration::from_secs(1 << 30))), TimeDelta::hours(6));
    }
}
