//! What a secret looks like in the encodings of design section 6.

use super::{MIN_BEGINNING, MIN_LENGTH, escapes};
use base64::{Engine as _, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use std::collections::BTreeSet;

/// Adds everything a secret may look like. Texts under eight characters would mask ordinary words.
pub(super) fn add_spellings(secret: &str, patterns: &mut BTreeSet<String>) {
    if secret.chars().count() < MIN_LENGTH {
        return;
    }
    let mut add = |pattern: String| {
        let plain = escapes::of_pattern(&pattern);
        // Little may be left of a secret that is mostly backslashes.
        if pattern.len() >= MIN_LENGTH && plain.len() >= MIN_BEGINNING {
            patterns.insert(plain);
        }
    };
    add(secret.to_owned());
    add(secret.trim().to_owned());
    for escaped in escaped_spellings(secret) {
        add(escaped);
    }
    for percent in percent_spellings(secret) {
        add(percent);
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    add(hex.to_uppercase());
    add(hex);
    for encoded in base64_spellings(secret.as_bytes()) {
        add(encoded);
    }
    // A PEM block is often printed line by line, or with its line ends changed.
    if secret.contains('\n') {
        for line in secret.lines().map(str::trim).filter(|line| line.chars().count() >= MIN_LENGTH) {
            add_spellings(line, patterns);
        }
    }
}

/// As `json.dumps` and Python's `repr` and `ascii` write it, as a text and as bytes: dictionaries, key errors and `%r`
/// show values like this. How quotes, slashes and backslashes are escaped makes no difference (see [`super::escapes`]).
fn escaped_spellings(secret: &str) -> Vec<String> {
    let controls = |c: char| match c {
        '\n' => Some("\\n".to_owned()),
        '\r' => Some("\\r".to_owned()),
        '\t' => Some("\\t".to_owned()),
        _ => None,
    };
    let utf16 =
        |c: char| -> String { c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect() };
    let json = |c: char| match c {
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        c => utf16(c),
    };
    let ascii = |c: char| match u32::from(c) {
        code @ ..0x100 => format!("\\x{code:02x}"),
        0x100..0x1_0000 => utf16(c),
        code => format!("\\U{code:08x}"),
    };
    let bytes = |c: char| c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    let spell = |control: &dyn Fn(char) -> String, beyond_ascii: bool| {
        let one = |c: char| match controls(c) {
            Some(known) => known,
            None if c.is_ascii_control() || beyond_ascii && !c.is_ascii() => control(c),
            None => c.to_string(),
        };
        secret.chars().map(one).collect()
    };
    vec![spell(&json, false), spell(&json, true), spell(&ascii, false), spell(&ascii, true), spell(&bytes, true)]
}

/// Percent-encoded the ways common encoders do: everything but unreserved, or with `/` or what JavaScript leaves kept;
/// blanks as `+` or not; either case.
fn percent_spellings(secret: &str) -> Vec<String> {
    let encode = |kept: &str, plus: bool, upper: bool| -> String {
        secret
            .bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                _ if kept.as_bytes().contains(&byte) => char::from(byte).to_string(),
                b' ' if plus => "+".to_owned(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    };
    let mut spellings = Vec::new();
    for kept in ["", "/", "!'()*"] {
        for (plus, upper) in [(false, false), (false, true), (true, false), (true, true)] {
            spellings.push(encode(kept, plus, upper));
        }
    }
    spellings
}

/// The part of the base64 text that depends on the secret alone, wherever in a longer text the secret begins.
fn base64_spellings(secret: &[u8]) -> Vec<String> {
    let mut spellings = Vec::new();
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(alphabet, NO_PAD);
        for offset in 0..3_usize {
            let mut bytes = vec![0_u8; offset];
            bytes.extend_from_slice(secret);
            let encoded = engine.encode(&bytes);
            // Characters that also carry bits of what stands before or after are left out.
            let from = (offset * 8).div_ceil(6);
            let until = bytes.len() * 8 / 6;
            spellings.push(encoded[from..until].to_owned());
        }
    }
    spellings
}
