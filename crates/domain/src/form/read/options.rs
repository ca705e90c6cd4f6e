//! Reading what a field offers.

use super::MAX_LABEL_CHARS;
use crate::form::{
    MAX_RADIO_OPTIONS,
    document::Object,
    schema::{FieldOptions, FieldType, OptionInput, OptionItem, OptionSource},
    value::{is_same, is_scalar},
};
use indexmap::IndexMap;
use serde_json::Value;

pub(super) fn read_options(field_type: FieldType, field: &Object<'_>) -> Option<FieldOptions> {
    let short = field.optional_text("options_from", MAX_LABEL_CHARS);
    let Some(options) = field.child("options") else {
        if short.is_none() && field_type.has_options() {
            field.place("options").fault("say what is offered");
        }
        return short.map(|generator| FieldOptions {
            source: OptionSource::OptionGenerator { generator, inputs: IndexMap::new() },
            allow_custom: false,
            auto_select_single: false,
        });
    };
    if short.is_some() {
        field.place("options_from").fault("say either `options` or `options_from`");
    }
    let source = match options.get("source").and_then(Value::as_str) {
        Some("static") => {
            options.knows(&["source", "items", "allow_custom", "auto_select_single"]);
            OptionSource::Static { items: read_items(field_type, &options) }
        }
        Some("option_generator") => {
            options.knows(&["source", "generator", "inputs", "allow_custom", "auto_select_single"]);
            let generator = options.text("generator", MAX_LABEL_CHARS);
            if generator.is_empty() {
                options.place("generator").fault("name the option generator");
            }
            OptionSource::OptionGenerator { generator, inputs: read_inputs(&options) }
        }
        _ => {
            options.place("source").fault("expected `static` or `option_generator`");
            return None;
        }
    };
    let allow_custom = options.flag("allow_custom");
    if allow_custom && field_type == FieldType::Radio {
        options.place("allow_custom").fault("a radio group has no room for it; use `select`");
    }
    Some(FieldOptions { source, allow_custom, auto_select_single: options.flag("auto_select_single") })
}

fn read_items(field_type: FieldType, options: &Object<'_>) -> Vec<OptionItem> {
    let place = options.place("items");
    let Some(given) = options.get("items").and_then(|items| place.list(items)).filter(|items| !items.is_empty()) else {
        place.fault("list at least one option");
        return Vec::new();
    };
    if field_type == FieldType::Radio && given.len() > MAX_RADIO_OPTIONS {
        place.fault(format!("a radio group shows at most {MAX_RADIO_OPTIONS} options; use `select`"));
    }
    let mut items: Vec<OptionItem> = Vec::with_capacity(given.len());
    for (i, item) in given.iter().enumerate() {
        let Some(item) = place.at(i).object(item) else { continue };
        item.knows(&["label", "value", "description", "group"]);
        let label = item.text("label", MAX_LABEL_CHARS);
        if label.trim().is_empty() {
            item.place("label").fault("say what a person reads");
        }
        let value = item.get("value").cloned().unwrap_or_default();
        if !is_scalar(&value) || value == "" {
            item.place("value").fault("expected a text, a number, `true` or `false`");
        } else if items.iter().any(|known| is_same(&known.value, &value)) {
            item.place("value").fault("this value is offered twice");
        }
        let description = item.optional_text("description", MAX_LABEL_CHARS);
        items.push(OptionItem { label, value, description, group: item.optional_text("group", MAX_LABEL_CHARS) });
    }
    items
}

fn read_inputs(options: &Object<'_>) -> IndexMap<String, OptionInput> {
    let mut inputs = IndexMap::new();
    let Some(given) = options.child("inputs") else { return inputs };
    for name in given.keys() {
        let Some(input) = given.child(name) else { continue };
        input.knows(&["field", "value"]);
        match (input.get("field"), input.get("value")) {
            (Some(Value::String(field)), None) => {
                inputs.insert(name.clone(), OptionInput::Field { field: field.clone() })
            }
            (None, Some(value)) => inputs.insert(name.clone(), OptionInput::Value { value: value.clone() }),
            _ => {
                given.place(name).fault("expected either `field`, the name of a field, or `value`");
                None
            }
        };
    }
    inputs
}
