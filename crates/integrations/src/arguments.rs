//! Reading what author code passed to an operation.

use crate::error::{INVALID_ARGUMENTS, IntegrationError};
use msp_domain::workflow::nearest;
use serde_json::{Map, Value};

/// The arguments of one call. `null` counts as not given: that is what Python sends for `None`.
pub(crate) struct Arguments<'a>(&'a Map<String, Value>);

impl<'a> Arguments<'a> {
    /// Refuses names the operation does not have.
    pub(crate) fn check(
        operation: &str,
        arguments: &'a Map<String, Value>,
        known: &[&'static str],
    ) -> Result<Self, IntegrationError> {
        let Some(unknown) = arguments.keys().find(|name| !known.contains(&name.as_str())) else {
            return Ok(Self(arguments));
        };
        let hint = match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it takes {}", known.join(", ")),
        };
        let message = format!("`{operation}` has no argument `{unknown}`; {hint}");
        Err(IntegrationError::new(INVALID_ARGUMENTS, message))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The first of several names one argument goes by, with the name that was used.
    pub(crate) fn any_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    /// A text that is not blank; blank counts as not given.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, IntegrationError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(IntegrationError::invalid(name, "must be a text")),
        }
    }

    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, IntegrationError> {
        self.text(name)?.ok_or_else(|| IntegrationError::invalid(name, "is required"))
    }

    /// A whole number of at least `least`; see [`integer`] for the spellings.
    pub(crate) fn integer(&self, name: &str, least: i64) -> Result<Option<i64>, IntegrationError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => integer(value).filter(|number| *number >= least).map(Some).ok_or_else(|| {
                IntegrationError::invalid(name, format!("must be a whole number of at least {least}, such as `95`"))
            }),
        }
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, IntegrationError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(IntegrationError::invalid(name, "must be true or false")),
        }
    }
}

/// A whole number written as `95`, `95.0` or `"95"`: config values and Python floats arrive in all three forms, and
/// HaloPSA accepts only the first.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    /// Beyond this a float no longer holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => {
            let text = text.trim();
            let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
            text.parse().ok().or_else(|| text.parse().ok().filter(|_| plain).and_then(whole))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_numbers_are_read_in_every_spelling_and_nothing_else_is() {
        for value in [json!(95), json!(95.0), json!("95"), json!(" 95.0 ")] {
            assert_eq!(integer(&value), Some(95), "{value}");
        }
        for value in [json!(95.5), json!("95.5"), json!("1e3"), json!("inf"), json!(1e300), json!(true), json!("")] {
            assert_eq!(integer(&value), None, "{value}");
        }
    }
}
