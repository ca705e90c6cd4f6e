//! What a token of Entra ID says (Microsoft Learn: "Access token claims reference", "ID token claims reference").

use super::EntraError;
use chrono::{DateTime, Utc};
use msp_domain::{UserId, naming};
use serde::Deserialize;
use uuid::Uuid;

/// The claims that matter here. Issuer, audience and signature were checked when these are read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    /// One, as Entra ID writes it: a token for several applications is none of its own.
    #[serde(rename = "aud")]
    _aud: String,
    pub tid: Uuid,
    pub oid: UserId,
    pub ver: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    #[serde(default)]
    pub sub: Option<String>,
    /// The client that asked for an access token. No id token of Entra ID has it.
    #[serde(default)]
    pub azp: Option<String>,
    #[serde(default)]
    pub scp: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub idtyp: Option<String>,
    #[serde(default)]
    pub nonce: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    upn: Option<String>,
}

impl Claims {
    pub fn issued_at(&self) -> Result<DateTime<Utc>, EntraError> {
        instant(self.iat)
    }

    pub fn not_before(&self) -> Result<DateTime<Utc>, EntraError> {
        instant(self.nbf)
    }

    pub fn expires_at(&self) -> Result<DateTime<Utc>, EntraError> {
        instant(self.exp)
    }

    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// The address a person signs in with, if it is one. The claim `email` is not read: people can set it themselves.
    pub fn address(&self) -> Option<String> {
        let names = [&self.preferred_username, &self.upn];
        names.into_iter().flatten().find_map(|text| naming::email(text).ok()).map(str::to_owned)
    }

    /// What a person is called; without a name in the token, its address.
    pub fn display_name(&self) -> Option<String> {
        self.name.as_deref().and_then(shown).or_else(|| self.address())
    }
}

/// A name as it may stand in one line, or `None` when nothing of it may.
fn shown(name: &str) -> Option<String> {
    let kept: String = name.trim().chars().filter(|c| naming::is_showable(*c)).take(naming::MAX_NAME_CHARS).collect();
    naming::name(&kept).ok().map(str::to_owned)
}

fn instant(seconds: i64) -> Result<DateTime<Utc>, EntraError> {
    DateTime::from_timestamp(seconds, 0).ok_or(EntraError::Refused("it names no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_neither_moves_the_cursor_nor_fills_a_page() {
        assert_eq!(shown(" Zo\u{eb} \u{1b}[2J\u{202e} "), Some("Zo\u{eb} [2J".to_owned()));
        assert_eq!(shown("\u{202e}\n"), None);
        assert_eq!(shown(&"x".repeat(1_000)).map(|name| name.len()), Some(naming::MAX_NAME_CHARS));
    }
}
