//! Sign-ins that browsers have begun and not yet ended.
//!
//! Nothing of them is kept here. The browser that begins one gets a *ticket*, in a cookie; `state`, `nonce` and the PKCE
//! verifier (RFC 6749 section 10.12, OpenID Connect Core section 15.5.2, RFC 7636) are MACs of it. So an answer of the
//! issuer counts only in the browser that asked for it, any process of this installation recognises it, and strangers who
//! begin a million sign-ins fill nothing.

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac, rand,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use msp_storage::SecretValue;

/// How long somebody may take at the issuer: long enough to look for a phone, short enough for a browser left open.
pub const ATTEMPT_LIFETIME: Duration = Duration::minutes(10);

/// What the key is derived from the secret for.
const KEY_PURPOSE: &[u8] = b"msp/sign-in-attempts/v1";

/// Makes tickets and recognises them.
#[derive(Clone)]
pub(crate) struct Attempts {
    key: hmac::Key,
}

/// A sign-in under way.
pub struct Attempt {
    key: hmac::Key,
    ticket: String,
    return_to: String,
    expires_at: DateTime<Utc>,
}

impl Attempts {
    /// The key comes from the application's secret: every process has it, and nobody else.
    pub fn new(client_secret: &SecretValue) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, client_secret.reveal().as_bytes());
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, KEY_PURPOSE).as_ref()) }
    }

    /// Begins one. `return_to`: the page to show afterwards, which the ticket carries.
    pub fn begin(&self, return_to: &str, now: DateTime<Utc>) -> Attempt {
        let mut random = [0; 32];
        rand::fill(&mut random).expect("the system has random numbers");
        let [random, place] = [&random[..], return_to.as_bytes()].map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let expires_at = now + ATTEMPT_LIFETIME;
        let ticket = format!("{}.{random}.{place}", expires_at.timestamp());
        Attempt { key: self.key.clone(), ticket, return_to: return_to.to_owned(), expires_at }
    }

    /// The sign-in that a browser with this ticket began, if the issuer's answer belongs to it and came in time.
    pub fn resume(&self, ticket: &str, state: &str, now: DateTime<Utc>) -> Option<Attempt> {
        let state = BASE64_URL_SAFE_NO_PAD.decode(state).ok()?;
        // Also proves that the ticket is one of ours, whole and unaltered.
        hmac::verify(&self.key, &message("state", ticket), &state).ok()?;
        let mut parts = ticket.split('.');
        let expires_at = DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?;
        let place = BASE64_URL_SAFE_NO_PAD.decode(parts.nth(1)?).ok()?;
        let return_to = String::from_utf8(place).ok()?;
        (now < expires_at).then(|| Attempt { key: self.key.clone(), ticket: ticket.to_owned(), return_to, expires_at })
    }
}

impl Attempt {
    /// What only the browser that began it holds.
    pub fn ticket(&self) -> &str {
        &self.ticket
    }

    /// What the issuer hands back with its answer.
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// What the issuer must write into the id token.
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Proves to the issuer that the code is exchanged by who asked for it (RFC 7636). Never leaves this server before.
    pub(crate) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// The hash of the verifier, which the issuer is told at the beginning (method `S256`).
    pub(crate) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier().as_bytes()))
    }

    /// The page to show afterwards.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// From when on it is not resumed any more.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    fn derived(&self, what: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &message(what, &self.ticket)))
    }
}

fn message(what: &str, ticket: &str) -> Vec<u8> {
    [what.as_bytes(), b"\0", ticket.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(secret: &str) -> Attempts {
        Attempts::new(&SecretValue::new(secret.to_owned()))
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).expect("an instant")
    }

    #[test]
    fn an_answer_is_recognised_by_its_ticket_and_state_until_ten_minutes_have_passed() {
        let ours = attempts("secret");
        let begun = ours.begin("/o/all/home?x=1#y", noon());
        let resume = |now| ours.resume(begun.ticket(), &begun.state(), now);
        let resumed = resume(noon() + Duration::minutes(10) - Duration::seconds(1)).expect("in time");
        assert_eq!(resumed.return_to(), "/o/all/home?x=1#y");
        assert_eq!((resumed.nonce(), resumed.verifier()), (begun.nonce(), begun.verifier()));
        assert!(resume(noon() + Duration::minutes(10)).is_none());
        assert!(attempts("secret").resume(begun.ticket(), &begun.state(), noon()).is_some(), "after a restart as well");
    }

    #[test]
    fn nothing_of_one_attempt_serves_another_or_was_made_elsewhere() {
        let ours = attempts("secret");
        let (one, other) = (ours.begin("/", noon()), ours.begin("/", noon()));
        let resume = |ticket: &str, state: &str| ours.resume(ticket, state, noon());
        assert!(resume(one.ticket(), &other.state()).is_none(), "the state of another browser");
        assert!(resume(one.ticket(), &one.nonce()).is_none(), "what the issuer saw is no state");
        for state in ["", "x", "===", &one.state()[1..]] {
            assert!(resume(one.ticket(), state).is_none(), "{state}");
        }
        let longer = one.ticket().replacen(char::is_numeric, "9", 1);
        let elsewhere = format!("{}Lw", one.ticket());
        for ticket in ["", "..", &longer, &elsewhere] {
            assert!(resume(ticket, &one.state()).is_none(), "{ticket}");
        }
        let foreign = attempts("another secret").begin("/", noon());
        assert!(resume(foreign.ticket(), &foreign.state()).is_none(), "made with another secret");
    }

    #[test]
    fn the_verifier_is_one_and_is_told_as_its_hash_only() {
        let attempt = attempts("secret").begin("/", noon());
        let (verifier, challenge) = (attempt.verifier(), attempt.challenge());
        // RFC 7636 section 4.1.
        assert!(
            (43..=128).contains(&verifier.len())
                && verifier.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        );
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.decode(&challenge).expect("base64url"),
            digest(&SHA256, verifier.as_bytes()).as_ref()
        );
        for seen in [attempt.ticket(), &attempt.state(), &attempt.nonce(), &challenge] {
            assert!(!seen.contains(&verifier), "{seen}");
        }
    }
}
