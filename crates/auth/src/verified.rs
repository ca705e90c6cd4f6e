//! Tokens whose signature was verified before.

use crate::tokens::Verified;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most tokens that are remembered: a person or program uses one for an hour. Only verified tokens get in, so nobody can
/// fill it with made-up ones.
const MOST_KEPT: usize = 4096;

/// What each says, by the hash of its text: a token in memory could be stolen from there.
#[derive(Default)]
pub(crate) struct VerifiedTokens(Mutex<HashMap<[u8; 32], Verified>>);

impl VerifiedTokens {
    /// What a token says, if it was verified before; else verifies it with `verify` and remembers it.
    pub fn get_or_verify<E>(
        &self,
        token: &str,
        now: DateTime<Utc>,
        verify: impl FnOnce() -> Result<Verified, E>,
    ) -> Result<Verified, E> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(verified) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Ok(verified.clone());
        }
        let verified = verify()?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, verified| verified.identity.expires_at > now);
        }
        if kept.len() < MOST_KEPT {
            kept.insert(hash, verified.clone());
        }
        Ok(verified)
    }
}
