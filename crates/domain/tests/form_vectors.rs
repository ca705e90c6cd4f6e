//! The vectors in `vectors/`, which the browser's evaluator is run against as well: both must give these answers.

use msp_domain::form::FormSchema;
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    let text = fs::read_to_string(&path).expect("the vectors are beside the crate");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn form(fields: &Value) -> FormSchema {
    let document = json!({ "name": "Form", "workflow": "workflow", "fields": fields });
    FormSchema::parse(&document).unwrap_or_else(|faults| panic!("{fields} is refused: {faults:?}"))
}

fn list<'a>(vector: &'a Value, key: &str) -> &'a [Value] {
    vector[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn input(case: &Value) -> &Map<String, Value> {
    case["input"].as_object().expect("an input")
}

/// As JavaScript sees it: `1.0` is `1`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn patterns_match_what_the_vectors_say_and_ambiguous_ones_are_refused() {
    for vector in vectors("patterns.json") {
        let field =
            json!({ "name": "t", "label": "T", "type": "password", "validation": { "pattern": vector["pattern"] } });
        let document = json!({ "name": "Form", "workflow": "workflow", "fields": [field] });
        if vector["refused"] == json!(true) {
            let faults = FormSchema::parse(&document).expect_err(&format!("{} must be refused", vector["pattern"]));
            assert_eq!(faults[0].pointer, "#/fields/0/validation/pattern");
            continue;
        }
        let form = FormSchema::parse(&document)
            .unwrap_or_else(|faults| panic!("{} is refused: {faults:?}", vector["pattern"]));
        let matches = |text: &Value| form.validate(json!({ "t": text }).as_object().expect("an object")).is_ok();
        for text in list(&vector, "matches") {
            assert!(matches(text), "{} must match {text}", vector["pattern"]);
        }
        // An empty value is never checked, so it cannot be seen to miss.
        for text in list(&vector, "misses").iter().filter(|text| *text != "") {
            assert!(!matches(text), "{} must not match {text}", vector["pattern"]);
        }
    }
}

#[test]
fn conditions_show_and_require_what_the_vectors_say() {
    for vector in vectors("conditions.json") {
        let form = form(&vector["fields"]);
        let names = |flags: &[bool]| -> Vec<&str> {
            form.fields.iter().zip(flags).filter(|(_, flag)| **flag).map(|(field, _)| field.name.as_str()).collect()
        };
        for case in list(&vector, "cases") {
            let state = form.state(input(case));
            assert_eq!(json!(names(&state.visible)), case["visible"], "visible, {}: {}", vector["name"], case["input"]);
            assert_eq!(
                json!(names(&state.required)),
                case["required"],
                "required, {}: {}",
                vector["name"],
                case["input"]
            );
        }
    }
}

#[test]
fn submissions_are_accepted_and_refused_as_the_vectors_say() {
    for vector in vectors("submissions.json") {
        let form = form(&vector["fields"]);
        for case in list(&vector, "cases") {
            let answer = match form.validate(input(case)) {
                Ok(values) => json!({ "input": case["input"], "values": plain(&Value::Object(values)) }),
                Err(faults) => {
                    let faults: Vec<_> = faults.into_iter().map(|fault| [fault.pointer, fault.detail]).collect();
                    json!({ "input": case["input"], "faults": faults })
                }
            };
            let mut expected = case.clone();
            if let Some(values) = expected.get_mut("values") {
                *values = plain(values);
            }
            assert_eq!(answer, expected, "{}", vector["name"]);
        }
    }
}
