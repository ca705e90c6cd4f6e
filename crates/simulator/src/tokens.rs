//! Bearer tokens the simulator issued. They live in memory: a restart makes every one unknown.

use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::HashMap, sync::Mutex};
use uuid::Uuid;

/// How long a token works, as Entra and Halo say in `expires_in`.
pub(crate) const LIFETIME_SECONDS: i64 = 3600;

/// What a token opens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opens {
    /// One tenant's directory, with the roles consented to when it was issued.
    Graph { tenant: Uuid, roles: Vec<String> },
    /// One HaloPSA instance.
    Halo { tenant: String },
}

#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, (Opens, DateTime<Utc>)>>);

impl Tokens {
    pub(crate) fn issue(&self, opens: Opens) -> String {
        let token = format!("simulated.{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let now = Utc::now();
        let mut tokens = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.retain(|_, (_, expires_at)| *expires_at > now);
        tokens.insert(token.clone(), (opens, now + TimeDelta::seconds(LIFETIME_SECONDS)));
        token
    }

    pub(crate) fn opens(&self, token: &str) -> Option<Opens> {
        let tokens = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.get(token).filter(|(_, expires_at)| *expires_at > Utc::now()).map(|(opens, _)| opens.clone())
    }

    pub(crate) fn revoke_all(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }
}
