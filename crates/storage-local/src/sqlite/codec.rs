//! Properties as JSON text that `sqlite3` can read: texts, whole numbers, fractions and truth values as themselves;
//! the other types as text, followed by a `{name}@type` that no property can be called.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use msp_storage::{Property, StoreError};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const TYPE_SUFFIX: &str = "@type";

pub(super) fn encode(properties: &BTreeMap<String, Property>) -> String {
    serde_json::to_string(&Properties(properties)).expect("texts, numbers and truth values always serialise")
}

/// Written as they are walked: a tree of values in between would cost as much as the statement that stores the text.
struct Properties<'a>(&'a BTreeMap<String, Property>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, property) in self.0 {
            match property {
                Property::String(text) => object.serialize_entry(name, text)?,
                Property::Int(number) => object.serialize_entry(name, number)?,
                Property::Bool(truth) => object.serialize_entry(name, truth)?,
                Property::Double(number) if number.is_finite() => object.serialize_entry(name, number)?,
                // JSON has no infinities.
                Property::Double(number) => typed_as(&mut object, name, &number.to_string(), "Double")?,
                Property::DateTime(instant) => {
                    typed_as(&mut object, name, &instant.to_rfc3339_opts(SecondsFormat::AutoSi, true), "DateTime")?
                }
                Property::Guid(id) => typed_as(&mut object, name, &id.hyphenated().to_string(), "Guid")?,
                Property::Binary(bytes) => typed_as(&mut object, name, &BASE64_STANDARD.encode(bytes), "Binary")?,
            }
        }
        object.end()
    }
}

fn typed_as<M: SerializeMap>(object: &mut M, name: &str, text: &str, kind: &str) -> Result<(), M::Error> {
    object.serialize_entry(name, text)?;
    object.serialize_entry(&format_args!("{name}{TYPE_SUFFIX}"), kind)
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
