//! Whatever a form or a submission says, it is answered.

use msp_domain::form::{FieldType, FormSchema, Operator};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Values of every kind, most of them ones that a form could hold.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..60).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c ]{0,3}".prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:30:00(Z|[+]0[0-9]:00))?".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,10}", inner), 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES.to_vec())
}

fn conditions() -> impl Strategy<Value = Value> {
    let row = (name(), prop::sample::select(Operator::ALL.to_vec()), prop::option::of(value()))
        .prop_map(|(field, op, value)| json!({ "field": field, "op": op.name(), "value": value }));
    (any::<bool>(), prop::collection::vec(row, 0..3))
        .prop_map(|(all, rows)| json!({ if all { "all" } else { "any" }: rows }))
}

fn options() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::collection::vec(value(), 0..4).prop_map(|values| {
            let items: Vec<Value> = values.into_iter().map(|value| json!({ "label": "L", "value": value })).collect();
            json!({ "source": "static", "items": items })
        }),
        name().prop_map(
            |name| json!({ "source": "option_generator", "generator": "g", "inputs": { "x": { "field": name } } })
        ),
    ]
}

fn limits() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "min",
        "max",
        "step",
        "min_length",
        "max_length",
        "min_items",
        "max_items",
        "accept",
        "max_size_mb",
        "message",
    ]);
    prop_oneof![
        prop::collection::vec((key, value()), 0..2).prop_map(|members| members.into_iter().collect()),
        pattern().prop_map(|pattern| json!({ "pattern": pattern })),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    "[-a-c0-2^$.*+?(){}|\\[\\]\\\\:,wdbs&~é😀]{0,12}"
}

fn field() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(FieldType::ALL.to_vec());
    let rest = prop::collection::vec(("[a-z_]{1,12}", value()), 0..1);
    (
        name(),
        kind,
        prop::option::weighted(0.3, value()),
        prop::option::weighted(0.4, limits()),
        prop::option::weighted(0.4, options()),
        prop::option::weighted(0.4, conditions()),
        prop::option::weighted(0.2, conditions()),
        rest,
    )
        .prop_map(|(name, kind, default, limits, options, visible, required, rest)| {
            let mut field = Map::from_iter([
                ("name".into(), name.into()),
                ("label".into(), "L".into()),
                ("type".into(), kind.name().into()),
            ]);
            let options = options
                .or_else(|| kind.has_options().then(|| json!({ "source": "option_generator", "generator": "g" })));
            let parts = [
                ("default", default),
                ("validation", limits),
                ("options", options.filter(|_| kind.has_options())),
                ("visible_when", visible),
                ("required_when", required),
            ];
            field.extend(parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
            field.extend(rest);
            field.into()
        })
}

/// One field of each name, so that references mostly exist.
fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec(field(), 1..5).prop_map(|mut fields| {
        for (field, name) in fields.iter_mut().zip(NAMES) {
            field["name"] = name.into();
        }
        json!({ "name": "Form", "workflow": "w", "fields": fields })
    })
}

fn input() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((name(), value()), 0..5)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_document_makes_reading_or_checking_panic(document in value()) {
        let _ = FormSchema::parse(&document);
    }

    #[test]
    fn a_form_that_is_accepted_is_read_again_alike_and_answers_every_submission(document in document(), input in input()) {
        let Ok(form) = FormSchema::parse(&document) else { return Ok(()) };
        let written = serde_json::to_value(&form).expect("JSON");
        prop_assert_eq!(FormSchema::parse(&written), Ok(form.clone()));
        let state = form.state(&input);
        if let Ok(values) = form.validate(&input) {
            for (field, (visible, required)) in form.fields.iter().zip(state.visible.iter().zip(&state.required)) {
                prop_assert!(!values.contains_key(&field.name) || *visible, "hidden is not sent");
                let required = *required && !field.field_type.is_layout();
                prop_assert!(values.contains_key(&field.name) || !required, "required is there");
            }
            prop_assert_eq!(form.validate(&values), Ok(values.clone()), "what is accepted is accepted again, unchanged");
        }
    }

    #[test]
    fn no_pattern_panics_and_what_the_grammar_accepts_the_engine_accepts(pattern in pattern(), text in "[a-c0-2é😀 -]{1,8}") {
        let field = json!({ "name": "a", "label": "A", "type": "text", "validation": { "pattern": pattern } });
        match FormSchema::parse(&json!({ "name": "Form", "workflow": "w", "fields": [field] })) {
            Ok(form) => { let _ = form.validate(json!({ "a": text }).as_object().expect("an object")); }
            Err(faults) => prop_assert!(
                faults.iter().all(|fault| !fault.detail.starts_with("this is not a regular expression")),
                "the grammar is the stricter of both: {:?}", faults
            ),
        }
    }
}
