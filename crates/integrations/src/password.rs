//! First passwords of users the platform creates. Nobody ever sees one: the technician resets or hands out a pass.

use aws_lc_rs::rand::fill;
use zeroize::Zeroizing;

/// Characters in a password: with 62 to choose from far beyond guessing, and within every tenant's policy.
const LENGTH: usize = 32;

const KINDS: [&[u8]; 4] = [b"abcdefghijkmnopqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789", b"!#$%*+-=?@^_"];

/// A random password with characters of all four kinds, or `None` when the machine has no randomness.
pub(crate) fn random() -> Option<Zeroizing<String>> {
    // The kinds take turns, so any tenant's complexity rule is met; every character is drawn independently.
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    for position in 0..LENGTH {
        password.push(pick(KINDS[position % KINDS.len()])?);
    }
    Some(password)
}

/// One of these characters, each equally likely: bytes beyond the last whole multiple are drawn again.
fn pick(from: &[u8]) -> Option<char> {
    let limit = 256 - 256 % from.len();
    let mut byte = [0; 1];
    loop {
        fill(&mut byte).ok()?;
        let drawn = usize::from(byte[0]);
        if drawn < limit {
            return Some(char::from(from[drawn % from.len()]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_is_different_and_has_all_four_kinds() {
        let (one, other) = (random().expect("randomness"), random().expect("randomness"));
        assert_ne!(*one, *other);
        assert_eq!(one.len(), LENGTH);
        assert!(KINDS.iter().all(|kind| one.bytes().any(|byte| kind.contains(&byte))));
    }
}
