//! Reading the fields of a settings object, with all faults collected.

use super::addresses::{Kind, normalise};
use crate::arguments::integer;
use msp_domain::{FieldFault, workflow::nearest};
use serde_json::{Map, Value};

/// Longest text of one setting.
const MAX_TEXT_CHARS: usize = 500;

/// Shortest credential, the same as for every secret of the platform.
const MIN_CREDENTIAL_CHARS: usize = 8;

/// A settings object being read. `null` and blank texts count as not given.
pub(super) struct Fields<'a> {
    body: &'a Map<String, Value>,
    faults: Vec<FieldFault>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(settings: &'a Value, known: &[&'static str]) -> Result<Self, Vec<FieldFault>> {
        let Value::Object(body) = settings else {
            let detail = "the settings must be an object".to_owned();
            return Err(vec![FieldFault { pointer: "#".to_owned(), detail }]);
        };
        let unknown = body.keys().filter(|name| !known.contains(&name.as_str()));
        let faults = unknown.map(|name| {
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", known.join(", ")),
            };
            FieldFault::at(name, format!("unknown setting `{name}`; {hint}"))
        });
        Ok(Self { body, faults: faults.collect() })
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) if text.chars().count() > MAX_TEXT_CHARS => {
                self.fault(name, format!("must have at most {MAX_TEXT_CHARS} characters"))
            }
            Some(Value::String(text)) if text.trim().chars().any(char::is_control) => {
                self.fault(name, "must not contain line breaks or other control characters")
            }
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            Some(_) => self.fault(name, "must be a text"),
        }
    }

    pub(super) fn required_text(&mut self, name: &str, example: &str) -> Option<String> {
        let faults = self.faults.len();
        let text = self.text(name);
        if text.is_none() && self.faults.len() == faults {
            return self.fault(name, format!("is required: {example}"));
        }
        text
    }

    /// A credential. A short one could not be masked without mangling ordinary text.
    pub(super) fn credential(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.chars().count() < MIN_CREDENTIAL_CHARS {
            return self.fault(name, format!("must have at least {MIN_CREDENTIAL_CHARS} characters"));
        }
        Some(text)
    }

    pub(super) fn address(&mut self, name: &str, kind: Kind) -> Option<String> {
        let text = self.text(name)?;
        match normalise(&text, kind) {
            Ok(address) => Some(address),
            Err(detail) => self.fault(name, detail),
        }
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        let value = self.body.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))?;
        match integer(value).filter(|number| *number >= 1) {
            Some(number) => Some(number),
            None => self.fault(name, "must be a whole number of at least 1, such as `7`"),
        }
    }

    pub(super) fn fault<T>(&mut self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.faults.push(FieldFault::at(name, detail));
        None
    }

    /// Whether anything was said about this field.
    pub(super) fn is_faulty(&self, name: &str) -> bool {
        let pointer = FieldFault::at(name, "").pointer;
        self.faults.iter().any(|fault| fault.pointer == pointer)
    }

    pub(super) fn finish<T>(self, settings: T) -> Result<T, Vec<FieldFault>> {
        if self.faults.is_empty() { Ok(settings) } else { Err(self.faults) }
    }
}
