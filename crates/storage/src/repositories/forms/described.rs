//! What the audit trail says about a form that is too large to be said twice: what differs, and where.

use crate::limits;
use crate::repositories::audit::MAX_DETAILS;
use serde_json::{Map, Value, json};

/// Texts are shortened to the first of these with which everything fits, in UTF-16 units.
const SHORTENED_TO: [usize; 3] = [500, 100, 20];

/// Before and after; of a large form the places that differ, each with what was there and what is now.
pub(super) fn change(before: &Value, after: &Value) -> Value {
    let whole = json!({ "after": after, "before": before });
    if fits(&whole) {
        return whole;
    }
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    fitting(json!({ "changes": changes }))
}

/// The same with texts as short as they must be for it to fit.
pub(super) fn fitting(details: Value) -> Value {
    if fits(&details) {
        return details;
    }
    let mut shortened = SHORTENED_TO.iter().map(|most| shorten(&details, *most));
    // What fits in no way is cut by the trail itself.
    shortened.find(fits).unwrap_or(details)
}

fn fits(details: &Value) -> bool {
    limits::utf16_units(&details.to_string()) <= MAX_DETAILS
}

fn shorten(value: &Value, most: usize) -> Value {
    match value {
        Value::String(text) => Value::from(limits::shorten(text, most)),
        Value::Array(items) => items.iter().map(|item| shorten(item, most)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), shorten(member, most))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Adds every place where two values differ. Of lists, what they begin and end with alike is left out, so that a field that
/// is added or removed is one change, and not one of everything behind it.
fn compare(pointer: &str, before: &Value, after: &Value, changes: &mut Vec<Value>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let member = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
                compare(&format!("{pointer}/{escaped}"), &member(old), &member(new), changes);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            let (old, new) = (&old[start..], &new[start..]);
            let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
            let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
            if old.len() == new.len() {
                for (at, (old, new)) in old.iter().zip(new).enumerate() {
                    compare(&format!("{pointer}/{}", start + at), old, new, changes);
                }
            } else {
                changes.push(json!({ "pointer": format!("{pointer}/{start}"), "before": old, "after": new }));
            }
        }
        _ => changes.push(json!({ "pointer": pointer, "before": before, "after": after })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[&str], help: &str) -> Value {
        let fields: Vec<Value> =
            fields.iter().map(|name| json!({ "name": name, "description": help.repeat(2_000) })).collect();
        json!({ "is_active": true, "form": { "name": "F", "fields": fields } })
    }

    #[test]
    fn of_a_large_form_the_trail_says_what_differs() {
        let before = form(&["a", "b", "c", "d"], "long");
        let mut renamed = before.clone();
        renamed["form"]["fields"][2]["name"] = json!("x");
        assert_eq!(
            change(&before, &renamed),
            json!({ "changes": [{ "pointer": "/form/fields/2/name", "before": "c", "after": "x" }] })
        );
        let added = change(&before, &form(&["a", "new", "b", "c", "d"], "long"));
        assert_eq!(added["changes"][0]["pointer"], "/form/fields/1");
        assert_eq!(
            (&added["changes"][0]["before"], &added["changes"][0]["after"][0]["name"]),
            (&json!([]), &json!("new"))
        );
        let mut off = before.clone();
        off["is_active"] = json!(false);
        assert_eq!(change(&before, &off)["changes"][0]["pointer"], "/is_active");
        let small = form(&["a"], "s");
        assert_eq!(change(&small, &small), json!({ "before": small, "after": small }));
    }

    #[test]
    fn what_does_not_fit_keeps_its_shape_with_shorter_texts() {
        let large = json!({ "after": form(&["a", "b", "c", "d", "e"], "long") });
        let said = fitting(large.clone());
        assert!(fits(&said) && !fits(&large));
        assert_eq!(said["after"]["form"]["fields"][4]["name"], "e");
        let every = change(&form(&["a", "b", "c", "d"], "long"), &form(&["a", "b", "c", "d"], "more"));
        assert_eq!(every["changes"].as_array().map(Vec::len), Some(4));
    }
}
