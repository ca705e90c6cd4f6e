//! Masking: the one choke point through which everything a worker wrote passes before it is stored or answered.
//!
//! A secret is looked for as it is, escaped as in JSON or by Python's `repr` (however often), percent-encoded, in hex, in
//! base64 at all three alignments (standard and URL alphabet), and line by line (design section 6, "Secrets"). A secret
//! an author transforms otherwise is not found.

mod escapes;
mod spellings;

use aho_corasick::{AhoCorasick, MatchKind};
use escapes::Plain;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

/// What stands where a secret stood.
pub const MASK: &str = "********";

/// Shorter texts would mask ordinary words; secrets this short cannot be stored.
const MIN_LENGTH: usize = 8;
/// Where a text was cut, this much of a secret's beginning is masked; less gives nothing away.
const MIN_BEGINNING: usize = 4;

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
        spellings::add_spellings(secret, &mut state.patterns);
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
        if state.finder.is_none() && !state.patterns.is_empty() {
            return MASK.to_owned();
        }
        replace(text, state.find(text))
    }

    /// A text that was cut by somebody else: every secret masked, and what may be the beginning of one at its end.
    pub fn cut_text(&self, text: &str) -> String {
        let masked = self.text(text);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let plain = Plain::of(&masked);
        let seen = plain.as_ref().map_or(masked.as_str(), |plain| &plain.text);
        let beginnings = state.patterns.iter().flat_map(|pattern| {
            pattern.char_indices().map(|(end, _)| &pattern[..end]).filter(|beginning| beginning.len() >= MIN_BEGINNING)
        });
        match beginnings.filter(|beginning| seen.ends_with(beginning)).map(str::len).max() {
            None => masked,
            Some(longest) => {
                let part = seen.len() - longest..seen.len();
                let from = plain.as_ref().map_or(part.start, |plain| plain.origin(part).start);
                format!("{}{MASK}", &masked[..from])
            }
        }
    }

    /// A text that goes on in another: the first with every secret masked, one that reaches into the second included,
    /// and how many bytes of the second belong to that secret.
    pub fn across(&self, first: &str, second: &str) -> (String, usize) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.finder.is_none() {
            drop(state);
            return (self.text(first), 0);
        }
        let mut both = format!("{first}{second}");
        let found: Vec<_> = state.find(&both).into_iter().filter(|found| found.start < first.len()).collect();
        let reaches = found.last().map_or(0, |found| found.end.saturating_sub(first.len()));
        both.truncate(first.len() + reaches);
        (replace(&both, found), reaches)
    }

    /// JSON text with every secret masked: in strings, in keys, and in numbers whose digits spell one. A text without
    /// secrets comes back byte for byte.
    pub fn json(&self, json: &str) -> String {
        if self.state.read().unwrap_or_else(PoisonError::into_inner).patterns.is_empty() {
            return json.to_owned();
        }
        let unnumbered = self.numbers(json);
        match serde_json::from_str::<Value>(&unnumbered) {
            Ok(mut value) => {
                if self.value(&mut value) || unnumbered != json {
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

    /// JSON text with every number that spells a secret as a mask. Digit by digit as it was written: beyond 2^53 a
    /// parsed number has lost its last digits, and with them the likeness.
    fn numbers(&self, json: &str) -> String {
        let is_numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let mut masked = String::with_capacity(json.len());
        let mut rest = json;
        let mut in_string = false;
        while !rest.is_empty() {
            let bytes = rest.as_bytes();
            let end = if in_string {
                // Up to the closing quote or an escape, which is skipped with what it escapes.
                match bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                    Some(at) if bytes[at] == b'"' => {
                        in_string = false;
                        at + 1
                    }
                    Some(at) => at + 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
                    None => rest.len(),
                }
            } else if matches!(bytes[0], b'-' | b'0'..=b'9') {
                let end = bytes.iter().position(|byte| !is_numeric(byte)).unwrap_or(rest.len());
                let number = self.text(&rest[..end]);
                if number != rest[..end] {
                    masked.push_str(&format!("\"{MASK}\""));
                    rest = &rest[end..];
                    continue;
                }
                end
            } else {
                let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9')).unwrap_or(rest.len());
                in_string = bytes.get(end) == Some(&b'"');
                end + usize::from(in_string)
            };
            masked.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        masked
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

impl State {
    /// Where secrets stand in a text, from left to right.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let Some(finder) = &self.finder else { return Vec::new() };
        match Plain::of(text) {
            None => finder.find_iter(text).map(|found| found.range()).collect(),
            Some(plain) => finder.find_iter(&plain.text).map(|found| plain.origin(found.range())).collect(),
        }
    }
}

fn replace(text: &str, found: Vec<Range<usize>>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut seen = 0;
    for found in found {
        masked.push_str(&text[seen..found.start]);
        masked.push_str(MASK);
        seen = found.end;
    }
    masked.push_str(&text[seen..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
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
    fn a_long_number_is_masked_though_its_last_digits_do_not_survive_parsing() {
        let digits = "9007199254740993907";
        let masked = masker(digits).json(&format!(r#"{{"\"-1": "a\\", "pins": [-1{digits}, 12, {digits}.5e-3]}}"#));
        assert_eq!(masked, format!(r#"{{"\"-1":"a\\","pins":["{MASK}",12,"{MASK}"]}}"#));
    }

    #[test]
    fn what_python_shows_of_a_secret_is_masked() {
        let masker = masker("it's \"100%\"\\\u{e4}\n\u{1F600}");
        for shown in [
            r#"{'a': 'it\'s "100%"\\ä\n😀'}"#,
            r#"it's "100%"\\ä\n😀"#,
            r#"it\'s "100%"\\\xe4\n\U0001f600"#,
            r#"b'it\'s "100%"\\\xc3\xa4\n\xf0\x9f\x98\x80'"#,
        ] {
            let masked = masker.text(shown);
            assert!(masked.contains(MASK) && !masked.contains("100"), "{masked}");
        }
    }

    #[test]
    fn a_text_that_was_cut_does_not_end_with_the_beginning_of_a_secret() {
        let masker = masker("correct-horse");
        for (cut, masked) in [
            ("a correct-horse b corre", format!("a {MASK} b {MASK}")),
            ("a correct-horse", format!("a {MASK}")),
            ("a cor", "a cor".to_owned()),
            ("", String::new()),
        ] {
            assert_eq!(masker.cut_text(cut), masked);
        }
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
