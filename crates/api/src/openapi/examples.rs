//! Examples of bodies and answers, where those who read the description look for them: beside each body.

use super::operations;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, OpenApi as Document, RefOr,
    schema::{Object, Schema},
};

/// Schemas refer to each other; none of ours is deeper.
const DEEPEST: usize = 8;

/// Gives every body that has no example of its own the one of its type; a list shows one item.
pub(crate) fn add(document: &mut Document) {
    let Some(components) = &mut document.components else { return };
    let parts = components.schemas.clone();
    for schema in components.schemas.values_mut() {
        let whole = example(schema, &parts, DEEPEST);
        if let RefOr::T(Schema::AllOf(all)) = schema {
            all.example = whole;
        }
    }
    let schemas = components.schemas.clone();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(|content| complete(content, &schemas));
            }
            for (status, response) in &mut operation.responses.responses {
                // Problems have their example in the schema all of them share.
                if let (true, RefOr::T(response)) = (status.starts_with('2'), response) {
                    response.content.values_mut().for_each(|content| complete(content, &schemas));
                }
            }
        }
    }
}

type Schemas = BTreeMap<String, RefOr<Schema>>;

fn complete(content: &mut RefOr<Content>, schemas: &Schemas) {
    let RefOr::T(content) = content else { return };
    if content.example.is_none() && content.examples.is_empty() {
        content.example = content.schema.as_ref().and_then(|schema| example(schema, schemas, DEEPEST));
    }
}

fn example(schema: &RefOr<Schema>, schemas: &Schemas, deeper: usize) -> Option<Value> {
    let deeper = deeper.checked_sub(1)?;
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            example(schemas.get(name)?, schemas, deeper)
        }
        RefOr::T(Schema::Object(object)) => object
            .example
            .clone()
            .or_else(|| object.examples.first().cloned())
            .or_else(|| list(object, schemas, deeper)),
        RefOr::T(Schema::Array(_)) => items(schema, schemas, deeper),
        RefOr::T(Schema::AllOf(all)) => {
            let parts = all.items.iter().filter_map(|part| example(part, schemas, deeper));
            together(parts.chain(all.example.clone()))
        }
        RefOr::T(_) => None,
    }
}

/// One object with the properties of all.
fn together(parts: impl Iterator<Item = Value>) -> Option<Value> {
    let mut whole = Map::new();
    for part in parts {
        whole.extend(part.as_object()?.clone());
    }
    (!whole.is_empty()).then_some(Value::Object(whole))
}

/// A list: an object with `items`, whose other properties are `null` at its end.
fn list(object: &Object, schemas: &Schemas, deeper: usize) -> Option<Value> {
    let shown = items(object.properties.get("items")?, schemas, deeper)?;
    let mut page = Map::new();
    for name in object.properties.keys() {
        page.insert(name.clone(), if name == "items" { shown.clone() } else { Value::Null });
    }
    Some(Value::Object(page))
}

fn items(schema: &RefOr<Schema>, schemas: &Schemas, deeper: usize) -> Option<Value> {
    let RefOr::T(Schema::Array(array)) = schema else { return None };
    if let Some(own) = &array.example {
        return Some(own.clone());
    }
    let utoipa::openapi::schema::ArrayItems::RefOrSchema(item) = &array.items else { return None };
    example(item, schemas, deeper).map(|item| json!([item]))
}
