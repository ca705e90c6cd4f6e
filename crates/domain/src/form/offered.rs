//! Whether chosen values are among those a field offers.

use super::{
    schema::{Field, FieldType, OptionSource},
    value::{is_same, is_scalar},
};
use serde_json::Value;

/// Checks a chosen value, or several of a `multi_select`. What a generator offers is not known here: any text, number or
/// truth value passes.
pub(super) fn check(field: &Field, value: &Value) -> Result<(), String> {
    let chosen = match (field.field_type, value) {
        (FieldType::MultiSelect, Value::Array(chosen)) => chosen.as_slice(),
        (FieldType::MultiSelect, _) => return Err("Choose from the list".to_owned()),
        (_, single) => std::slice::from_ref(single),
    };
    match chosen.iter().find(|choice| !is_offered(field, choice)) {
        None => Ok(()),
        Some(Value::String(text)) => Err(format!("`{text}` is not offered; choose from the list")),
        Some(_) => Err("Choose from the list".to_owned()),
    }
}

/// Whether a chosen value, or each of several, is the value of one of a generator's `{label, value}` items.
///
/// # Errors
/// What to tell the person who chose it.
pub fn is_among(items: &[Value], chosen: &Value) -> Result<(), String> {
    let chosen = chosen.as_array().map_or(std::slice::from_ref(chosen), Vec::as_slice);
    let offered =
        |choice: &&Value| items.iter().filter_map(|item| item.get("value")).any(|value| is_same(value, choice));
    match chosen.iter().find(|choice| !offered(choice)) {
        None => Ok(()),
        Some(Value::String(text)) => Err(format!("`{text}` is not offered; choose from the list")),
        Some(_) => Err("Choose from the list".to_owned()),
    }
}

fn is_offered(field: &Field, choice: &Value) -> bool {
    let Some(options) = &field.options else { return is_scalar(choice) };
    match &options.source {
        OptionSource::OptionGenerator { .. } => is_scalar(choice) && choice != "",
        OptionSource::Static { items } => {
            items.iter().any(|item| is_same(&item.value, choice))
                || (options.allow_custom && choice.as_str().is_some_and(|text| !text.is_empty()))
        }
    }
}
