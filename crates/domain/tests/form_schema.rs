//! What a form may say, and how it is told what it may not.

use msp_domain::{
    BundleMetadata, FieldFault,
    form::{FormSchema, MAX_FORM_BYTES},
};
use serde_json::{Value, json};

fn document(fields: Value) -> Value {
    json!({ "name": "Form", "workflow": "workflow", "fields": fields })
}

fn faults(document: &Value) -> Vec<FieldFault> {
    FormSchema::parse(document).err().unwrap_or_default()
}

fn pointers(fields: Value) -> Vec<String> {
    faults(&document(fields)).into_iter().map(|fault| fault.pointer).collect()
}

/// The faults of one field, beside one called `other`.
fn of_field(mut field: Value) -> Vec<(String, String)> {
    for (key, value) in [("name", json!("field")), ("label", json!("Field")), ("type", json!("text"))] {
        field.as_object_mut().expect("an object").entry(key).or_insert(value);
    }
    let other = json!({ "name": "other", "label": "Other", "type": "text" });
    let number = json!({ "name": "count", "label": "Count", "type": "number" });
    let faults = faults(&document(json!([field, other, number])));
    faults.into_iter().map(|fault| (fault.pointer.replacen("#/fields/0", "", 1), fault.detail)).collect()
}

#[track_caller]
fn refused_at(field: Value, pointer: &str) -> String {
    let found = of_field(field.clone());
    assert_eq!(found.len(), 1, "{field}: {found:?}");
    assert_eq!(found[0].0, pointer, "{field}: {found:?}");
    found[0].1.clone()
}

#[test]
fn the_forms_of_the_first_design_are_read_as_they_stand() {
    let form = json!({
        "name": "New User Onboarding", "description": "Creates a new M365 user with licenses", "workflow": "user_onboarding",
        "fields": [
            { "name": "first_name", "label": "First Name", "type": "text", "required": true },
            { "name": "email", "label": "Email Address", "type": "email", "required": true,
              "validation": { "pattern": "^[\\w\\.-]+@[\\w\\.-]+\\.\\w+$" } },
            { "name": "license", "label": "License", "type": "select", "required": true,
              "options": { "source": "option_generator", "generator": "get_available_licenses" } }
        ]
    });
    let parsed = FormSchema::parse(&form).expect("a form");
    assert_eq!(serde_json::to_value(&parsed).expect("JSON"), form, "written as it was read");
    let mut short = form.clone();
    short["fields"][2].as_object_mut().expect("a field").remove("options");
    short["fields"][2]["options_from"] = json!("get_available_licenses");
    assert_eq!(FormSchema::parse(&short).expect("a form"), parsed, "`options_from` is short for a generator");
}

#[test]
fn everything_a_form_can_say_survives_reading_and_writing() {
    let form = json!({
        "name": "Everything", "workflow": "w", "category": "Users", "confirm": true,
        "fields": [
            { "name": "top", "label": "Top", "type": "section", "description": "First things" },
            { "name": "count", "label": "Count", "type": "number", "width": "half", "default": 3, "placeholder": "5",
              "validation": { "min": 1.0, "max": 10.5, "step": 0.5, "message": "1 to 10" } },
            { "name": "day", "label": "Day", "type": "date", "validation": { "min": "2026-01-01" } },
            { "type": "markdown", "description": "From {{ day }}: {{count}}" },
            { "type": "divider" },
            { "name": "team", "label": "Team", "type": "multi_select", "validation": { "min_items": 1, "max_items": 3 },
              "options": { "source": "option_generator", "generator": "teams", "allow_custom": true, "auto_select_single": true,
                "inputs": { "count": { "field": "count" }, "kind": { "value": ["a", 1] } } },
              "visible_when": { "any": [{ "field": "day", "op": "not_empty" }, { "field": "count", "op": "gte", "value": 5 }] } },
            { "name": "color", "label": "Color", "type": "radio", "default": "r",
              "options": { "source": "static", "items": [{ "label": "Red", "value": "r", "description": "Warm", "group": "G" }] },
              "required_when": { "all": [{ "field": "team", "op": "contains", "value": "x" }] } },
            { "name": "list", "label": "List", "type": "file", "validation": { "max_items": 2, "accept": [".csv", "text/*"], "max_size_mb": 1.5 } }
        ]
    });
    let parsed = FormSchema::parse(&form).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(serde_json::to_value(&parsed).expect("JSON"), form);
}

#[test]
fn each_fault_is_told_where_it_stands_and_all_at_once() {
    let form = json!({ "name": " ", "workflw": "w", "confirm": "yes", "fields": [
        { "name": "Bad Name", "label": "", "type": "txt" },
        { "name": "Bad Name", "label": " ", "type": "text", "width": "third", "requird": true },
        5
    ]});
    let found: Vec<String> = faults(&form).into_iter().map(|fault| fault.pointer).collect();
    for pointer in [
        "#/workflw",
        "#/name",
        "#/workflow",
        "#/confirm",
        "#/fields/0/type",
        "#/fields/1/name",
        "#/fields/1/label",
        "#/fields/1/width",
        "#/fields/1/requird",
        "#/fields/2",
    ] {
        assert!(found.contains(&pointer.to_owned()), "{pointer} in {found:?}");
    }
    assert!(faults(&json!([])).iter().any(|fault| fault.pointer == "#"));
    assert!(faults(&json!({ "name": "n", "workflow": "w" })).iter().any(|fault| fault.pointer == "#/fields"));
    assert!(refused_at(json!({ "requird": true }), "/requird").contains("did you mean `required`?"));
    assert!(refused_at(json!({ "type": "texts" }), "/type").contains("did you mean `text`?"));
}

#[test]
fn names_are_plain_and_unique() {
    for name in ["", "1a", "A", "a-b", "a b", "ä", "_a", &"a".repeat(65)] {
        let found = of_field(json!({ "name": name }));
        assert!(!found.is_empty() && found.iter().all(|(pointer, _)| pointer == "/name"), "{name}: {found:?}");
    }
    assert!(of_field(json!({ "name": "a1_b" })).is_empty());
    let text = |name: &str| json!({ "name": name, "label": "L", "type": "text" });
    assert_eq!(pointers(json!([text("a"), text("b"), text("a"), text("a")])), ["#/fields/2/name", "#/fields/3/name"]);
    assert!(pointers(json!([{ "type": "divider" }, { "type": "divider" }])).is_empty(), "layout needs no name");
}

#[test]
fn limits_must_suit_the_type_and_make_sense() {
    for (field, pointer) in [
        (json!({ "type": "number", "validation": { "pattern": "a" } }), "/validation/pattern"),
        (json!({ "validation": { "min": 1 } }), "/validation/min"),
        (json!({ "validation": { "pattern": "(" } }), "/validation/pattern"),
        (json!({ "validation": { "min_length": 5, "max_length": 4 } }), "/validation/max_length"),
        (json!({ "validation": { "min_length": -1 } }), "/validation/min_length"),
        (json!({ "validation": { "min_length": 1.5 } }), "/validation/min_length"),
        (json!({ "type": "number", "validation": { "min": 5, "max": 4 } }), "/validation/max"),
        (json!({ "type": "number", "validation": { "min": "5" } }), "/validation/min"),
        (json!({ "type": "number", "validation": { "max": 1e300 } }), "/validation/max"),
        (json!({ "type": "number", "validation": { "step": 0 } }), "/validation/step"),
        (json!({ "type": "date", "validation": { "min": "2026-02-30" } }), "/validation/min"),
        (json!({ "type": "date", "validation": { "min": "2026-03-01", "max": "2026-02-01" } }), "/validation/max"),
        (json!({ "type": "datetime", "validation": { "min": "2026-03-01" } }), "/validation/min"),
        (json!({ "type": "file", "validation": { "accept": [".csv", "csv"] } }), "/validation/accept/1"),
        (json!({ "type": "file", "validation": { "accept": ".csv" } }), "/validation/accept"),
        (json!({ "type": "file", "validation": { "max_size_mb": -1 } }), "/validation/max_size_mb"),
        (json!({ "type": "file", "validation": { "min_items": 2 } }), "/validation/max_items"),
        (json!({ "type": "file", "default": "x" }), "/default"),
        (json!({ "type": "password", "default": "x" }), "/default"),
        (json!({ "default": 5 }), "/default"),
        (json!({ "type": "number", "default": 5, "validation": { "max": 4 } }), "/default"),
        (json!({ "type": "heading", "required": true }), "/required"),
        (json!({ "options": { "source": "static", "items": [] } }), "/options"),
    ] {
        let found = of_field(field.clone());
        assert!(found.iter().any(|(at, _)| at == pointer), "{field}: {found:?}");
    }
}

#[test]
fn options_say_where_they_come_from_and_what_they_are() {
    let items = |items: Value| json!({ "type": "radio", "options": { "source": "static", "items": items } });
    let item = |value: Value| json!({ "label": "L", "value": value });
    refused_at(json!({ "type": "select" }), "/options");
    refused_at(json!({ "type": "select", "options": { "source": "other" } }), "/options/source");
    refused_at(json!({ "type": "select", "options": { "source": "option_generator" } }), "/options/generator");
    refused_at(items(json!([])), "/options/items");
    refused_at(items(json!([item(json!("a")), item(json!("a"))])), "/options/items/1/value");
    refused_at(items(json!([item(json!(1)), item(json!(1.0))])), "/options/items/1/value");
    refused_at(items(json!([item(json!({}))])), "/options/items/0/value");
    refused_at(items(json!([item(json!(""))])), "/options/items/0/value");
    refused_at(items(json!([{ "value": "a" }])), "/options/items/0/label");
    refused_at(items((0..8).map(|i| item(json!(i))).collect()), "/options/items");
    refused_at(
        json!({ "type": "select", "options_from": "g", "options": { "source": "option_generator", "generator": "g" } }),
        "/options_from",
    );
    let inputs = |inputs: Value| json!({ "type": "select", "options": { "source": "option_generator", "generator": "g", "inputs": inputs } });
    refused_at(inputs(json!({ "a": { "field": "othr" } })), "/options/inputs/a/field");
    refused_at(inputs(json!({ "a": { "field": "field" } })), "/options/inputs/a/field");
    refused_at(inputs(json!({ "a": { "field": "other", "value": 1 } })), "/options/inputs/a");
    assert!(of_field(inputs(json!({ "a": { "field": "other" }, "b": { "value": null } })))[0].0.ends_with("/b"));
    assert!(of_field(inputs(json!({ "a": { "field": "other" }, "b": { "value": 0 } }))).is_empty());
}

#[test]
fn conditions_refer_to_fields_and_compare_with_values_they_can_have() {
    let when = |row: Value| json!({ "visible_when": { "all": [row] } });
    for (row, at) in [
        (json!({ "field": "othr", "op": "empty" }), "field"),
        (json!({ "field": "field", "op": "empty" }), "field"),
        (json!({ "op": "empty" }), "field"),
        (json!({ "field": "other", "op": "is" }), "op"),
        (json!({ "field": "other", "op": "eq" }), "value"),
        (json!({ "field": "other", "op": "eq", "value": null }), "value"),
        (json!({ "field": "other", "op": "eq", "value": 5 }), "value"),
        (json!({ "field": "other", "op": "gt", "value": "5" }), "value"),
        (json!({ "field": "other", "op": "in", "value": "5" }), "value"),
        (json!({ "field": "other", "op": "in", "value": [] }), "value"),
        (json!({ "field": "other", "op": "in", "value": ["a", 5] }), "value"),
        (json!({ "field": "other", "op": "empty", "value": "x" }), "value"),
        (json!({ "field": "count", "op": "eq", "value": "5" }), "value"),
        (json!({ "field": "count", "op": "contains", "value": "5" }), "value"),
        (json!({ "field": "count", "op": "gt", "value": true }), "value"),
    ] {
        refused_at(when(row), &format!("/visible_when/all/0/{at}"));
    }
    refused_at(json!({ "visible_when": { "all": [] } }), "/visible_when/all");
    refused_at(json!({ "visible_when": {} }), "/visible_when");
    refused_at(json!({ "required_when": { "all": [], "any": [] } }), "/required_when");
    let row = json!({ "field": "other", "op": "not_empty" });
    refused_at(json!({ "visible_when": { "any": vec![row; 21] } }), "/visible_when/any");
    assert!(
        refused_at(when(json!({ "field": "othr", "op": "empty" })), "/visible_when/all/0/field")
            .contains("did you mean `other`?")
    );
}

#[test]
fn fields_that_wait_for_each_other_are_refused_with_the_circle() {
    let waits = |name: &str, on: &str| json!({ "name": name, "label": name, "type": "text", "visible_when": { "all": [{ "field": on, "op": "not_empty" }] } });
    let found = faults(&document(json!([waits("a", "b"), waits("b", "c"), waits("c", "a"), waits("d", "a")])));
    assert_eq!(
        found,
        [FieldFault {
            pointer: "#/fields/0/visible_when".into(),
            detail: "these wait for each other: a -> b -> c -> a".into(),
        }]
    );
    let select = |name: &str, on: &str| {
        json!({ "name": name, "label": name, "type": "select",
            "options": { "source": "option_generator", "generator": "g", "inputs": { "x": { "field": on } } } })
    };
    assert!(
        faults(&document(json!([select("a", "b"), waits("b", "a")])))[0].detail.ends_with("a -> b -> a"),
        "through options"
    );
    let section =
        json!({ "type": "section", "label": "More", "visible_when": { "all": [{ "field": "a", "op": "not_empty" }] } });
    let text = json!({ "name": "a", "label": "A", "type": "text" });
    let found = faults(&document(json!([section, text])));
    assert!(found[0].detail.ends_with("\"More\" -> a -> \"More\""), "through the section it stands in: {found:?}");
    let requires = |name: &str, on: &str| json!({ "name": name, "label": name, "type": "text", "required_when": { "all": [{ "field": on, "op": "not_empty" }] } });
    assert!(faults(&document(json!([requires("a", "b"), requires("b", "a")]))).is_empty(), "both or none is no circle");
}

#[test]
fn a_text_shows_values_of_fields_but_never_a_password() {
    let fields = |text: &str| {
        json!([{ "type": "markdown", "description": text }, { "name": "user", "label": "U", "type": "text" },
            { "name": "secret", "label": "S", "type": "password" }])
    };
    assert!(pointers(fields("Hello {{user}}, {{ user }} and {not this}")).is_empty());
    assert_eq!(pointers(fields("{{usr}}")), ["#/fields/0/description"]);
    assert_eq!(pointers(fields("{{secret}}")), ["#/fields/0/description"]);
}

#[test]
fn a_form_has_a_size() {
    let field = |i: usize| json!({ "name": format!("f{i}"), "label": "L", "type": "text" });
    assert!(pointers((0..400).map(field).collect()).is_empty());
    assert_eq!(pointers((0..401).map(field).collect()), ["#/fields"]);
    let long = |chars: usize| {
        json!([{ "name": "a", "label": "L", "type": "text", "description": "ü".repeat(chars) },
        { "name": "b", "label": "L", "type": "text", "description": "ü".repeat(8000) },
        { "name": "c", "label": "L", "type": "text", "description": "x".repeat(700) }])
    };
    assert!(pointers(long(7000)).is_empty());
    assert_eq!(pointers(long(8000)), ["#"], "{MAX_FORM_BYTES} bytes are the most");
    assert_eq!(pointers(long(8001)), ["#/fields/0/description"]);
}

#[test]
fn a_form_must_fit_the_workspace() {
    let bundle: BundleMetadata = serde_json::from_value(json!({
        "bundle": "b", "errors": [],
        "workflows": [{ "name": "onboard", "requires_org": true, "parameters": [{ "name": "a", "type": "string", "required": false }], "timeout_seconds": 1, "exclusive": false, "file": "f", "line": 1 }],
        "option_generators": [{ "name": "teams", "inputs": ["department"], "cache_seconds": 0, "file": "f", "line": 1 }]
    }))
    .expect("metadata");
    let form = |workflow: &str, generator: &str, input: &str| {
        let options =
            json!({ "source": "option_generator", "generator": generator, "inputs": { input: { "value": "x" } } });
        let fields = json!([{ "name": "a", "label": "A", "type": "select", "options": options }]);
        FormSchema::parse(&json!({ "name": "n", "workflow": workflow, "fields": fields }))
            .expect("a form")
            .check_against(&bundle)
    };
    assert!(form("onboard", "teams", "department").is_empty());
    let found = form("onbord", "team", "department");
    assert_eq!(found[0].pointer, "#/workflow");
    assert!(found[0].detail.contains("did you mean `onboard`?"));
    assert_eq!(found[1].pointer, "#/fields/0/options/generator");
    assert_eq!(form("onboard", "teams", "dept")[0].pointer, "#/fields/0/options/inputs/dept");
}

#[test]
fn a_password_is_for_a_parameter_that_keeps_it_secret() {
    let parameter = |name: &str, kind: &str| json!({ "name": name, "type": kind, "required": true });
    let bundle: BundleMetadata = serde_json::from_value(json!({
        "bundle": "b", "errors": [], "option_generators": [],
        "workflows": [{ "name": "reset", "requires_org": true, "timeout_seconds": 1, "exclusive": false, "file": "f", "line": 1,
            "parameters": [parameter("pin", "string"), parameter("password", "password")] }]
    }))
    .expect("metadata");
    let form = |name: &str| {
        let fields = json!([{ "name": name, "label": "P", "type": "password" }]);
        FormSchema::parse(&json!({ "name": "n", "workflow": "reset", "fields": fields }))
            .expect("a form")
            .check_against(&bundle)
    };
    assert!(form("password").is_empty());
    let found = form("pin");
    assert_eq!(found[0].pointer, "#/fields/0/type");
    assert!(found[0].detail.contains("readable in the history"), "{}", found[0].detail);
}

#[test]
fn a_password_is_told_neither_to_a_generator_nor_to_a_condition() {
    let password = json!({ "name": "secret", "label": "S", "type": "password" });
    let options =
        json!({ "source": "option_generator", "generator": "teams", "inputs": { "x": { "field": "secret" } } });
    let choice = json!({ "name": "team", "label": "T", "type": "select", "options": options });
    assert_eq!(pointers(json!([password, choice])), ["#/fields/1/options/inputs/x/field"]);
    let when = |op: &str, value: Value| {
        let mut row = json!({ "field": "secret", "op": op });
        if !value.is_null() {
            row["value"] = value;
        }
        let text = json!({ "name": "t", "label": "T", "type": "text", "visible_when": { "all": [row] } });
        pointers(json!([password, text]))
    };
    assert!(when("not_empty", Value::Null).is_empty());
    assert_eq!(when("eq", json!("1234")), ["#/fields/1/visible_when/all/0/value"]);
}

#[test]
fn a_field_is_a_parameter_and_a_file_is_for_one_that_takes_json() {
    let parameter =
        |name: &str, required: bool, kind: &str| json!({ "name": name, "type": kind, "required": required });
    let bundle: BundleMetadata = serde_json::from_value(json!({
        "bundle": "b", "errors": [], "option_generators": [],
        "workflows": [{ "name": "w", "requires_org": true, "timeout_seconds": 1, "exclusive": false, "file": "f", "line": 1,
            "parameters": [parameter("roster", true, "json"), parameter("note", true, "string")] }]
    }))
    .expect("metadata");
    let form = |name: &str, kind: &str| {
        let fields = json!([{ "type": "divider" }, { "name": name, "label": "L", "type": kind }]);
        FormSchema::parse(&json!({ "name": "n", "workflow": "w", "fields": fields })).expect("a form")
    };
    assert_eq!(form("roster", "file").check_against(&bundle), []);
    assert_eq!(form("note", "file").check_against(&bundle)[0].pointer, "#/fields/1/type");
    let unknown = form("rooster", "text").check_against(&bundle);
    assert_eq!(unknown[0].pointer, "#/fields/1/name");
    assert!(unknown[0].detail.contains("did you mean `roster`?"), "{}", unknown[0].detail);
    let missing = form("roster", "file").warnings_against(&bundle);
    assert_eq!(missing.len(), 1);
    assert!(missing[0].detail.contains("`note`"), "{}", missing[0].detail);

    let limits =
        |validation: Value| pointers(json!([{ "name": "f", "label": "F", "type": "file", "validation": validation }]));
    assert!(limits(json!({ "max_size_mb": 50, "max_items": 20 })).is_empty());
    assert_eq!(limits(json!({ "max_size_mb": 51 })), ["#/fields/0/validation/max_size_mb"]);
    assert_eq!(limits(json!({ "max_items": 21 })), ["#/fields/0/validation/max_items"]);
}
