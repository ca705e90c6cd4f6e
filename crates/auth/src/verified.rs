//! Tokens whose signature was verified before.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most tokens that are remembered: a person or program uses one for an hour. Only verified tokens get in, so nobody can
/// fill it with made-up ones.
const MOST_KEPT: usize = 4096;

/// What a token says whose signature and issuer are right. Whether it is valid depends on the time.
#[derive(Clone)]
pub(crate) struct Verified<T> {
    pub identity: T,
    pub not_before: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// What each says, by the hash of its text: a token in memory could be stolen from there.
pub(crate) struct VerifiedTokens<T>(Mutex<HashMap<[u8; 32], Verified<T>>>);

impl<T> Default for VerifiedTokens<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> VerifiedTokens<T> {
    /// What a token says, if it was verified before; else the place to [`Self::keep`] it at.
    pub fn find(&self, token: &str) -> Result<Verified<T>, [u8; 32]> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned().ok_or(hash)
    }

    /// Remembers what a token says.
    pub fn keep(&self, place: [u8; 32], verified: Verified<T>, now: DateTime<Utc>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, verified| verified.expires_at > now);
        }
        if kept.len() < MOST_KEPT {
            kept.insert(place, verified);
        }
    }

    /// Forgets everything: a key is no longer good.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
