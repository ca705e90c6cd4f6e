//! The token of a program that only reads figures.

use sha2::{Digest, Sha256};
use std::fmt;

/// Fewest characters: nobody guesses 32 of them.
const LEAST: usize = 32;

/// The token, kept as its hash. It opens `/metrics` and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct ScrapeToken([u8; 32]);

impl ScrapeToken {
    /// Reads a token as it stands in its file; blanks around it do not count.
    ///
    /// # Errors
    /// A phrase that says what was expected, without the token.
    pub fn parse(text: &str) -> Result<Self, String> {
        let token = text.trim();
        // It travels in a header.
        if token.len() < LEAST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("must hold one token of at least {LEAST} letters, digits and signs, without blanks"));
        }
        Ok(Self(hash(token)))
    }

    /// Whether this is the token. Takes as long for any two hashes, and the hash of a guess cannot be chosen.
    pub fn matches(&self, token: &str) -> bool {
        let differing = hash(token).iter().zip(&self.0).fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0
    }
}

impl fmt::Debug for ScrapeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScrapeToken")
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_enough_and_only_itself_matches() {
        let text = "0123456789abcdef0123456789abcdef";
        let token = ScrapeToken::parse(&format!("{text}\n")).expect("a token");
        assert!(token.matches(text));
        for wrong in ["", "0123456789abcdef0123456789abcdeF", "0123456789abcdef0123456789abcdef0"] {
            assert!(!token.matches(wrong), "{wrong}");
        }
        for text in ["", "short", "0123456789abcdef 0123456789abcdef", &"\u{fc}".repeat(40)] {
            assert!(ScrapeToken::parse(text).is_err(), "{text}");
        }
        assert_eq!(format!("{token:?}"), "ScrapeToken");
    }
}
