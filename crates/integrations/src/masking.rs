//! Keeping credentials, tokens and passwords out of everything that leaves this crate.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

/// Longest part of a service's own message that is quoted: enough for the reason, too short for a body.
const MAX_QUOTE_CHARS: usize = 200;

const MASK: &str = "***";

/// The secrets one call has handled.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let escaped = Value::from(secret).to_string();
        for form in [secret, &encoded, escaped.trim_matches('"')] {
            if !self.0.iter().any(|known| known.as_str() == form) {
                self.0.push(Zeroizing::new(form.to_owned()));
            }
        }
        // Longest first: a secret that begins with another must vanish whole.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    pub(crate) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.0 {
            if masked.contains(secret.as_str()) {
                masked = masked.replace(secret.as_str(), MASK);
            }
        }
        masked
    }

    /// Masks an answer on its way to author code: a service may echo what it was sent.
    pub(crate) fn mask_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.mask(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.mask_value(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (self.mask(&key), self.mask_value(value))).collect()
            }
            other => other,
        }
    }

    /// A service's message as it may be quoted: one line, masked before it is cut, so no half of a secret is left.
    pub(crate) fn quote(&self, message: &str) -> String {
        let line = message.split(['\r', '\n']).find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = line.split(" Trace ID:").next().unwrap_or_default();
        let masked: String = self.mask(line.trim()).chars().filter(|c| !c.is_control()).collect();
        if masked.chars().count() <= MAX_QUOTE_CHARS {
            return masked;
        }
        masked.chars().take(MAX_QUOTE_CHARS).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_vanishes_raw_and_encoded_and_before_a_message_is_cut() {
        let mut secrets = Secrets::default();
        secrets.add("s3cret/\"value\"");
        let long = format!("{}s3cret/\"value\"", "x".repeat(MAX_QUOTE_CHARS - 4));
        assert!(!secrets.quote(&long).contains("s3"));
        assert_eq!(secrets.mask("a s3cret%2F%22value%22 b"), "a *** b");
        let echoed = json!({ "s3cret/\"value\"": ["x s3cret/\"value\""] });
        assert_eq!(secrets.mask_value(echoed), json!({ "***": ["x ***"] }));
    }
}
