//! Reading the limits of a field.

use crate::file::{MAX_FILE_BYTES, MAX_SUBMITTED_FILES};
use crate::form::{
    document::Object,
    moment, pattern,
    schema::{Bound, FieldType, FieldValidation},
    uploaded::is_accept_entry,
    value::order,
};
use std::cmp::Ordering;

/// Longest message, in characters.
const MAX_MESSAGE_CHARS: usize = 200;
/// Longest text of a pattern that is read at all; compiling it limits it further.
const MAX_PATTERN_CHARS: usize = 2000;
/// Largest file, in the MB of `max_size_mb`.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
const MAX_FILE_MB: f64 = MAX_FILE_BYTES as f64 / 1_048_576.0;

pub(super) fn read_validation(field_type: FieldType, limits: &Object<'_>) -> FieldValidation {
    limits.knows(match field_type {
        FieldType::Number => &["message", "min", "max", "step"],
        FieldType::Date | FieldType::Datetime => &["message", "min", "max"],
        FieldType::MultiSelect => &["message", "min_items", "max_items"],
        FieldType::File => &["message", "min_items", "max_items", "accept", "max_size_mb"],
        field_type if field_type.is_text() => &["message", "pattern", "min_length", "max_length"],
        _ => &[],
    });
    let validation = FieldValidation {
        pattern: limits.optional_text("pattern", MAX_PATTERN_CHARS),
        message: limits.optional_text("message", MAX_MESSAGE_CHARS).filter(|message| !message.is_empty()),
        min: read_bound(field_type, limits, "min"),
        max: read_bound(field_type, limits, "max"),
        step: limits.number("step"),
        min_length: limits.count("min_length"),
        max_length: limits.count("max_length"),
        min_items: limits.count("min_items"),
        max_items: limits.count("max_items"),
        accept: read_accept(limits),
        max_size_mb: limits.number("max_size_mb"),
    };
    if let Some(Err(fault)) = validation.pattern.as_deref().map(pattern::compile) {
        limits.place("pattern").fault(fault);
    }
    for (key, number) in [("step", validation.step), ("max_size_mb", validation.max_size_mb)] {
        if number.is_some_and(|number| number <= 0.0) {
            limits.place(key).fault("expected a number above 0");
        }
    }
    if validation.max_size_mb.is_some_and(|most| most > MAX_FILE_MB) {
        limits.place("max_size_mb").fault(format!("a file has at most {MAX_FILE_MB} MB"));
    }
    if field_type == FieldType::File && validation.max_items.is_some_and(|most| most > MAX_SUBMITTED_FILES) {
        limits.place("max_items").fault(format!("a form is submitted with at most {MAX_SUBMITTED_FILES} files"));
    }
    let reversed = |least: Option<usize>, most: Option<usize>| matches!((least, most), (Some(l), Some(m)) if l > m);
    if reversed(validation.min_length, validation.max_length) {
        limits.place("max_length").fault("must not be less than `min_length`");
    }
    if reversed(validation.min_items, validation.max_items) {
        limits.place("max_items").fault("must not be less than `min_items`");
    }
    if field_type == FieldType::File
        && validation.min_items.is_some_and(|least| least > 1)
        && validation.max_items.is_none()
    {
        limits.place("max_items").fault("say how many files there may be; without, it is one");
    }
    if let (Some(min), Some(max)) = (&validation.min, &validation.max)
        && order(field_type, &min.to_value(), &max.to_value()) == Some(Ordering::Greater)
    {
        limits.place("max").fault("must not be less than `min`");
    }
    validation
}

fn read_bound(field_type: FieldType, limits: &Object<'_>, key: &str) -> Option<Bound> {
    let value = limits.get(key)?;
    let moment = |known: bool, expected: &str| match value.as_str() {
        Some(text) if known => Some(Bound::Moment(text.to_owned())),
        _ => {
            limits.place(key).fault(expected);
            None
        }
    };
    let text = value.as_str().unwrap_or_default();
    match field_type {
        FieldType::Date => moment(moment::day(text).is_some(), "expected a day, such as `2026-03-31`"),
        FieldType::Datetime => {
            moment(moment::instant(text).is_some(), "expected an instant, such as `2026-03-31T09:30:00+02:00`")
        }
        _ => limits.number(key).map(Bound::Number),
    }
}

fn read_accept(limits: &Object<'_>) -> Vec<String> {
    let place = limits.place("accept");
    let Some(items) = limits.get("accept").and_then(|items| place.list(items)) else { return Vec::new() };
    let mut accept = Vec::new();
    for (i, item) in items.iter().enumerate() {
        match item.as_str().filter(|entry| is_accept_entry(entry)) {
            Some(entry) => accept.push(entry.to_owned()),
            None => place.at(i).fault("expected an ending such as `.csv` or a type such as `text/csv` or `image/*`"),
        }
    }
    accept
}
