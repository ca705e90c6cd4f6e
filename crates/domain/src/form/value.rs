//! Values of fields: when they count as empty, equal, or one larger than the other.

use super::{
    moment,
    schema::{Field, FieldType},
};
use serde_json::Value;
use std::{borrow::Cow, cmp::Ordering};

/// Largest whole number that JavaScript and a 64-bit float hold exactly: 2^53 - 1.
pub(super) const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

/// Nothing, an empty text or an empty list. `false` and 0 are values.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Whether a value can be an option: a text, a number, `true` or `false`.
pub(super) fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// The same value of the same kind. Numbers are compared as JavaScript knows them.
pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => a.as_f64() == b.as_f64(),
        _ => is_scalar(a) && a == b,
    }
}

/// How two values of a field of this type are ordered, when they can be.
pub(super) fn order(field_type: FieldType, a: &Value, b: &Value) -> Option<Ordering> {
    match field_type {
        FieldType::Number => number(a)?.partial_cmp(&number(b)?),
        FieldType::Date => Some(moment::day(a.as_str()?)?.cmp(&moment::day(b.as_str()?)?)),
        FieldType::Datetime => Some(moment::instant(a.as_str()?)?.cmp(&moment::instant(b.as_str()?)?)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    if value.is_number() { value.as_f64() } else { None }
}

/// The value as it is checked, compared and sent: without blanks around a text, whole numbers without fraction, every
/// chosen value once.
pub(super) fn tidy<'a>(field: &Field, value: &'a Value) -> Cow<'a, Value> {
    match value {
        Value::String(text) if field.field_type.is_text() && field.field_type != FieldType::Password => {
            let trimmed = text.trim();
            if trimmed.len() == text.len() { Cow::Borrowed(value) } else { Cow::Owned(Value::from(trimmed)) }
        }
        Value::Number(_) if field.field_type == FieldType::Number => match whole(value) {
            Some(whole) => Cow::Owned(Value::from(whole)),
            None => Cow::Borrowed(value),
        },
        Value::Array(items) if field.field_type == FieldType::MultiSelect => {
            let mut once: Vec<Value> = Vec::with_capacity(items.len());
            for item in items {
                if !once.iter().any(|known| is_same(known, item)) {
                    once.push(item.clone());
                }
            }
            Cow::Owned(Value::from(once))
        }
        _ => Cow::Borrowed(value),
    }
}

/// The whole number that this is, if it is one that JavaScript holds exactly.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let number = number(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by 2^53 and without fraction")]
    (number.fract() == 0.0 && number.abs() <= MAX_WHOLE).then_some(number as i64)
}
