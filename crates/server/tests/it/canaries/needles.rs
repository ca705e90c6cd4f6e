//! What a canary looks like wherever it may turn up, whole or in part. Written apart from the product's own list of
//! encodings, so that a mistake there is not repeated here.

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE};
use std::fmt::Write as _;

/// Bytes at either end of each spelling that are looked for too: a part is a leak as well.
const PART: usize = 12;

/// Everything that gives one canary away.
pub struct Needles {
    name: &'static str,
    all: Vec<(String, Vec<u8>)>,
}

impl Needles {
    /// The needles of a canary; each of its lines is one of its own.
    pub fn of(name: &'static str, canary: &str) -> Self {
        let mut all = Vec::new();
        for line in canary.split('\n').chain([canary]).filter(|line| !line.starts_with("-----")) {
            for (kind, spelling) in spellings(line) {
                let (beginning, end) = (&spelling[..PART], &spelling[spelling.len() - PART..]);
                for (which, bytes) in [("whole", &spelling[..]), ("beginning", beginning), ("end", end)] {
                    all.push((format!("{kind}, {which}"), bytes.to_vec()));
                }
            }
        }
        Self { name, all }
    }

    /// How a text gives the canary away, if it does.
    pub fn found_in(&self, haystack: &[u8]) -> Option<String> {
        let all = aho_corasick::AhoCorasick::new(self.all.iter().map(|(_, bytes)| bytes)).expect("few and short");
        let found = all.find(haystack)?;
        let around = &haystack[found.start().saturating_sub(120)..(found.end() + 60).min(haystack.len())];
        let kind = &self.all[found.pattern().as_usize()].0;
        Some(format!("{} ({kind}) in ...{}...", self.name, String::from_utf8_lossy(around)))
    }
}

fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = |upper: bool| {
        bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = if upper { write!(hex, "{byte:02X}") } else { write!(hex, "{byte:02x}") };
            hex
        })
    };
    let percent = |kept: &str, blank: &str| {
        bytes.iter().fold(String::new(), |mut out, byte| {
            match byte {
                b' ' => out.push_str(blank),
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.as_bytes().contains(byte) => {
                    out.push(char::from(*byte));
                }
                byte => {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
            out
        })
    };
    let mut spellings = vec![
        ("raw", bytes.to_vec()),
        ("JSON", serde_json::to_string(text).expect("a text").trim_matches('"').as_bytes().to_vec()),
        ("ASCII", text.chars().flat_map(char::escape_default).collect::<String>().replace("\\'", "'").into_bytes()),
        ("percent", percent("", "%20").into_bytes()),
        ("percent but slashes", percent("/", "%20").into_bytes()),
        ("percent with plus", percent("", "+").into_bytes()),
        ("percent as in JavaScript", percent("!'()*", "%20").into_bytes()),
        ("hex", hex(false).into_bytes()),
        ("upper-case hex", hex(true).into_bytes()),
    ];
    for shift in 0..3 {
        // The groups of four characters that depend on the canary alone.
        let shifted = [vec![b'.'; shift], bytes.to_vec()].concat();
        let from = if shift == 0 { 0 } else { 4 };
        let until = shifted.len() / 3 * 4;
        spellings.push(("base64", BASE64_STANDARD.encode(&shifted).as_bytes()[from..until].to_vec()));
        spellings.push(("URL-safe base64", BASE64_URL_SAFE.encode(&shifted).as_bytes()[from..until].to_vec()));
    }
    spellings
}
