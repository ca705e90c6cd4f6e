//! From a request to validated arguments: everything that can be refused without a trace.

use crate::{
    engine::{RunError, SubmittedForm},
    masking::MASK,
};
use msp_domain::{
    BundleMetadata, FieldFault, Parameter, ParameterType, Workflow, parameter::validate_input, workflow::nearest,
};
use msp_storage::repositories::executions::NewMark;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// A run that may be put on record.
pub(crate) struct Prepared {
    pub workflow: Workflow,
    /// Validated, coerced, defaults filled in.
    pub arguments: Map<String, Value>,
    /// The arguments as history shows them: password values masked.
    pub input_json: String,
    /// The password values among the arguments, by parameter.
    pub passwords: Map<String, Value>,
    /// Its idempotency mark, filled in by the caller of [`prepare`].
    pub mark: Option<NewMark>,
}

/// Finds the workflow and validates the input.
pub(crate) fn prepare(
    metadata: &BundleMetadata,
    name: &str,
    has_organization: bool,
    form: Option<&SubmittedForm>,
    input: &Map<String, Value>,
) -> Result<Prepared, RunError> {
    let workflow = metadata.workflow(name).ok_or_else(|| RunError::Unknown {
        kind: "workflow",
        name: name.to_owned(),
        nearest: nearest(name, metadata.workflows.iter().map(|workflow| workflow.name.as_str())).map(str::to_owned),
    })?;
    if workflow.requires_org && !has_organization {
        return Err(RunError::OrganizationRequired);
    }
    if workflow.forms_only && form.is_none() {
        return Err(RunError::FormRequired);
    }
    let arguments = validate_input(&workflow.parameters, input).map_err(RunError::Invalid)?;
    let (input_json, passwords) = split_passwords(&workflow.parameters, form, &arguments);
    Ok(Prepared { workflow: workflow.clone(), arguments, input_json, passwords, mark: None })
}

fn split_passwords(
    parameters: &[Parameter],
    form: Option<&SubmittedForm>,
    arguments: &Map<String, Value>,
) -> (String, Map<String, Value>) {
    let mut shown = arguments.clone();
    let mut passwords = Map::new();
    let is_password = |parameter: &&Parameter| {
        parameter.parameter_type == ParameterType::Password
            || form.is_some_and(|form| form.passwords.contains(&parameter.name))
    };
    for parameter in parameters.iter().filter(is_password) {
        if let Some(value) = shown.get_mut(&parameter.name) {
            passwords.insert(parameter.name.clone(), std::mem::replace(value, Value::from(MASK)));
        }
    }
    (Value::Object(shown).to_string(), passwords)
}

/// The stored input with some of it replaced, and what is replaced by `null` taken away: the workflow may no longer take
/// it. A masked value was a password, and `files` name parameters that were files: they must be given again.
pub(crate) fn again(
    mut stored: Map<String, Value>,
    overrides: Map<String, Value>,
    files: &HashSet<String>,
    is_hidden: impl Fn(&str) -> bool,
) -> Result<Map<String, Value>, RunError> {
    let is_masked = |value: &Value| value.as_str() == Some(MASK);
    let mut lost: Vec<FieldFault> = stored
        .keys()
        .filter(|name| files.contains(*name) && !overrides.contains_key(*name))
        .map(|name| FieldFault::at(name, "is a file of the earlier run: upload it again, or leave it out with `null`"))
        .collect();
    for (name, value) in overrides {
        if !value.is_null() && stored.get(&name).is_some_and(is_masked) && !is_hidden(&name) {
            let detail = "was a password, and is none any more: history would keep it. Leave it out with `null`, or run the workflow anew";
            lost.push(FieldFault::at(&name, detail));
        }
        if value.is_null() {
            stored.shift_remove(&name);
        } else {
            stored.insert(name, value);
        }
    }
    let passwords = stored
        .iter()
        .filter(|(_, value)| is_masked(value))
        .map(|(name, _)| FieldFault::at(name, "is a password, which history does not keep: give it again"));
    lost.extend(passwords);
    if lost.is_empty() { Ok(stored) } else { Err(RunError::Invalid(lost)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_password_is_given_again_only_while_history_would_hide_it_again() {
        let stored = || object(json!({ "user": "ada", "pin": MASK }));
        let given = |pin: Value, is_hidden: bool| {
            again(stored(), object(json!({ "pin": pin })), &HashSet::new(), |_| is_hidden)
        };
        assert_eq!(
            given(json!("a new pin"), true).expect("taken"),
            object(json!({ "user": "ada", "pin": "a new pin" }))
        );
        let Err(RunError::Invalid(faults)) = given(json!("a new pin"), false) else {
            panic!("it would be kept in clear")
        };
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["#/pin"]);
        assert_eq!(given(Value::Null, false).expect("left out"), object(json!({ "user": "ada" })));
    }

    #[test]
    fn what_was_typed_behind_dots_stays_hidden_though_the_workflow_no_longer_calls_it_a_password() {
        let metadata: BundleMetadata = serde_json::from_value(json!({
            "bundle": "b", "errors": [], "option_generators": [],
            "workflows": [{ "name": "reset", "requires_org": false, "timeout_seconds": 1, "exclusive": false, "file": "f",
                "line": 1, "parameters": [{ "name": "pin", "type": "string", "required": true }] }]
        }))
        .expect("metadata");
        let form = SubmittedForm { id: uuid::Uuid::nil(), name: "Reset".to_owned(), passwords: vec!["pin".to_owned()] };
        let input = json!({ "pin": "correct horse" }).as_object().cloned().expect("an object");
        let shown = |form| prepare(&metadata, "reset", false, form, &input).unwrap_or_else(|_| panic!("accepted"));
        let of_form = shown(Some(&form));
        assert!(!of_form.input_json.contains("horse"), "{}", of_form.input_json);
        assert_eq!(of_form.passwords["pin"], "correct horse");
        assert_eq!(of_form.arguments["pin"], "correct horse", "the workflow receives it");
        assert!(shown(None).input_json.contains("horse"), "without a form the workflow alone decides");
    }
}
