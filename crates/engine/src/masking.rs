//! Masking: the one choke point through which everything a worker wrote passes before it is stored or answered.
//!
//! A secret is looked for as it is, JSON-escaped, percent-encoded, in hex, in base64 at all three alignments (standard
//! and URL alphabet), and line by line (design section 6, "Secrets"). A secret an author transforms otherwise is not found.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine as _, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

/// What stands where a secret stood.
pub const MASK: &str = "********";

/// Shorter texts would mask ordinary words; secrets this short cannot be stored.
const MIN_LENGTH: usize = 8;

/// Finds and masks a growing set of secrets. Clones share the set.
#[derive(Clone, Default)]
pub struct Masker {
    state: Arc<RwLock<State>>,
}

#[derive(Default)]
struct State {
    patterns: BTreeSet<String>,
    finder: Option<AhoCorasick>,
}

impl Masker {
    /// From now on this secret is masked. Texts under eight characters are not.
    pub fn add(&self, secret: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.patterns.len();
        add_spellings(secret, &mut state.patterns);
        if state.patterns.len() != before {
            state.finder = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&state.patterns)
                // Fails only beyond 2^31 pattern bytes; masking everything is then the safe answer, see `text`.
                .ok();
        }
    }

    /// The text with every secret masked.
    pub fn text(&self, text: &str) -> String {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &state.finder {
            _ if state.patterns.is_empty() => text.to_owned(),
            None => MASK.to_owned(),
            Some(finder) => {
                let mut masked = String::with_capacity(text.len());
                finder.replace_all_with(text, &mut masked, |_, _, into| {
                    into.push_str(MASK);
                    true
                });
                masked
            }
        }
    }

    /// A text that goes on in another: the first with every secret masked, one that reaches into the second included,
    /// and how many bytes of the second belong to that secret.
    pub fn across(&self, first: &str, second: &str) -> (String, usize) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(finder) = &state.finder else {
            drop(state);
            return (self.text(first), 0);
        };
        let both = format!("{first}{second}");
        let mut masked = String::with_capacity(first.len());
        let mut seen = 0;
        for found in finder.find_iter(&both).take_while(|found| found.start() < first.len()) {
            masked.push_str(&both[seen..found.start()]);
            masked.push_str(MASK);
            seen = found.end();
        }
        if seen < first.len() {
            masked.push_str(&first[seen..]);
        }
        (masked, seen.saturating_sub(first.len()))
    }

    /// JSON text with every secret masked: in strings, in keys, and in numbers whose digits spell one. A text without
    /// secrets comes back byte for byte.
    pub fn json(&self, json: &str) -> String {
        if self.state.read().unwrap_or_else(PoisonError::into_inner).patterns.is_empty() {
            return json.to_owned();
        }
        match serde_json::from_str::<Value>(json) {
            Ok(mut value) => {
                if self.value(&mut value) {
                    value.to_string()
                } else {
                    json.to_owned()
                }
            }
            // Nested too deeply to be walked. Masking may cut through a number, so the rest travels as a text.
            Err(_) => match self.text(json) {
                masked if masked == json => masked,
                masked => Value::from(masked).to_string(),
            },
        }
    }

    /// Masks a JSON value in place; answers whether anything was masked.
    pub fn value(&self, value: &mut Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => {
                let found = self.text(&number.to_string()).contains(MASK);
                if found {
                    *value = Value::from(MASK);
                }
                found
            }
            Value::String(text) => {
                let masked = self.text(text);
                let found = masked != *text;
                *text = masked;
                found
            }
            Value::Array(items) => items.iter_mut().fold(false, |found, item| self.value(item) | found),
            Value::Object(map) => {
                let mut found = false;
                let entries = std::mem::take(map);
                for (key, mut item) in entries {
                    found |= self.value(&mut item);
                    let masked = self.text(&key);
                    found |= masked != key;
                    map.insert(masked, item);
                }
                found
            }
        }
    }
}

fn add_spellings(secret: &str, patterns: &mut BTreeSet<String>) {
    if secret.chars().count() < MIN_LENGTH {
        return;
    }
    let mut add = |pattern: String| {
        if pattern.len() >= MIN_LENGTH {
            patterns.insert(pattern);
        }
    };
    add(secret.to_owned());
    add(secret.trim().to_owned());
    for escaped in json_spellings(secret) {
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

/// As `json.dumps` writes it, with and without `ensure_ascii`, and with `/` escaped as some encoders do.
fn json_spellings(secret: &str) -> [String; 3] {
    let quoted = Value::from(secret).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let mut ascii = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0_u16; 2];
            for unit in c.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    [ascii, plain.replace('/', "\\/"), plain]
}

/// Percent-encoded the ways common encoders do: everything but unreserved, with `/` kept, blanks as `+`, either case.
fn percent_spellings(secret: &str) -> [String; 6] {
    let encode = |keep_slash: bool, plus: bool, upper: bool| -> String {
        secret
            .bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                b'/' if keep_slash => "/".to_owned(),
                b' ' if plus => "+".to_owned(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    };
    [
        encode(false, false, true),
        encode(false, false, false),
        encode(true, false, true),
        encode(true, false, false),
        encode(false, true, true),
        encode(false, true, false),
    ]
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;
    use serde_json::json;

    fn masker(secret: &str) -> Masker {
        let masker = Masker::default();
        masker.add(secret);
        masker
    }

    #[test]
    fn every_line_of_a_pem_is_masked_wherever_it_stands() {
        let pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----";
        let masked = masker(pem).text("first AQEFAASCBKcwggSjAgEAAoIB last");
        assert_eq!(masked, format!("first {MASK} last"));
    }

    #[test]
    fn a_secret_made_of_digits_is_masked_in_a_json_number_and_in_a_key() {
        let masked = masker("12345678").json(r#"{"pin": 123456789, "x12345678": [true, null, 1.5]}"#);
        assert_eq!(masked, format!(r#"{{"pin":"{MASK}","x{MASK}":[true,null,1.5]}}"#));
    }

    #[test]
    fn masked_json_stays_json_however_deeply_it_is_nested() {
        let deep = format!("{}1234567890{}", "[".repeat(200), "]".repeat(200));
        let masked = masker("12345678").json(&deep);
        let text: String = serde_json::from_str(&masked).expect("JSON");
        assert!(text.contains(MASK) && !text.contains("12345678"), "{text}");
        assert_eq!(masker("something else").json(&deep), deep);
    }

    #[test]
    fn json_without_secrets_comes_back_byte_for_byte() {
        let text = r#"{ "big": 12345678901234567890123,  "a" : 1.0 }"#;
        assert_eq!(masker("long enough").json(text), text);
    }

    #[test]
    fn a_secret_that_is_cut_in_two_is_masked_in_the_first_part_and_taken_out_of_the_second() {
        let masker = masker("correct-horse");
        assert_eq!(masker.across("a correct-horse b corre", "ct-horse c"), (format!("a {MASK} b {MASK}"), 8));
        assert_eq!(masker.across("no secret cor", "ner"), ("no secret cor".to_owned(), 0));
        assert_eq!(Masker::default().across("a", "b"), ("a".to_owned(), 0));
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_every_encoding_at_every_alignment(
            secret in "[ -~äß€\u{1F600}]{8,40}", before in "[a-z ]{0,4}", after in "[a-z ]{0,4}"
        ) {
            let masker = masker(&secret);
            let plain = format!("{before}{secret}{after}");
            let hex: String = plain.bytes().map(|b| format!("{b:02x}")).collect();
            let escaped = json!(plain).to_string();
            let percent = percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert!(!masker.text(&plain).contains(&secret));
            prop_assert!(masker.text(&hex).contains(MASK));
            prop_assert!(masker.text(&escaped).contains(MASK));
            prop_assert!(masker.text(&STANDARD.encode(&plain)).contains(MASK));
            prop_assert!(masker.text(&URL_SAFE_NO_PAD.encode(&plain)).contains(MASK));
            let unreserved = secret.bytes().all(|b| !matches!(b, b'-' | b'.' | b'_' | b'~'));
            if unreserved {
                prop_assert!(masker.text(&percent).contains(MASK));
            }
            let mut value = json!({"a": [plain.clone()], plain.clone(): 1});
            masker.value(&mut value);
            prop_assert!(!value.to_string().contains(&secret));
        }
    }
}
