//! Rows of a table as submissions: which column fills which field, and what the text of a cell means there.

use super::{
    schema::{Field, FieldType, FormSchema, OptionSource},
    value::is_scalar,
};
use crate::{FieldFault, workflow::nearest};
use serde_json::{Map, Number, Value};

/// What stands between the values of a cell that holds several.
const BETWEEN_VALUES: char = '|';

/// Which field each column of a table fills.
#[derive(Debug)]
pub struct Columns<'a> {
    fields: Vec<&'a Field>,
}

impl<'a> Columns<'a> {
    /// Matches the header of a table with the fields of a form: by name, or by label, letter case ignored.
    ///
    /// # Errors
    /// A fault for each column that is no field, or the same as an earlier one, with the field that may be meant.
    pub fn of(schema: &'a FormSchema, header: &[String]) -> Result<Self, Vec<FieldFault>> {
        let known: Vec<&Field> = schema.fields.iter().filter(|field| !field.field_type.is_layout()).collect();
        let (mut fields, mut faults): (Vec<&Field>, Vec<FieldFault>) = (Vec::new(), Vec::new());
        for (position, title) in header.iter().enumerate() {
            let title = title.trim();
            let fault = match find(&known, title) {
                Some(field) if fields.iter().any(|earlier| earlier.name == field.name) => {
                    format!("`{}` has two columns", field.name)
                }
                Some(field) if field.field_type == FieldType::File => {
                    format!("`{}` takes a file, which a table cannot hold", field.name)
                }
                Some(field) => {
                    fields.push(field);
                    continue;
                }
                None if title.is_empty() => "this column has no title".to_owned(),
                None => match nearest(title, known.iter().flat_map(|field| [field.name.as_str(), &field.label])) {
                    Some(meant) => format!("this form has no field `{title}`; did you mean `{meant}`?"),
                    None => format!("this form has no field `{title}`"),
                },
            };
            faults.push(FieldFault { pointer: format!("#/columns/{}", position + 1), detail: fault });
        }
        if faults.is_empty() { Ok(Self { fields }) } else { Err(faults) }
    }

    /// The names of the fields, in the order of their columns.
    pub fn names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name.clone()).collect()
    }

    /// A row as a submission. An empty cell was not filled in.
    pub fn submission<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Map<String, Value> {
        let filled = self.fields.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
        filled.map(|(field, cell)| (field.name.clone(), field.read_cell(cell))).collect()
    }
}

fn find<'a>(known: &[&'a Field], title: &str) -> Option<&'a Field> {
    let by = |matches: &dyn Fn(&Field) -> bool| known.iter().copied().find(|field| matches(field));
    by(&|field| field.name == title)
        .or_else(|| by(&|field| field.name.eq_ignore_ascii_case(title)))
        .or_else(|| by(&|field| !field.label.is_empty() && field.label.to_lowercase() == title.to_lowercase()))
}

impl Field {
    /// What the text of a cell means here. What has no meaning stays a text, which the field then refuses in its own words.
    fn read_cell(&self, cell: &str) -> Value {
        let text = cell.trim();
        match self.field_type {
            FieldType::Password => Value::from(cell),
            FieldType::Number => number(text).map_or_else(|| Value::from(text), Value::Number),
            FieldType::Checkbox | FieldType::Switch => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Value::Bool(true),
                "false" | "no" | "off" | "0" => Value::Bool(false),
                _ => Value::from(text),
            },
            FieldType::Select | FieldType::Radio => self.offered(text),
            FieldType::MultiSelect => {
                let values = text.split(BETWEEN_VALUES).map(str::trim).filter(|value| !value.is_empty());
                values.map(|value| self.offered(value)).collect()
            }
            FieldType::Json => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
            _ => Value::from(text),
        }
    }

    /// The offered value that is written like this, or has this label.
    fn offered(&self, text: &str) -> Value {
        let items = match self.options.as_ref().map(|options| &options.source) {
            Some(OptionSource::Static { items }) => items.as_slice(),
            _ => &[],
        };
        let by_value = items.iter().find(|item| is_written(&item.value, text));
        let found = by_value.or_else(|| items.iter().find(|item| item.label.eq_ignore_ascii_case(text)));
        found.map_or_else(|| Value::from(text), |item| item.value.clone())
    }
}

/// The value of the option of a generator that is written like this, or has this label; each of several. What none of them
/// is stays as it is.
pub fn chosen_among(items: &[Value], chosen: &Value) -> Value {
    if let Value::Array(several) = chosen {
        return several.iter().map(|one| chosen_among(items, one)).collect();
    }
    let Some(text) = chosen.as_str() else { return chosen.clone() };
    let value = |item: &Value| item.get("value").filter(|value| is_scalar(value)).cloned();
    let by_value = items.iter().filter_map(value).find(|value| is_written(value, text));
    let labelled = |item: &&Value| item["label"].as_str().is_some_and(|label| label.eq_ignore_ascii_case(text));
    by_value.or_else(|| items.iter().find(labelled).and_then(value)).unwrap_or_else(|| chosen.clone())
}

fn is_written(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Number(value) => value.to_string() == text,
        Value::Bool(value) => text == if *value { "true" } else { "false" },
        _ => false,
    }
}

fn number(text: &str) -> Option<Number> {
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> FormSchema {
        FormSchema::parse(&json!({ "name": "New user", "workflow": "onboard", "fields": [
            { "type": "section", "label": "Person" },
            { "name": "email", "label": "Work address", "type": "email", "required": true },
            { "name": "seats", "label": "Seats", "type": "number" },
            { "name": "is_staff", "label": "Staff", "type": "checkbox" },
            { "name": "plan", "label": "Plan", "type": "select", "options": { "source": "static",
              "items": [{ "label": "Small", "value": 1 }, { "label": "Large", "value": 2 }] } },
            { "name": "groups", "label": "Groups", "type": "multi_select", "options": { "source": "static",
              "items": [{ "label": "Sales", "value": "s" }, { "label": "IT", "value": "i" }] } },
            { "name": "photo", "label": "Photo", "type": "file" },
        ] }))
        .expect("a schema")
    }

    fn header(titles: &[&str]) -> Vec<String> {
        titles.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_are_found_by_name_or_label_and_cells_become_values_of_their_fields() {
        let schema = schema();
        let titles = header(&["WORK ADDRESS", "seats", "Staff", "Plan", "groups"]);
        let columns = Columns::of(&schema, &titles).expect("columns");
        assert_eq!(columns.names(), ["email", "seats", "is_staff", "plan", "groups"]);
        let row = columns.submission([" ada@contoso.example ", "25", "Yes", "large", "Sales| i"].into_iter());
        let expected =
            json!({ "email": "ada@contoso.example", "seats": 25, "is_staff": true, "plan": 2, "groups": ["s", "i"] });
        assert_eq!(Value::Object(row), expected);
        let odd = columns.submission(["x", "many", "perhaps", "1", ""].into_iter());
        assert_eq!(Value::Object(odd), json!({ "email": "x", "seats": "many", "is_staff": "perhaps", "plan": 1 }));
    }

    #[test]
    fn a_column_that_is_no_field_is_told_which_may_be_meant() {
        let schema = schema();
        let titles = header(&["emial", "Seats", "seats", "", "photo", "zzz"]);
        let faults = Columns::of(&schema, &titles).expect_err("refused");
        let details: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
        let expected = [
            ("#/columns/1", "this form has no field `emial`; did you mean `email`?"),
            ("#/columns/3", "`seats` has two columns"),
            ("#/columns/4", "this column has no title"),
            ("#/columns/5", "`photo` takes a file, which a table cannot hold"),
            ("#/columns/6", "this form has no field `zzz`"),
        ];
        assert_eq!(details, expected);
    }

    #[test]
    fn an_option_of_a_generator_may_be_written_as_its_value_or_its_label() {
        let items = [json!({ "label": "Business", "value": "SPB" }), json!({ "label": "Ten", "value": 10 })];
        assert_eq!(chosen_among(&items, &json!("business")), "SPB");
        assert_eq!(chosen_among(&items, &json!(["10", "SPB", "none"])), json!([10, "SPB", "none"]));
    }
}
