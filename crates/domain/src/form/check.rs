//! What stands between the fields of a form: names, references, circular conditions, defaults.

use super::{
    document::{Faults, Place},
    schema::{Condition, Conditions, Field, FieldType, FormSchema, Operator, OptionInput, OptionSource},
    value::{is_scalar, order, tidy},
};
use crate::{BundleMetadata, FieldFault, ParameterType, workflow::nearest};
use serde_json::Value;

pub(super) fn check(form: &FormSchema, root: &Place<'_>) {
    let fields = root.at("fields");
    for (position, field) in form.fields.iter().enumerate() {
        let place = fields.at(position);
        check_name(form, position, &place);
        for (key, conditions) in [("visible_when", &field.visible_when), ("required_when", &field.required_when)] {
            if let Some(conditions) = conditions {
                check_conditions(form, field, conditions, &place.at(key));
            }
        }
        for (input, name) in field.input_fields() {
            let place = place.at("options").at("inputs").at(input).at("field");
            if let Some(referred) = check_reference(form, field, name, &place)
                && referred.field_type == FieldType::Password
            {
                place.fault("an option generator is not told a password");
            }
        }
        for name in mentioned(field) {
            check_mention(form, name, &place.at("description"));
        }
        if let Some(default) = &field.default
            && let Err(detail) = field.accept(&tidy(field, default), false)
        {
            place.at("default").fault(detail);
        }
    }
    check_circles(form, &fields);
}

impl FormSchema {
    /// What does not fit the workspace: an unknown workflow or option generator, a field that is no parameter of the
    /// workflow (every submission would be refused), inputs that the generator does not take,
    /// a password that the workflow would not keep secret, or a file that it could not take.
    pub fn check_against(&self, bundle: &BundleMetadata) -> Vec<FieldFault> {
        let faults = Faults::default();
        let root = Place::root(&faults);
        if bundle.workflow(&self.workflow).is_none() {
            let known = bundle.workflows.iter().map(|workflow| workflow.name.as_str());
            root.at("workflow").fault(format!(
                "unknown workflow `{}`{}",
                self.workflow,
                did_you_mean(&self.workflow, known)
            ));
        }
        for (position, field) in self.fields.iter().enumerate() {
            if let Some(workflow) = bundle.workflow(&self.workflow).filter(|_| !field.field_type.is_layout()) {
                let mut known = workflow.parameters.iter().map(|parameter| parameter.name.as_str());
                if !known.clone().any(|name| name == field.name) {
                    let hint = did_you_mean(&field.name, &mut known);
                    let fault = format!("`{}` has no parameter `{}`{hint}", self.workflow, field.name);
                    root.at("fields").at(position).at("name").fault(fault);
                }
            }
            if field.field_type == FieldType::Password
                && !takes(bundle, &self.workflow, &field.name, ParameterType::Password)
            {
                root.at("fields").at(position).at("type").fault(format!(
                    "`{}` of `{}` is not declared with `type=\"password\"`, so what is typed would stay readable in the \
                     history; declare it so, or use another type",
                    field.name, self.workflow
                ));
            }
            if field.field_type == FieldType::File && !takes(bundle, &self.workflow, &field.name, ParameterType::Json) {
                root.at("fields").at(position).at("type").fault(format!(
                    "`{}` of `{}` cannot take a file: declare it with `type=\"json\"`",
                    field.name, self.workflow
                ));
            }
            let Some(OptionSource::OptionGenerator { generator, inputs }) = field.options.as_ref().map(|o| &o.source)
            else {
                continue;
            };
            let place = root.at("fields").at(position).at("options");
            let Some(known) = bundle.option_generator(generator) else {
                let names = bundle.option_generators.iter().map(|known| known.name.as_str());
                let hint = did_you_mean(generator, names);
                place.at("generator").fault(format!("unknown option generator `{generator}`{hint}"));
                continue;
            };
            for input in inputs.keys().filter(|input| !known.inputs.contains(input)) {
                let hint = did_you_mean(input, known.inputs.iter().map(String::as_str));
                place.at("inputs").at(input).fault(format!("`{generator}` takes no `{input}`{hint}"));
            }
        }
        faults.into_inner()
    }
}

impl FormSchema {
    /// What fits the workspace and is probably not meant: a parameter that the workflow requires and no field asks for, so
    /// that no submission can be run.
    pub fn warnings_against(&self, bundle: &BundleMetadata) -> Vec<FieldFault> {
        let parameters = bundle.workflow(&self.workflow).map_or(&[][..], |workflow| &workflow.parameters);
        let is_asked_for = |name: &str| self.fields.iter().any(|field| field.name == name);
        let missing = parameters.iter().filter(|parameter| parameter.required && parameter.default.is_none());
        missing
            .filter(|parameter| !is_asked_for(&parameter.name))
            .map(|parameter| {
                let detail = format!(
                    "`{}` requires the parameter `{}`, which no field asks for: no submission can be run",
                    self.workflow, parameter.name
                );
                FieldFault { pointer: "#/fields".to_owned(), detail }
            })
            .collect()
    }
}

/// Whether a parameter is of the type that a field needs. What the workflow does not take at all is another fault.
fn takes(bundle: &BundleMetadata, workflow: &str, name: &str, needed: ParameterType) -> bool {
    let parameters = bundle.workflow(workflow).map_or(&[][..], |workflow| &workflow.parameters);
    parameters.iter().find(|parameter| parameter.name == name).is_none_or(|found| found.parameter_type == needed)
}

fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn check_name(form: &FormSchema, position: usize, place: &Place<'_>) {
    let name = &form.fields[position].name;
    if !name.is_empty() && form.position(name).is_some_and(|first| first < position) {
        place.at("name").fault(format!("another field is called `{name}`"));
    }
}

fn check_reference<'a>(form: &'a FormSchema, from: &Field, name: &str, place: &Place<'_>) -> Option<&'a Field> {
    let referred = form.position(name).map(|position| &form.fields[position]);
    match referred {
        Some(field) if field.field_type.is_layout() => place.fault(format!("`{name}` holds no value")),
        Some(_) if name == from.name => place.fault("a field cannot depend on itself"),
        Some(field) => return Some(field),
        None => {
            let known =
                form.fields.iter().filter(|field| !field.field_type.is_layout()).map(|field| field.name.as_str());
            place.fault(format!("there is no field `{name}`{}", did_you_mean(name, known)));
        }
    }
    None
}

fn check_conditions(form: &FormSchema, from: &Field, conditions: &Conditions, place: &Place<'_>) {
    let place = place.at(conditions.name());
    for (i, row) in conditions.rows().iter().enumerate() {
        let place = place.at(i);
        if let Some(field) = check_reference(form, from, &row.field, &place.at("field"))
            && let Some(fault) = never_holds(field, row)
        {
            place.at("value").fault(fault);
        }
    }
}

/// Why a row could never hold: it compares with a value the field cannot have.
fn never_holds(field: &Field, row: &Condition) -> Option<String> {
    let value = row.value.as_ref()?;
    let kind = field.field_type.name();
    let fits = match row.op {
        Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => order(field.field_type, value, value).is_some(),
        Operator::Contains if field.field_type == FieldType::MultiSelect => true,
        Operator::Contains => value.is_string() && (field.field_type.is_text() || field.field_type.has_options()),
        Operator::In | Operator::NotIn => value.as_array()?.iter().all(|value| can_equal(field.field_type, value)),
        _ => field.field_type != FieldType::MultiSelect && can_equal(field.field_type, value),
    };
    (!fits).then(|| format!("`{}` with this value never fits a field of type `{kind}`", row.op.name()))
}

fn can_equal(field_type: FieldType, value: &Value) -> bool {
    match field_type {
        FieldType::Number => value.is_number(),
        FieldType::Checkbox | FieldType::Switch => value.is_boolean(),
        FieldType::Date | FieldType::Datetime => order(field_type, value, value).is_some(),
        FieldType::Select | FieldType::MultiSelect | FieldType::Radio => is_scalar(value),
        FieldType::Text | FieldType::Textarea | FieldType::Email => value.is_string(),
        // A password in a condition could be read by whoever reads the form. What it, a file or a JSON value is compared with
        // can only be nothing: `empty` and `not_empty`.
        _ => false,
    }
}

/// The fields that a `markdown` element mentions as `{{field}}`.
fn mentioned(field: &Field) -> impl Iterator<Item = &str> {
    let text = if field.field_type == FieldType::Markdown { field.description.as_str() } else { "" };
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim())
}

fn check_mention(form: &FormSchema, name: &str, place: &Place<'_>) {
    match form.position(name).map(|position| form.fields[position].field_type) {
        Some(FieldType::Password) => place.fault(format!("`{{{{{name}}}}}` would show a password")),
        Some(field_type) if !field_type.is_layout() => {}
        _ => {
            let known = form.fields.iter().map(|field| field.name.as_str());
            place.fault(format!("there is no field `{name}`{}", did_you_mean(name, known)));
        }
    }
}

impl Field {
    /// The fields its options depend on, by the name of the generator's argument.
    fn input_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let inputs = match self.options.as_ref().map(|options| &options.source) {
            Some(OptionSource::OptionGenerator { inputs, .. }) => Some(inputs),
            _ => None,
        };
        inputs.into_iter().flatten().filter_map(|(name, input)| match input {
            OptionInput::Field { field } => Some((name.as_str(), field.as_str())),
            OptionInput::Value { .. } => None,
        })
    }
}

/// Finds fields that wait for each other: through conditions of visibility, through the section they stand in, or because
/// options need a value first. Whether a field is required changes no value, so `required_when` cannot be circular.
fn check_circles(form: &FormSchema, fields: &Place<'_>) {
    let sections = form.sections();
    let waits_for: Vec<Vec<usize>> = form
        .fields
        .iter()
        .zip(&sections)
        .map(|(field, section)| {
            let rows = field.visible_when.iter().flat_map(Conditions::rows).map(|row| row.field.as_str());
            let named = rows.chain(field.input_fields().map(|(_, name)| name)).filter_map(|name| form.position(name));
            section.iter().copied().chain(named).collect()
        })
        .collect();
    let mut search = Search { waits_for, done: vec![false; form.fields.len()], path: Vec::new() };
    for start in 0..form.fields.len() {
        for circle in search.circles(start) {
            let names: Vec<String> =
                circle.iter().map(|position| form.fields[*position].shown_name(*position)).collect();
            // A field that depends on itself has been told so already.
            if circle.len() > 2 {
                let field = fields.at(circle[0]);
                let place =
                    if form.fields[circle[0]].visible_when.is_some() { field.at("visible_when") } else { field };
                place.fault(format!("these wait for each other: {}", names.join(" -> ")));
            }
        }
    }
}

impl Field {
    fn shown_name(&self, position: usize) -> String {
        match (self.name.as_str(), self.label.as_str()) {
            ("", "") => format!("field {}", position + 1),
            ("", label) => format!("\"{label}\""),
            (name, _) => name.to_owned(),
        }
    }
}

struct Search {
    waits_for: Vec<Vec<usize>>,
    done: Vec<bool>,
    path: Vec<usize>,
}

impl Search {
    /// Walks from a field to what it waits for; every circle met on the way is answered once, closed by its first field.
    fn circles(&mut self, position: usize) -> Vec<Vec<usize>> {
        if let Some(start) = self.path.iter().position(|earlier| *earlier == position) {
            let mut circle = self.path[start..].to_vec();
            circle.push(position);
            return vec![circle];
        }
        if self.done[position] {
            return Vec::new();
        }
        self.path.push(position);
        let next = self.waits_for[position].clone();
        let found = next.into_iter().flat_map(|next| self.circles(next)).collect();
        self.path.pop();
        self.done[position] = true;
        found
    }
}
