//! Properties as JSON text that `sqlite3` can read: texts, whole numbers, fractions and truth values as themselves;
//! the other types as text, followed by a `{name}@type` that no property can be called.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use msp_storage::{Property, StoreError};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

const TYPE_SUFFIX: &str = "@type";

pub(super) fn encode(properties: &BTreeMap<String, Property>) -> String {
    let mut object = Map::new();
    for (name, property) in properties {
        let (value, kind) = to_json(property);
        object.insert(name.clone(), value);
        if let Some(kind) = kind {
            object.insert(format!("{name}{TYPE_SUFFIX}"), kind.into());
        }
    }
    Value::Object(object).to_string()
}

fn to_json(property: &Property) -> (Value, Option<&'static str>) {
    match property {
        Property::String(text) => (text.as_str().into(), None),
        Property::Int(number) => ((*number).into(), None),
        Property::Bool(truth) => ((*truth).into(), None),
        Property::Double(number) => match Number::from_f64(*number) {
            Some(number) => (number.into(), None),
            // JSON has no infinities.
            None => (number.to_string().into(), Some("Double")),
        },
        Property::DateTime(instant) => (instant.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(), Some("DateTime")),
        Property::Guid(id) => (id.hyphenated().to_string().into(), Some("Guid")),
        Property::Binary(bytes) => (BASE64_STANDARD.encode(bytes).into(), Some("Binary")),
    }
}

pub(super) fn decode(text: &str) -> Result<BTreeMap<String, Property>, StoreError> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("a row is no JSON object: {error}")))?;
    let mut properties = BTreeMap::new();
    for (name, value) in object {
        match (name.strip_suffix(TYPE_SUFFIX), &value) {
            (Some(name), Value::String(kind)) => {
                if let Some(Property::String(text)) = properties.get(name) {
                    let typed = typed(kind, text)
                        .ok_or_else(|| StoreError::Corrupt(format!("`{name}` of a row is no {kind}")))?;
                    properties.insert(name.to_owned(), typed);
                }
            }
            _ => {
                let property =
                    plain(value).ok_or_else(|| StoreError::Corrupt(format!("`{name}` of a row has no type")))?;
                properties.insert(name, property);
            }
        }
    }
    Ok(properties)
}

fn plain(value: Value) -> Option<Property> {
    match value {
        Value::String(text) => Some(Property::String(text)),
        Value::Bool(truth) => Some(Property::Bool(truth)),
        Value::Number(number) => number.as_i64().map(Property::Int).or_else(|| number.as_f64().map(Property::Double)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn typed(kind: &str, text: &str) -> Option<Property> {
    match kind {
        "DateTime" => {
            DateTime::parse_from_rfc3339(text).ok().map(|instant| Property::DateTime(instant.with_timezone(&Utc)))
        }
        "Guid" => text.parse().ok().map(Property::Guid),
        "Binary" => BASE64_STANDARD.decode(text).ok().map(Property::Binary),
        "Double" => text.parse().ok().map(Property::Double),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_storage::Entity;

    #[test]
    fn every_type_survives_and_is_readable_as_json() {
        let instant = DateTime::from_timestamp_millis(1_763_800_000_123).expect("an instant");
        let entity = Entity::new("P", "R")
            .with("Text", "ä\u{0}𝄞\"")
            .with("Int", i64::MIN)
            .with("Whole", 3.0)
            .with("Tiny", 5e-324)
            .with("Endless", f64::INFINITY)
            .with("Yes", true)
            .with("At", instant)
            .with("Id", uuid::Uuid::nil())
            .with("Bytes", vec![0, 255]);
        let text = encode(&entity.properties);
        assert_eq!(decode(&text).expect("decodes"), entity.properties);
        assert!(text.contains(r#""At":"2025-11-22T08:26:40.123Z""#), "{text}");
    }

    #[test]
    fn a_damaged_row_is_an_error() {
        for text in ["", "[]", "{\"A\":null}", "{\"A\":\"x\",\"A@type\":\"Guid\"}"] {
            assert!(matches!(decode(text), Err(StoreError::Corrupt(_))), "{text}");
        }
    }
}
