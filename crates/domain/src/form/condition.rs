//! Which fields a person sees, and which must be filled in.

use super::{
    schema::{Condition, Conditions, Field, FieldType, FormSchema, Operator},
    value::{is_empty, is_same, order, tidy},
};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// What conditions make of a form, by the position of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormState {
    /// Whether it is shown.
    pub visible: Vec<bool>,
    /// Whether it is shown and must be filled in.
    pub required: Vec<bool>,
}

impl FormSchema {
    /// Evaluates the conditions over what has been entered. A hidden field counts as empty, so what depends on it follows.
    pub fn state(&self, input: &Map<String, Value>) -> FormState {
        let sections = self.sections();
        let mut evaluation =
            Evaluation { form: self, input, sections: &sections, visible: vec![None; self.fields.len()] };
        let visible: Vec<bool> = (0..self.fields.len()).map(|position| evaluation.is_visible(position)).collect();
        let required = (0..self.fields.len()).map(|position| {
            let field = &self.fields[position];
            visible[position]
                && (field.required || field.required_when.as_ref().is_some_and(|when| evaluation.holds(when)))
        });
        FormState { required: required.collect(), visible }
    }

    /// The position of the section each field stands in.
    pub(super) fn sections(&self) -> Vec<Option<usize>> {
        let mut current = None;
        let sections = self.fields.iter().enumerate().map(|(position, field)| {
            if field.field_type == FieldType::Section {
                current = Some(position);
                return None;
            }
            current
        });
        sections.collect()
    }

    /// The position of the field with this name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

struct Evaluation<'a> {
    form: &'a FormSchema,
    input: &'a Map<String, Value>,
    sections: &'a [Option<usize>],
    visible: Vec<Option<bool>>,
}

impl Evaluation<'_> {
    fn is_visible(&mut self, position: usize) -> bool {
        if let Some(known) = self.visible[position] {
            return known;
        }
        let form = self.form;
        let section = self.sections[position].is_none_or(|section| self.is_visible(section));
        let visible = section && form.fields[position].visible_when.as_ref().is_none_or(|when| self.holds(when));
        self.visible[position] = Some(visible);
        visible
    }

    fn holds(&mut self, conditions: &Conditions) -> bool {
        match conditions {
            Conditions::All(rows) => rows.iter().all(|row| self.row_holds(row)),
            Conditions::Any(rows) => rows.iter().any(|row| self.row_holds(row)),
        }
    }

    fn row_holds(&mut self, row: &Condition) -> bool {
        let form = self.form;
        let Some(position) = form.position(&row.field) else { return false };
        let field = &form.fields[position];
        let entered = self.input.get(&row.field).filter(|_| self.is_visible(position)).unwrap_or(&Value::Null);
        compare(field, &tidy(field, entered), row)
    }
}

fn compare(field: &Field, actual: &Value, row: &Condition) -> bool {
    let expected = row.value.as_ref().unwrap_or(&Value::Null);
    let ordering = || order(field.field_type, actual, expected);
    match row.op {
        Operator::Eq => is_equal(field, actual, expected),
        Operator::Ne => !is_equal(field, actual, expected),
        Operator::In => is_among(field, actual, expected),
        Operator::NotIn => !is_among(field, actual, expected),
        Operator::Empty => is_empty(actual),
        Operator::NotEmpty => !is_empty(actual),
        Operator::Contains => match (actual, expected) {
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            (Value::Array(chosen), _) => chosen.iter().any(|choice| is_same(choice, expected)),
            _ => false,
        },
        Operator::Gt => ordering() == Some(Ordering::Greater),
        Operator::Gte => matches!(ordering(), Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => ordering() == Some(Ordering::Less),
        Operator::Lte => matches!(ordering(), Some(Ordering::Less | Ordering::Equal)),
    }
}

/// Instants are equal when they are the same moment, however their offsets are written.
fn is_equal(field: &Field, actual: &Value, expected: &Value) -> bool {
    is_same(actual, expected)
        || (field.field_type == FieldType::Datetime
            && order(field.field_type, actual, expected) == Some(Ordering::Equal))
}

fn is_among(field: &Field, actual: &Value, list: &Value) -> bool {
    let Value::Array(list) = list else { return false };
    let chosen = actual.as_array().map_or(std::slice::from_ref(actual), Vec::as_slice);
    chosen.iter().any(|choice| list.iter().any(|expected| is_equal(field, choice, expected)))
}
