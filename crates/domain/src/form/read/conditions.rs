//! Reading the conditions of a field.

use super::MAX_NAME_CHARS;
use crate::form::{
    MAX_CONDITIONS,
    document::Object,
    schema::{Condition, Conditions, Operator},
    value::{MAX_WHOLE, is_scalar},
};
use serde_json::Value;

pub(super) fn read_conditions(field: &Object<'_>, key: &str) -> Option<Conditions> {
    let conditions = field.child(key)?;
    conditions.knows(&["all", "any"]);
    let (name, rows) = match (conditions.get("all"), conditions.get("any")) {
        (Some(rows), None) => ("all", rows),
        (None, Some(rows)) => ("any", rows),
        _ => {
            field.place(key).fault("expected either `all` or `any` with a list of conditions");
            return None;
        }
    };
    let place = conditions.place(name);
    let items = place.list(rows)?;
    if items.is_empty() || items.len() > MAX_CONDITIONS {
        place.fault(format!("expected 1 to {MAX_CONDITIONS} conditions"));
    }
    let rows: Vec<Option<Condition>> =
        items.iter().enumerate().map(|(i, row)| read_condition(&place.at(i).object(row)?)).collect();
    let rows = rows.into_iter().collect::<Option<Vec<_>>>()?;
    Some(if name == "all" { Conditions::All(rows) } else { Conditions::Any(rows) })
}

fn read_condition(row: &Object<'_>) -> Option<Condition> {
    row.knows(&["field", "op", "value"]);
    let Some(op) = Operator::ALL.into_iter().find(|known| row.get("op") == Some(&known.name().into())) else {
        row.place("op").fault(format!("expected one of {}", Operator::ALL.map(Operator::name).join(", ")));
        return None;
    };
    let value = row.get("value").cloned();
    let scalar = |value: &Value| is_scalar(value) && value.as_f64().is_none_or(|number| number.abs() <= MAX_WHOLE);
    let fault = match (op, &value) {
        (Operator::Empty | Operator::NotEmpty, None) => None,
        (Operator::Empty | Operator::NotEmpty, Some(_)) => Some("`empty` and `not_empty` compare with nothing"),
        (Operator::In | Operator::NotIn, Some(Value::Array(list))) if !list.is_empty() && list.iter().all(scalar) => {
            None
        }
        (Operator::In | Operator::NotIn, _) => Some("expected a list of texts, numbers, `true` or `false`"),
        (_, Some(value)) if scalar(value) => None,
        _ => Some("expected a text, a number, `true` or `false`"),
    };
    if let Some(fault) = fault {
        row.place("value").fault(fault);
    }
    Some(Condition { field: row.text("field", MAX_NAME_CHARS), op, value })
}
