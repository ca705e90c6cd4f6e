//! Reading a JSON document by hand: each property once, each fault where it stands.

use crate::{FieldFault, form::value::MAX_WHOLE, workflow::nearest};
use serde_json::{Map, Value};
use std::cell::RefCell;

/// Most faults that are reported: who has more begins with these.
const MAX_FAULTS: usize = 100;

/// Faults found so far.
#[derive(Default)]
pub(super) struct Faults(RefCell<Vec<FieldFault>>);

impl Faults {
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub fn into_inner(self) -> Vec<FieldFault> {
        self.0.into_inner()
    }
}

/// A place in the document, as a JSON pointer.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pointer: String,
    faults: &'a Faults,
}

impl<'a> Place<'a> {
    pub fn root(faults: &'a Faults) -> Self {
        Self { pointer: "#".to_owned(), faults }
    }

    /// The place of a member or element of this one.
    pub fn at(&self, key: impl ToString) -> Self {
        let key = key.to_string().replace('~', "~0").replace('/', "~1");
        Self { pointer: format!("{}/{key}", self.pointer), faults: self.faults }
    }

    pub fn fault(&self, detail: impl Into<String>) {
        let mut faults = self.faults.0.borrow_mut();
        if faults.len() < MAX_FAULTS {
            faults.push(FieldFault { pointer: self.pointer.clone(), detail: detail.into() });
        }
    }

    pub fn object(self, value: &'a Value) -> Option<Object<'a>> {
        let Value::Object(members) = value else {
            self.fault("expected an object");
            return None;
        };
        Some(Object { place: self, members })
    }

    pub fn list<'v>(&self, value: &'v Value) -> Option<&'v [Value]> {
        if !value.is_array() {
            self.fault("expected a list");
        }
        value.as_array().map(Vec::as_slice)
    }
}

/// An object of the document. `null` counts as absent.
pub(super) struct Object<'a> {
    place: Place<'a>,
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    pub fn place(&self, key: &str) -> Place<'a> {
        self.place.at(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &'a String> {
        self.members.keys()
    }

    /// Refuses members besides these, naming the nearest.
    pub fn knows(&self, known: &[&str]) {
        for key in self.members.keys().filter(|key| !known.contains(&key.as_str())) {
            let hint = nearest(key, known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.place(key).fault(format!("`{key}` has no meaning here{hint}"));
        }
    }

    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    pub fn child(&self, key: &str) -> Option<Object<'a>> {
        self.place(key).object(self.get(key)?)
    }

    pub fn optional_text(&self, key: &str, max_chars: usize) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if text.chars().count() <= max_chars => Some(text.clone()),
            _ => {
                self.place(key).fault(format!("expected a text of at most {max_chars} characters"));
                None
            }
        }
    }

    /// A text, empty when there is none.
    pub fn text(&self, key: &str, max_chars: usize) -> String {
        self.optional_text(key, max_chars).unwrap_or_default()
    }

    pub fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.place(key).fault("expected `true` or `false`");
                false
            }
        }
    }

    /// A number that is written alike everywhere: not beyond 2^53, and not so small that it needs an exponent.
    pub fn number(&self, key: &str) -> Option<f64> {
        const SMALLEST: f64 = 1e-6;
        let number =
            self.get(key)?.as_f64().filter(|number| *number == 0.0 || (SMALLEST..=MAX_WHOLE).contains(&number.abs()));
        if number.is_none() {
            self.place(key).fault("expected a number");
        }
        number
    }

    pub fn count(&self, key: &str) -> Option<usize> {
        let count =
            self.get(key)?.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= 1_000_000);
        if count.is_none() {
            self.place(key).fault("expected a whole number from 0 to 1000000");
        }
        count
    }
}
