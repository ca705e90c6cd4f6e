//! The one place where input becomes typed values.

use super::{FieldFault, Parameter, ParameterType};
use crate::{naming, workflow::nearest};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value};

/// Validates and coerces the input of one run: every declared parameter gets its typed value or default,
/// unknown names are refused with the nearest known one, and all faults are reported at once.
///
/// An empty text or `null` counts as "not given": that is what an untouched form field sends.
///
/// # Errors
/// Every fault found, in the order of the parameters, unknown names last.
pub fn validate_input(
    parameters: &[Parameter],
    input: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<FieldFault>> {
    let mut values = Map::new();
    let mut faults = Vec::new();
    for parameter in parameters {
        match input.get(&parameter.name).filter(|value| is_given(parameter.parameter_type, value)) {
            Some(given) => match parameter.accept(given) {
                Ok(value) => {
                    values.insert(parameter.name.clone(), value);
                }
                Err(detail) => faults.push(FieldFault::at(&parameter.name, detail)),
            },
            None if parameter.default.is_some() => {
                values.insert(parameter.name.clone(), parameter.default.clone().unwrap_or_default());
            }
            None if parameter.required => {
                let label = parameter.label.as_deref().unwrap_or(&parameter.name);
                faults.push(FieldFault::at(&parameter.name, format!("{label} is required")));
            }
            // Left out of the call: the Python default holds, or `None` where there is none.
            None => {}
        }
    }
    for name in input.keys() {
        if !parameters.iter().any(|parameter| &parameter.name == name) {
            let known = parameters.iter().map(|parameter| parameter.name.as_str());
            let hint = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            faults.push(FieldFault::at(name, format!("unknown parameter `{name}`{hint}")));
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn is_given(parameter_type: ParameterType, value: &Value) -> bool {
    match value {
        Value::Null => parameter_type == ParameterType::Json,
        Value::String(text) => !text.is_empty() || parameter_type == ParameterType::Json,
        _ => true,
    }
}

impl Parameter {
    /// Coerces one value to this parameter's type and checks its limits.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn accept(&self, value: &Value) -> Result<Value, String> {
        let value = self.coerce(value)?;
        self.check_options(&value)?;
        self.check_limits(&value)?;
        Ok(value)
    }

    fn coerce(&self, value: &Value) -> Result<Value, String> {
        match self.parameter_type {
            ParameterType::String | ParameterType::Password => text(value).map(Value::from),
            ParameterType::Email => naming::email(text(value)?).map(Value::from),
            ParameterType::Int => whole_number(value),
            ParameterType::Number => number(value),
            ParameterType::Bool => boolean(value),
            ParameterType::Date => {
                let text = text(value)?.trim();
                // chrono accepts `2026-1-2`; one day has one spelling here.
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
                day.map(|day| Value::from(day.to_string()))
                    .ok_or_else(|| "expected a day as YYYY-MM-DD, such as `2026-03-31`".to_owned())
            }
            ParameterType::Datetime => {
                let text = text(value)?.trim();
                DateTime::parse_from_rfc3339(text)
                    .map(|_| Value::from(text))
                    .map_err(|_| "expected an instant with offset, such as `2026-03-31T09:30:00+02:00`".to_owned())
            }
            ParameterType::Select => match value {
                Value::Array(_) | Value::Object(_) => Err("expected one of the offered values".to_owned()),
                other => Ok(other.clone()),
            },
            ParameterType::MultiSelect => match value {
                Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
                    Ok(value.clone())
                }
                _ => Err("expected a list of the offered values".to_owned()),
            },
            ParameterType::Json => Ok(value.clone()),
        }
    }

    fn check_options(&self, value: &Value) -> Result<(), String> {
        let Some(options) = &self.options else { return Ok(()) };
        let chosen = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        match chosen.iter().find(|choice| !options.contains(choice)) {
            Some(unknown) => {
                let offered: Vec<String> = options.iter().map(ToString::to_string).collect();
                Err(format!("{unknown} is not offered; choose from {}", offered.join(", ")))
            }
            None => Ok(()),
        }
    }

    fn check_limits(&self, value: &Value) -> Result<(), String> {
        let limits = &self.validation;
        if let Some(text) = value.as_str() {
            let length = text.chars().count();
            if let Some(min) = limits.min_length.filter(|min| length < *min) {
                return Err(format!("enter at least {min} characters"));
            }
            if let Some(max) = limits.max_length.filter(|max| length > *max) {
                return Err(format!("enter at most {max} characters"));
            }
            if let Some(pattern) = &limits.pattern {
                let regex = regex_lite::Regex::new(pattern)
                    .map_err(|fault| format!("the author's pattern is not a valid regular expression: {fault}"))?;
                if !regex.is_match(text) {
                    return Err(limits.message.clone().unwrap_or_else(|| format!("must match `{pattern}`")));
                }
            }
        }
        if let Some(number) = value.as_f64() {
            if let Some(min) = limits.min.filter(|min| number < *min) {
                return Err(format!("must be at least {min}"));
            }
            if let Some(max) = limits.max.filter(|max| number > *max) {
                return Err(format!("must be at most {max}"));
            }
        }
        if let Some(items) = value.as_array() {
            if let Some(min) = limits.min_items.filter(|min| items.len() < *min) {
                return Err(format!("choose at least {min}"));
            }
            if let Some(max) = limits.max_items.filter(|max| items.len() > *max) {
                return Err(format!("choose at most {max}"));
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "expected a text".to_owned())
}

fn whole_number(value: &Value) -> Result<Value, String> {
    let whole = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(exact_integer)),
        Value::String(text) => text.trim().parse::<i64>().ok(),
        _ => None,
    };
    whole.map(Value::from).ok_or_else(|| "expected a whole number, such as `25`".to_owned())
}

/// `95.0` is a whole number in JSON Schema's eyes; integers beyond 2^53 would silently lose digits.
fn exact_integer(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by 2^53 and without fraction")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn number(value: &Value) -> Result<Value, String> {
    let fault = || "expected a number, such as `2.5`".to_owned();
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Ok(Value::from(whole));
            }
            let parsed: f64 = text.parse().map_err(|_| fault())?;
            serde_json::Number::from_f64(parsed).map(Value::Number).ok_or_else(fault)
        }
        _ => Err(fault()),
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err("expected `true` or `false`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Validation;
    use proptest::prelude::*;
    use serde_json::json;

    fn parameter(parameter_type: ParameterType) -> Parameter {
        Parameter {
            name: "p".into(),
            parameter_type,
            required: true,
            default: None,
            options_from: None,
            options: None,
            label: None,
            help: None,
            validation: Validation::default(),
        }
    }

    fn accept(parameter_type: ParameterType, value: Value) -> Option<Value> {
        parameter(parameter_type).accept(&value).ok()
    }

    #[test]
    fn each_type_accepts_its_values_and_coerces_their_text() {
        use ParameterType as T;
        for (kind, given, expected) in [
            (T::String, json!(" kept "), Some(json!(" kept "))),
            (T::String, json!(5), None),
            (T::Int, json!("25"), Some(json!(25))),
            (T::Int, json!(95.0), Some(json!(95))),
            (T::Int, json!(2.5), None),
            (T::Int, json!(true), None),
            (T::Number, json!("2.5"), Some(json!(2.5))),
            (T::Number, json!("NaN"), None),
            (T::Number, json!("inf"), None),
            (T::Bool, json!("TRUE"), Some(json!(true))),
            (T::Bool, json!("yes"), None),
            (T::Email, json!(" ada@example.com "), Some(json!("ada@example.com"))),
            (T::Email, json!("ada@localhost"), None),
            (T::Email, json!("a@b@example.com"), None),
            (T::Date, json!("2026-02-28"), Some(json!("2026-02-28"))),
            (T::Date, json!("2026-02-30"), None),
            (T::Date, json!("2026-2-3"), None),
            (T::Datetime, json!("2026-03-31T09:30:00+02:00"), Some(json!("2026-03-31T09:30:00+02:00"))),
            (T::Datetime, json!("2026-03-31T09:30:00"), None),
            (T::Select, json!("a"), Some(json!("a"))),
            (T::Select, json!(["a"]), None),
            (T::MultiSelect, json!(["a", 1]), Some(json!(["a", 1]))),
            (T::MultiSelect, json!("a"), None),
            (T::Json, json!({"a": [1]}), Some(json!({"a": [1]}))),
        ] {
            assert_eq!(accept(kind, given.clone()), expected, "{kind:?} of {given}");
        }
    }

    #[test]
    fn every_fault_is_reported_at_once_and_names_the_nearest_parameter() {
        let mut email = parameter(ParameterType::Email);
        email.name = "email".into();
        let mut license = parameter(ParameterType::String);
        license.name = "license".into();
        let input = json!({"email": "nobody", "licence": "E3"});
        let faults = validate_input(&[email, license], input.as_object().expect("an object")).expect_err("faults");
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["#/email", "#/license", "#/licence"]);
        assert!(faults[2].detail.contains("did you mean `license`?"));
    }

    #[test]
    fn an_empty_field_takes_the_default_or_is_left_out() {
        let mut with_default = parameter(ParameterType::Int);
        with_default.default = Some(json!(3));
        let mut optional = parameter(ParameterType::String);
        optional.name = "note".into();
        optional.required = false;
        let input = json!({"p": "", "note": null});
        let values = validate_input(&[with_default, optional], input.as_object().expect("an object")).expect("valid");
        assert_eq!(Value::Object(values), json!({"p": 3}));
    }

    #[test]
    fn fixed_options_and_limits_are_enforced() {
        let mut select = parameter(ParameterType::MultiSelect);
        select.options = Some(vec![json!("a"), json!("b")]);
        select.validation.max_items = Some(1);
        assert!(select.accept(&json!(["a", "c"])).expect_err("not offered").contains("\"c\" is not offered"));
        assert!(select.accept(&json!(["a", "b"])).is_err());
        let mut text = parameter(ParameterType::String);
        text.validation.pattern = Some("^[a-z]+$".into());
        text.validation.message = Some("use lower-case letters".into());
        assert_eq!(text.accept(&json!("ABC")), Err("use lower-case letters".into()));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_typed_parameter_panic_or_yield_another_type(text in ".{0,60}") {
            for kind in [ParameterType::Int, ParameterType::Number, ParameterType::Bool, ParameterType::Email,
                         ParameterType::Date, ParameterType::Datetime] {
                if let Some(value) = accept(kind, json!(text)) {
                    match kind {
                        ParameterType::Int => prop_assert!(value.is_i64()),
                        ParameterType::Number => prop_assert!(value.is_number()),
                        ParameterType::Bool => prop_assert!(value.is_boolean()),
                        _ => prop_assert!(value.is_string()),
                    }
                }
            }
        }
    }
}
