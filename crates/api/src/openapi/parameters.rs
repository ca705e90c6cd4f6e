//! What parameters may hold, said once for every operation that takes them.

use super::operations;
use msp_domain::tags::MAX_TAGS;
use utoipa::openapi::{
    OpenApi as Document, RefOr,
    path::{Parameter, ParameterIn},
    schema::{Array, ArrayItems, Object, OneOf, Schema, SchemaType, Type},
};

/// A version in quotes, as it was answered. `http/etag.rs` also reads `*`, and escapes what a version never holds.
const IF_MATCH: &str = r#"^"[!#$&-~]+"$"#;
/// As `workflows/idempotency.rs` checks it.
const IDEMPOTENCY_KEY: &str = "^[!-~]{1,200}$";
/// As `msp_domain::config::check_name` checks it.
const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}$";

/// As `msp_domain::PauseTarget` reads it.
const PAUSE: &str = "^(all|organization:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|workflow:[\\p{L}\\p{N}_.-]{1,120})$";

/// As `msp_domain::Tags` reads each.
const TAG: &str = "^[^\\s,;\\p{C}]{1,50}$";

/// Completes the description of every parameter: one that may be left out is absent, never `null`, and headers, cursors
/// and names say which characters they take.
pub(crate) fn describe(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        let names_a_setting = path.starts_with("/api/organizations/{org}/") || path.starts_with("/api/global/");
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                if let Some(schema) = &mut parameter.schema {
                    never_null(schema);
                }
                match (&parameter.parameter_in, parameter.name.as_str()) {
                    (ParameterIn::Header, "If-Match") => matches(parameter, IF_MATCH),
                    (ParameterIn::Header, "Idempotency-Key") => matches(parameter, IDEMPOTENCY_KEY),
                    (ParameterIn::Query, "tag") => {
                        matches(parameter, TAG);
                        at_most(parameter, MAX_TAGS);
                    }
                    (ParameterIn::Query, "cursor") => text(parameter, |cursor| cursor.min_length = Some(1)),
                    (ParameterIn::Path, "id") if path == "/api/pauses/{id}" => matches(parameter, PAUSE),
                    (ParameterIn::Path, "key" | "name" | "type") if names_a_setting => matches(parameter, NAME),
                    _ => {}
                }
            }
        }
    }
}

fn matches(parameter: &mut Parameter, pattern: &str) {
    text(parameter, |schema| schema.pattern = Some(pattern.to_owned()));
}

fn at_most(parameter: &mut Parameter, items: usize) {
    if let Some(RefOr::T(Schema::Array(list))) = &mut parameter.schema {
        list.max_items = Some(items);
    }
}

/// Changes the schema of a text, or of each text of a list.
fn text(parameter: &mut Parameter, change: impl FnOnce(&mut Object)) {
    match &mut parameter.schema {
        Some(RefOr::T(Schema::Object(text))) => change(text),
        Some(RefOr::T(Schema::Array(Array { items: ArrayItems::RefOrSchema(item), .. }))) => {
            if let RefOr::T(Schema::Object(text)) = item.as_mut() {
                change(text);
            }
        }
        _ => {}
    }
}

fn never_null(schema: &mut RefOr<Schema>) {
    let present = match schema {
        RefOr::T(Schema::Object(Object { schema_type: SchemaType::Array(types), .. })) => {
            types.retain(|one| *one != Type::Null);
            let [only] = types.as_slice() else { return };
            let only = only.clone();
            return text_type(schema, only);
        }
        RefOr::T(Schema::OneOf(OneOf { items, .. })) => items.iter().find(|item| !is_null(item)).cloned(),
        _ => return,
    };
    if let Some(present) = present {
        *schema = present;
    }
}

fn text_type(schema: &mut RefOr<Schema>, only: Type) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.schema_type = SchemaType::Type(only);
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(Object { schema_type: SchemaType::Type(Type::Null), .. })))
}
