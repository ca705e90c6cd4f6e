//! From a request to validated arguments: everything that can be refused without a trace.

use crate::{engine::RunError, masking::MASK};
use msp_domain::{BundleMetadata, Parameter, ParameterType, Workflow, parameter::validate_input, workflow::nearest};
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
}

/// Finds the workflow and validates the input.
pub(crate) fn prepare(
    metadata: &BundleMetadata,
    name: &str,
    has_organization: bool,
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
    let arguments = validate_input(&workflow.parameters, input).map_err(RunError::Invalid)?;
    let (input_json, passwords) = split_passwords(&workflow.parameters, &arguments);
    Ok(Prepared { workflow: workflow.clone(), arguments, input_json, passwords })
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
