//! Denials on record: a row for each of a known caller, one row per address and minute for strangers, and for a caller who asks
//! too much.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use msp_domain::{Clock, Scope, UserId};
use msp_storage::repositories::{
    Actor,
    audit::{Audit, AuditDraft},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Addresses counted apart before a flush; the rest share one count, which bounds memory and rows.
const MAX_ADDRESSES: usize = 1_000;
/// How long counts are gathered before they are written.
const FLUSH_AFTER: Duration = Duration::from_secs(60);
/// Where addresses beyond [`MAX_ADDRESSES`] are counted.
const OTHERS: &str = "others";

/// What is counted when it is refused: what strangers ask, and what somebody asks too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refused {
    /// A request without a credential that holds.
    Access,
    /// A sign-in: a link or an answer of Entra ID that is unknown, used, too old or of somebody who is inactive.
    SignIn,
    /// A request of a known caller, who had asked too much within the minute.
    TooMuch(UserId),
}

impl Refused {
    fn action(self) -> &'static str {
        match self {
            Self::Access | Self::TooMuch(_) => "Access.Denied",
            Self::SignIn => "SignIn.Failed",
        }
    }

    /// Who was refused, where that is known.
    fn user(self) -> Option<UserId> {
        match self {
            Self::Access | Self::SignIn => None,
            Self::TooMuch(user) => Some(user),
        }
    }
}

/// How often each address was refused what in each minute.
type Counts = HashMap<(String, Refused, DateTime<Utc>), u64>;

/// Writes denials to the audit trail.
#[derive(Clone)]
pub(crate) struct Denials {
    audit: Audit,
    clock: Arc<dyn Clock>,
    counts: Arc<Mutex<Counts>>,
    flush_scheduled: Arc<AtomicBool>,
}

impl Denials {
    pub(crate) fn new(audit: Audit, clock: Arc<dyn Clock>) -> Self {
        Self { audit, clock, counts: Arc::default(), flush_scheduled: Arc::default() }
    }

    /// Records that a known caller was denied. A store that fails does not turn the denial into something else.
    pub(crate) async fn of_caller(&self, actor: &Actor, entity_type: &str, entity_id: String, details: Value) {
        // Without an organization of its own: the one asked for may not exist, or be none of the caller's business.
        let draft = AuditDraft {
            scope: Scope::Global,
            actor: actor.clone(),
            action: "Access.Denied".to_owned(),
            entity_type: entity_type.to_owned(),
            entity_id,
            details,
        };
        self.write(draft).await;
    }

    /// Counts that a stranger was refused something.
    pub(crate) fn of_stranger(&self, address: &str, what: Refused) {
        self.count(address, what);
    }

    /// Counts that a known caller was refused for asking too much: a row for each would be as many as it asks.
    pub(crate) fn of_busy_caller(&self, actor: &Actor) {
        if let Some(user) = actor.user {
            self.count(actor.ip_address.as_deref().unwrap_or("unknown"), Refused::TooMuch(user));
        }
    }

    /// Counts by address, of which there is a bounded number, and by account.
    fn count(&self, address: &str, what: Refused) {
        let now = self.clock.now();
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (address.to_owned(), what, minute);
        if counts.len() >= MAX_ADDRESSES && !counts.contains_key(&key) {
            OTHERS.clone_into(&mut key.0);
        }
        *counts.entry(key).or_default() += 1;
        drop(counts);
        self.schedule_flush();
    }

    /// Writes one row per address, kind and minute counted so far.
    pub(crate) async fn flush(&self) {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        for ((address, what, minute), count) in counts {
            let mut details =
                json!({ "count": count, "minute": minute.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) });
            if what.user().is_some() {
                details["reason"] = json!("rate-limited");
            }
            let draft = AuditDraft {
                scope: Scope::Global,
                actor: Actor { user: what.user(), ip_address: Some(address.clone()) },
                action: what.action().to_owned(),
                entity_type: if what.user().is_some() { "Platform" } else { "Anonymous" }.to_owned(),
                entity_id: address,
                details,
            };
            self.write(draft).await;
        }
    }

    /// One task at a time, started by the first count and gone after its flush: no denials, no task.
    fn schedule_flush(&self) {
        if self.flush_scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let denials = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(FLUSH_AFTER).await;
            denials.flush_scheduled.store(false, Ordering::Release);
            denials.flush().await;
        });
    }

    async fn write(&self, draft: AuditDraft) {
        if let Err(error) = self.audit.record(draft).await {
            tracing::error!(error = %error, "A denial could not be written to the audit trail.");
        }
    }
}
