//! The keys of Entra ID, as they are known here. Several are good at once, new ones appear unannounced, and one that leaked
//! is gone at once.

use super::{
    EntraError,
    fetch::{Published, Source},
};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use msp_domain::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys are read again when they are this old (Microsoft Learn, "Signing key rollover": at least daily).
const REFRESH_AFTER: TimeDelta = TimeDelta::hours(24);
/// While Entra ID cannot be read, the keys that are known go on working until they are this old. Then nobody gets in.
const GOOD_FOR: TimeDelta = TimeDelta::hours(48);
/// It is not asked more often than this, whatever callers send: anybody may name a key that does not exist.
pub(super) const ASK_EVERY: TimeDelta = TimeDelta::seconds(10);

/// The keys.
pub(super) struct Keys {
    source: Source,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held while Entra ID is asked: whoever comes meanwhile waits for the same answer.
    turn: tokio::sync::Mutex<()>,
    /// What to do when a key is no longer good.
    withdrawn: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Known {
    published: Option<Arc<Published>>,
    asked_at: Option<DateTime<Utc>>,
    /// Why the last time brought nothing.
    failure: Option<EntraError>,
}

impl Keys {
    pub fn new(
        issuer: &str,
        clock: Arc<dyn Clock>,
        withdrawn: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, EntraError> {
        let (known, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { source: Source::new(issuer)?, clock, known, turn, withdrawn })
    }

    /// What asks Entra ID.
    pub fn client(&self) -> &reqwest::Client {
        self.source.client()
    }

    /// The key with this id. One that is not known is looked for once, and not more often than [`ASK_EVERY`].
    pub async fn find(self: &Arc<Self>, kid: &str) -> Result<Arc<DecodingKey>, EntraError> {
        if let Some(key) = self.usable().and_then(|published| published.keys.get(kid).cloned()) {
            self.renew();
            return Ok(key);
        }
        let published = self.ask_until(|published| published.keys.contains_key(kid)).await?;
        published.keys.get(kid).cloned().ok_or(EntraError::Refused("it is signed with an unknown key"))
    }

    /// What is published.
    pub async fn published(self: &Arc<Self>) -> Result<Arc<Published>, EntraError> {
        match self.usable() {
            Some(published) => {
                self.renew();
                Ok(published)
            }
            None => self.ask_until(|_| true).await,
        }
    }

    /// What is known and not too old.
    fn usable(&self) -> Option<Arc<Published>> {
        let now = self.clock.now();
        self.known().published.clone().filter(|published| now - published.fetched_at < GOOD_FOR)
    }

    /// Asks in the background when what is known is a day old: nobody waits for that.
    fn renew(self: &Arc<Self>) {
        let now = self.clock.now();
        let is_old = |published: &Arc<Published>| now - published.fetched_at >= REFRESH_AFTER;
        if self.known().published.as_ref().is_some_and(is_old) && self.may_ask(now) {
            let keys = Arc::clone(self);
            tokio::spawn(async move {
                let fresh = |published: &Published| keys.clock.now() - published.fetched_at < REFRESH_AFTER;
                let _ = keys.ask_until(fresh).await;
            });
        }
    }

    /// Asks, unless what is known is enough, or it was asked a moment ago.
    async fn ask_until(self: &Arc<Self>, enough: impl Fn(&Published) -> bool) -> Result<Arc<Published>, EntraError> {
        let _turn = self.turn.lock().await;
        let usable = self.usable();
        if let Some(published) = usable.as_ref().filter(|published| enough(published)) {
            return Ok(Arc::clone(published));
        }
        if !self.may_ask(self.clock.now()) {
            // Whether there is such a key is known only if the last answer was one.
            return match (self.known().failure.clone(), usable) {
                (None, Some(published)) => Ok(published),
                (Some(failure), _) => Err(failure),
                (None, None) => Err(EntraError::Unavailable("it was asked a moment ago".to_owned())),
            };
        }
        // A caller that hangs up must not leave the others without an answer.
        let keys = Arc::clone(self);
        let asked = tokio::spawn(async move { keys.ask().await }).await;
        asked.unwrap_or_else(|_| Err(EntraError::Unavailable("it could not be read".to_owned())))
    }

    async fn ask(&self) -> Result<Arc<Published>, EntraError> {
        let now = self.clock.now();
        self.known().asked_at = Some(now);
        match self.source.read(now).await {
            Ok(published) => {
                let published = Arc::new(published);
                let mut known = self.known();
                let before = known.published.replace(Arc::clone(&published));
                known.failure = None;
                drop(known);
                if before.is_some_and(|before| before.keys.keys().any(|kid| !published.keys.contains_key(kid))) {
                    (self.withdrawn)();
                }
                Ok(published)
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "The keys of Entra ID could not be read");
                self.known().failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        // A clock that was put back must not make it wait.
        self.known().asked_at.is_none_or(|asked_at| now < asked_at || now - asked_at >= ASK_EVERY)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
