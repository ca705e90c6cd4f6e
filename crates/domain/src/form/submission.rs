//! A submission: what a person entered, checked and turned into the input of the workflow.

use super::{
    moment, offered, pattern,
    schema::{Bound, Field, FieldType, FieldValidation, FormSchema},
    uploaded::UploadedFile,
    value::{is_empty, order, tidy, whole},
};
use crate::{FieldFault, naming};
use serde_json::{Map, Value};
use std::cmp::Ordering;

impl FormSchema {
    /// Checks a submission and answers what to run the workflow with: hidden and empty fields are left out, texts are
    /// trimmed, an emptied list of chosen values is kept.
    ///
    /// Options of generators are not asked here; the caller who can ask them checks those values.
    ///
    /// # Errors
    /// Every fault with a pointer to its field: the fields' in their order, then names that the form does not have.
    pub fn validate(&self, input: &Map<String, Value>) -> Result<Map<String, Value>, Vec<FieldFault>> {
        let state = self.state(input);
        let mut values = Map::new();
        let mut faults = Vec::new();
        for (position, field) in self.fields.iter().enumerate() {
            if field.field_type.is_layout() || !state.visible[position] {
                continue;
            }
            let entered = tidy(field, input.get(&field.name).unwrap_or(&Value::Null)).into_owned();
            match field.accept(&entered, state.required[position]) {
                Err(detail) => faults.push(FieldFault::at(&field.name, detail)),
                Ok(()) if is_empty(&entered) && !(field.holds_list() && entered.is_array()) => {}
                Ok(()) => {
                    values.insert(field.name.clone(), entered);
                }
            }
        }
        for name in input.keys() {
            let known = self.fields.iter().any(|field| !field.field_type.is_layout() && &field.name == name);
            if !known {
                faults.push(FieldFault::at(name, format!("This form has no field `{name}`")));
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(faults) }
    }
}

impl Field {
    /// Checks one value that has been tidied.
    pub(super) fn accept(&self, value: &Value, required: bool) -> Result<(), String> {
        if is_empty(value) {
            return if required { Err(self.missing()) } else { Ok(()) };
        }
        self.check_type(value)?;
        if required && *value == Value::Bool(false) && self.field_type.is_boolean() {
            return Err(self.missing());
        }
        self.check_limits(value).map_err(|detail| self.validation.message.clone().unwrap_or(detail))
    }

    fn missing(&self) -> String {
        let must = match self.field_type {
            FieldType::Checkbox => "must be ticked",
            FieldType::Switch => "must be turned on",
            _ => "is required",
        };
        format!("{} {must}", self.title())
    }

    /// What people call it.
    fn title(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    fn check_type(&self, value: &Value) -> Result<(), String> {
        let text = value.as_str();
        match self.field_type {
            FieldType::Text | FieldType::Textarea | FieldType::Password if text.is_none() => {
                Err("Enter a text".to_owned())
            }
            FieldType::Email if text.and_then(|text| naming::email(text).ok()).is_none() => {
                Err("Enter an e-mail address, such as ada@example.com".to_owned())
            }
            FieldType::Number if !value.is_number() => Err("Enter a number".to_owned()),
            FieldType::Number if self.validation.step == Some(1.0) && whole(value).is_none() => {
                Err("Enter a whole number".to_owned())
            }
            FieldType::Checkbox | FieldType::Switch if !value.is_boolean() => Err("Must be on or off".to_owned()),
            FieldType::Date if text.and_then(moment::day).is_none() => {
                Err("Enter a date, such as 2026-03-31".to_owned())
            }
            FieldType::Datetime if text.and_then(moment::instant).is_none() => {
                Err("Enter a date and time, such as 2026-03-31T09:30:00+02:00".to_owned())
            }
            FieldType::Select | FieldType::Radio | FieldType::MultiSelect => offered::check(self, value),
            FieldType::File => self.files(value).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn check_limits(&self, value: &Value) -> Result<(), String> {
        let limits = &self.validation;
        match (self.field_type, value) {
            (FieldType::Text | FieldType::Textarea | FieldType::Email | FieldType::Password, Value::String(text)) => {
                self.check_text(text)
            }
            (FieldType::Number | FieldType::Date | FieldType::Datetime, _) => self.check_range(value),
            (FieldType::MultiSelect, Value::Array(chosen)) => check_count(
                limits,
                chosen.len(),
                |least| format!("Choose at least {least}"),
                |most| format!("Choose at most {most}"),
            ),
            (FieldType::File, _) => self.check_files(&self.files(value)?),
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        let limits = &self.validation;
        let length = text.chars().count();
        if let Some(least) = limits.min_length.filter(|least| length < *least) {
            return Err(format!("Enter at least {}", counted(least, "character")));
        }
        if let Some(most) = limits.max_length.filter(|most| length > *most) {
            return Err(format!("Enter at most {}", counted(most, "character")));
        }
        match limits.pattern.as_deref().map(pattern::compile) {
            Some(Ok(pattern)) if !pattern.is_match(text) => {
                Err(format!("{} does not have the expected format", self.title()))
            }
            // A form that has been parsed has no pattern that cannot be compiled.
            _ => Ok(()),
        }
    }

    fn check_range(&self, value: &Value) -> Result<(), String> {
        let limits = &self.validation;
        let beyond = |bound: &Option<Bound>, side| {
            bound.as_ref().is_some_and(|bound| order(self.field_type, value, &bound.to_value()) == Some(side))
        };
        if !beyond(&limits.min, Ordering::Less) && !beyond(&limits.max, Ordering::Greater) {
            return Ok(());
        }
        Err(match (&limits.min, &limits.max) {
            (Some(min), Some(max)) => format!("Must be between {min} and {max}"),
            (Some(min), None) => format!("Must be at least {min}"),
            (_, max) => format!("Must be at most {}", max.as_ref().map(ToString::to_string).unwrap_or_default()),
        })
    }

    /// Whether an empty list is a value of it: somebody may have removed all that was chosen by default.
    fn holds_list(&self) -> bool {
        matches!(self.field_type, FieldType::MultiSelect | FieldType::Json) || self.takes_many_files()
    }

    /// Whether it takes a list of files.
    pub(super) fn takes_many_files(&self) -> bool {
        self.field_type == FieldType::File && self.validation.max_items.is_some_and(|most| most > 1)
    }

    fn files(&self, value: &Value) -> Result<Vec<UploadedFile>, String> {
        let files: Option<Vec<UploadedFile>> = match (value, self.takes_many_files()) {
            (Value::Array(items), true) => items.iter().map(UploadedFile::read).collect(),
            (single, false) => UploadedFile::read(single).map(|file| vec![file]),
            _ => None,
        };
        files.ok_or_else(|| "Choose the file again".to_owned())
    }

    fn check_files(&self, files: &[UploadedFile]) -> Result<(), String> {
        let limits = &self.validation;
        check_count(
            limits,
            files.len(),
            |least| format!("Add at least {}", counted(least, "file")),
            |most| format!("Add at most {}", counted(most, "file")),
        )?;
        for file in files {
            if !file.is_accepted(&limits.accept) {
                return Err(format!("{} is not one of {}", file.name, limits.accept.join(", ")));
            }
            if let Some(most) = limits.max_size_mb.filter(|most| file.is_larger_than_mb(*most)) {
                return Err(format!("{} is larger than {most} MB", file.name));
            }
        }
        Ok(())
    }
}

impl Bound {
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Number(number) => Value::from(*number),
            Self::Moment(text) => Value::from(text.as_str()),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Moment(text) => formatter.write_str(text),
        }
    }
}

fn check_count(
    limits: &FieldValidation,
    count: usize,
    too_few: impl Fn(usize) -> String,
    too_many: impl Fn(usize) -> String,
) -> Result<(), String> {
    match (limits.min_items, limits.max_items) {
        (Some(least), _) if count < least => Err(too_few(least)),
        (_, Some(most)) if count > most => Err(too_many(most)),
        _ => Ok(()),
    }
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
