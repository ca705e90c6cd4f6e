//! One-time sign-in links: table `SignInLinks`, PK `LINK`, RK SHA-256 of the token (hex).

use super::Actor;
use crate::{SecretValue, StoreError};
use chrono::Duration;
use msp_domain::UserId;

/// How long a link works (design section 4).
pub const LINK_LIFETIME: Duration = Duration::minutes(15);

/// The links.
#[derive(Clone)]
pub struct SignInLinks {}

impl SignInLinks {
    /// Makes a link token for a user (256 random bits, base64url).
    pub async fn issue(&self, user: UserId, actor: &Actor) -> Result<SecretValue, StoreError> {
        let _ = (user, actor);
        todo!("storage")
    }

    /// Uses a token up: of two who try, one gets the user. `None`: unknown, used, or too old.
    pub async fn redeem(&self, token: &str) -> Result<Option<UserId>, StoreError> {
        let _ = token;
        todo!("storage")
    }
}
