//! What parameters may hold, said once for every operation that takes them.

use super::operations;
use utoipa::openapi::{
    OpenApi as Document, RefOr,
    path::{Parameter, ParameterIn},
    schema::{Object, OneOf, Schema, SchemaType, Type},
};

/// A visible character other than the quote, or one that is escaped: what `http/etag.rs` writes and reads.
const IF_MATCH: &str = r#"^(\*|"([!#$&-~]|%[0-7][0-9A-Fa-f])*")$"#;
/// As `workflows/idempotency.rs` checks it.
const IDEMPOTENCY_KEY: &str = "^[!-~]{1,200}$";
/// As `msp_domain::config::check_name` checks it.
const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}$";

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
                    (ParameterIn::Query, "cursor") => text(parameter, |cursor| cursor.min_length = Some(1)),
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

fn text(parameter: &mut Parameter, change: impl FnOnce(&mut Object)) {
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
        change(schema);
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
