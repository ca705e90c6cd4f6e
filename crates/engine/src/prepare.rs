//! From a request to validated arguments: everything that can be refused without a trace.

use crate::{engine::RunError, masking::MASK};
use msp_domain::{
    BundleMetadata, FieldFault, Parameter, ParameterType, Workflow, parameter::validate_input, workflow::nearest,
};
use msp_storage::repositories::executions::NewMark;
use serde_json::{Map, Value};

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
    has_form: bool,
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
    if workflow.forms_only && !has_form {
        return Err(RunError::FormRequired);
    }
    let arguments = validate_input(&workflow.parameters, input).map_err(RunError::Invalid)?;
    let (input_json, passwords) = split_passwords(&workflow.parameters, &arguments);
    Ok(Prepared { workflow: workflow.clone(), arguments, input_json, passwords, mark: None })
}

fn split_passwords(parameters: &[Parameter], arguments: &Map<String, Value>) -> (String, Map<String, Value>) {
    let mut shown = arguments.clone();
    let mut passwords = Map::new();
    for parameter in parameters.iter().filter(|parameter| parameter.parameter_type == ParameterType::Password) {
        if let Some(value) = shown.get_mut(&parameter.name) {
            passwords.insert(parameter.name.clone(), std::mem::replace(value, Value::from(MASK)));
        }
    }
    (Value::Object(shown).to_string(), passwords)
}

/// The stored input with some of it replaced, and what is replaced by `null` taken away: the workflow may no longer take
/// it. A masked value was a password: it must be given again.
pub(crate) fn again(
    mut stored: Map<String, Value>,
    overrides: Map<String, Value>,
) -> Result<Map<String, Value>, RunError> {
    for (name, value) in overrides {
        if value.is_null() {
            stored.shift_remove(&name);
        } else {
            stored.insert(name, value);
        }
    }
    let faults: Vec<FieldFault> = stored
        .iter()
        .filter(|(_, value)| value.as_str() == Some(MASK))
        .map(|(name, _)| FieldFault::at(name, "is a password, which history does not keep: give it again"))
        .collect();
    if faults.is_empty() { Ok(stored) } else { Err(RunError::Invalid(faults)) }
}
