//! `X-Form-Id`: a run that is the submission of a form. The server checks what was entered as the client did.

use super::engine;
use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use msp_auth::Access;
use msp_domain::{
    FieldFault, Scope,
    form::{FieldType, FormSchema, OptionInput, OptionSource, is_among},
};
use msp_engine::{OptionsRequest, SubmittedForm};
use msp_storage::repositories::{Actor, forms::StoredForm};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The name of the request header.
const FORM_ID: HeaderName = HeaderName::from_static("x-form-id");

/// The form the request names, if any.
pub struct FormId(pub Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for FormId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(FORM_ID).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        match (value.to_str().ok().and_then(|text| text.parse().ok()), values.next()) {
            (Some(id), None) => Ok(Self(Some(id))),
            _ => Err(Problem::new(Kind::HeaderInvalid).detail("Send `X-Form-Id` once, with the id of a form.")),
        }
    }
}

/// A form with this id that runs for this scope: its own, or everybody's.
pub(crate) async fn find(api: &Api, scope: Scope, id: Uuid) -> Result<Option<StoredForm>, Problem> {
    let forms = &api.repositories.forms;
    Ok(match forms.get(scope, id).await? {
        None if scope != Scope::Global => forms.get(Scope::Global, id).await?,
        found => found,
    })
}

/// What was entered into a form, checked against it: what is hidden is dropped, everything else must hold, also that a chosen
/// option is one its generator offers, as it last answered within the time its answers are kept. Answers what to run the workflow with.
pub(crate) async fn submitted(
    api: &Api,
    (access, actor): (&Access, &Actor),
    workflow: &str,
    form: &StoredForm,
    input: &Map<String, Value>,
) -> Result<(SubmittedForm, Map<String, Value>), Problem> {
    if !form.is_active {
        let detail = format!("The form \"{}\" was switched off. Whoever manages forms can switch it on.", form.name);
        return Err(Problem::new(Kind::FormInactive).detail(detail));
    }
    if form.workflow != workflow {
        let detail = format!("The form \"{}\" runs the workflow `{}`, not `{workflow}`.", form.name, form.workflow);
        return Err(Problem::new(Kind::HeaderInvalid).detail(detail));
    }
    let schema = form.schema()?;
    let invalid = |faults| Problem::new(Kind::ParametersInvalid).errors(faults);
    let values = schema.validate(input).map_err(invalid)?;
    let faults = not_offered(api, (access, actor), &schema, &values).await?;
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    let passwords = schema.fields.iter().filter(|field| field.field_type == FieldType::Password);
    let passwords = passwords.map(|field| field.name.clone()).collect();
    Ok((SubmittedForm { id: form.id, name: form.name.clone(), passwords }, values))
}

/// The chosen values that their option generators do not offer.
async fn not_offered(
    api: &Api,
    (access, actor): (&Access, &Actor),
    schema: &FormSchema,
    values: &Map<String, Value>,
) -> Result<Vec<FieldFault>, Problem> {
    let mut faults = Vec::new();
    for field in &schema.fields {
        let (Some(chosen), Some(options)) = (values.get(&field.name), &field.options) else { continue };
        let OptionSource::OptionGenerator { generator, inputs } = &options.source else { continue };
        if options.allow_custom || chosen.as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let inputs = inputs.iter().filter_map(|(name, input)| match input {
            OptionInput::Value { value } => Some((name.clone(), value.clone())),
            OptionInput::Field { field } => Some((name.clone(), values.get(field)?.clone())),
        });
        let request = OptionsRequest {
            generator: generator.clone(),
            access: access.clone(),
            actor: actor.clone(),
            inputs: inputs.collect(),
            search: None,
            limit: usize::MAX,
            fresh: false,
        };
        let answer = engine(api)?.options(request).await?;
        if let Err(detail) = is_among(&answer.items, chosen) {
            faults.push(FieldFault::at(&field.name, detail));
        }
    }
    Ok(faults)
}
