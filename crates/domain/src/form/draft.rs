//! A form to begin with, made from the parameters of a workflow.

use crate::{BundleMetadata, Parameter, ParameterType, Workflow};
use serde_json::{Map, Value, json};

/// Longest text, in characters, that is asked for in one line.
const MAX_LINE: usize = 200;

/// The document of a form that asks for every parameter of a workflow, in the author's order. A draft: it may hold faults,
/// for instance a parameter that no field can be named after.
pub fn draft(workflow: &Workflow, bundle: &BundleMetadata) -> Value {
    let fields: Vec<Value> =
        workflow.parameters.iter().map(|parameter| field(parameter, &workflow.parameters, bundle)).collect();
    let mut form = Map::new();
    form.insert("name".to_owned(), in_words(&workflow.name).into());
    insert_text(&mut form, "description", Some(&workflow.description));
    form.insert("workflow".to_owned(), workflow.name.as_str().into());
    insert_text(&mut form, "category", Some(&workflow.category));
    form.insert("fields".to_owned(), fields.into());
    Value::Object(form)
}

fn field(parameter: &Parameter, all: &[Parameter], bundle: &BundleMetadata) -> Value {
    let offers = parameter.options.is_some() || parameter.options_from.is_some();
    // As the client draws a workflow that has no form (`client/src/shared/form/schemaOfWorkflow.ts`).
    let field_type = match parameter.parameter_type {
        ParameterType::MultiSelect if offers => "multi_select",
        _ if offers => "select",
        ParameterType::String if parameter.validation.max_length.is_some_and(|most| most > MAX_LINE) => "textarea",
        ParameterType::String | ParameterType::Select => "text",
        ParameterType::Int | ParameterType::Number => "number",
        ParameterType::Bool => "checkbox",
        ParameterType::Email => "email",
        ParameterType::Password => "password",
        ParameterType::Date => "date",
        ParameterType::Datetime => "datetime",
        ParameterType::MultiSelect | ParameterType::Json => "json",
    };
    let mut field = Map::new();
    field.insert("name".to_owned(), parameter.name.as_str().into());
    let label = parameter.label.clone().unwrap_or_else(|| in_words(&parameter.name));
    field.insert("label".to_owned(), label.into());
    field.insert("type".to_owned(), field_type.into());
    // A required checkbox must be ticked; a parameter that must be given may well be `false`.
    if parameter.required && field_type != "checkbox" {
        field.insert("required".to_owned(), true.into());
    }
    insert_text(&mut field, "description", parameter.help.as_ref());
    if let Some(default) = parameter.default.as_ref().filter(|default| !default.is_null() && field_type != "password") {
        field.insert("default".to_owned(), default.clone());
    }
    let validation = validation(parameter, field_type);
    if !validation.is_empty() {
        field.insert("validation".to_owned(), validation.into());
    }
    if matches!(field_type, "select" | "multi_select") {
        field.insert("options".to_owned(), options(parameter, all, bundle));
    }
    Value::Object(field)
}

/// Static options, or the generator with those of its inputs that other parameters are named after.
fn options(parameter: &Parameter, all: &[Parameter], bundle: &BundleMetadata) -> Value {
    let Some(generator) = &parameter.options_from else {
        let items = parameter.options.iter().flatten().map(|value| {
            let label = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({ "label": label, "value": value })
        });
        return json!({ "source": "static", "items": items.collect::<Vec<_>>() });
    };
    let wanted = bundle.option_generator(generator).map_or(&[][..], |known| &known.inputs);
    let is_other = |input: &&String| **input != parameter.name && all.iter().any(|other| other.name == **input);
    let inputs: Map<String, Value> =
        wanted.iter().filter(is_other).map(|input| (input.clone(), json!({ "field": input }))).collect();
    let mut options = json!({ "source": "option_generator", "generator": generator });
    if !inputs.is_empty() {
        options["inputs"] = inputs.into();
    }
    options
}

/// The limits that the control has too.
fn validation(parameter: &Parameter, field_type: &str) -> Map<String, Value> {
    let limits = &parameter.validation;
    let whole = parameter.parameter_type == ParameterType::Int;
    let of_type: Vec<(&str, Option<Value>)> = match field_type {
        "text" | "textarea" | "email" | "password" => vec![
            ("pattern", limits.pattern.clone().map(Value::from)),
            ("message", limits.message.clone().map(Value::from)),
            ("min_length", limits.min_length.map(Value::from)),
            ("max_length", limits.max_length.map(Value::from)),
        ],
        "number" => vec![
            ("min", limits.min.map(Value::from)),
            ("max", limits.max.map(Value::from)),
            ("step", whole.then(|| Value::from(1))),
        ],
        "multi_select" => {
            vec![("min_items", limits.min_items.map(Value::from)), ("max_items", limits.max_items.map(Value::from))]
        }
        _ => Vec::new(),
    };
    of_type.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn insert_text(object: &mut Map<String, Value>, name: &str, text: Option<&String>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        object.insert(name.to_owned(), text.as_str().into());
    }
}

/// `first_name` as a person writes it: `First name`.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::FormSchema;

    #[test]
    fn a_draft_asks_for_every_parameter_and_can_be_saved() {
        let bundle: BundleMetadata = serde_json::from_value(json!({
            "bundle": "b", "errors": [],
            "workflows": [{
                "name": "user_onboarding", "description": "Create a user", "category": "users", "requires_org": true,
                "timeout_seconds": 60, "exclusive": false, "file": "workflows/a.py", "line": 1,
                "parameters": [
                    { "name": "first_name", "type": "string", "required": true, "validation": { "min_length": 2 } },
                    { "name": "email", "type": "email", "required": true, "label": "Address", "help": "Of work" },
                    { "name": "license", "type": "string", "required": true, "options_from": "licenses" },
                    { "name": "seats", "type": "int", "required": false, "default": 1, "validation": { "min": 1.0 } },
                    { "name": "notify", "type": "bool", "required": true },
                    { "name": "region", "type": "select", "required": false, "options": ["DE", 7] },
                    { "name": "secret", "type": "password", "required": false, "default": null },
                    { "name": "extra", "type": "json", "required": false },
                ],
            }],
            "option_generators": [{
                "name": "licenses", "inputs": ["region", "tier"], "cache_seconds": 60, "file": "o.py", "line": 1,
            }],
        }))
        .expect("metadata");
        let document = draft(&bundle.workflows[0], &bundle);
        let form = FormSchema::parse(&document).expect("without faults");
        assert_eq!(form.check_against(&bundle), []);
        assert_eq!((form.name.as_str(), form.fields.len()), ("User onboarding", 8));
        let of =
            |name: &str| document["fields"].as_array().and_then(|all| all.iter().find(|field| field["name"] == name));
        let types = ["first_name", "email", "license", "seats", "notify", "region", "secret", "extra"]
            .map(|name| of(name).expect("a field")["type"].clone());
        assert_eq!(
            types,
            ["text", "email", "select", "number", "checkbox", "select", "password", "json"].map(Value::from)
        );
        let license = of("license").expect("a field");
        assert_eq!(license["options"]["inputs"], json!({ "region": { "field": "region" } }), "only what there is");
        assert_eq!(of("notify").expect("a field").get("required"), None);
        assert_eq!(of("seats").expect("a field")["validation"], json!({ "min": 1.0, "step": 1 }));
    }
}
