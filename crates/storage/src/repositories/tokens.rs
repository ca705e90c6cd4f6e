//! Random bearer values (session cookies, link tokens) and the hashes under which they are stored.

use crate::SecretValue;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

/// 256 random bits as base64url. A version 4 UUID carries 122 bits of the operating system's randomness, so three
/// of them, condensed by SHA-256, leave none of the 256 to guess.
pub(super) fn fresh_token() -> SecretValue {
    let mut hash = Sha256::new();
    for _ in 0..3 {
        hash.update(Uuid::new_v4().as_bytes());
    }
    SecretValue::new(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()))
}

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn sha256_hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
