//! `X-Form-Id`: a run that is the submission of a form. The server checks what was entered as the client did.

use super::{
    attempts::Fault,
    choices::{Checked, Choices, Written},
    submitted_files::Uploads,
};
use crate::{
    http::{Problem, ProblemKind as Kind},
    management::batches::submit::invalid_rows,
    state::Api,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use msp_auth::Access;
use msp_domain::{
    FieldFault, Scope,
    form::{FieldType, FormSchema},
};
use msp_engine::{RowFault, RowInput, SubmittedForm};
use msp_storage::repositories::{Actor, files::TakenUpload, forms::StoredForm};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, slice};
use tokio::time::Instant;
use uuid::Uuid;

/// The name of the request header.
const FORM_ID: HeaderName = HeaderName::from_static("x-form-id");

/// Most questions that the rows of one file put to option generators: each may run for seconds.
const MAX_QUESTIONS: usize = 200;

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

/// A submission that holds.
pub(crate) struct Submitted {
    pub form: SubmittedForm,
    /// What to run the workflow with.
    pub values: Map<String, Value>,
    /// The uploads that become files of the run.
    pub files: Vec<TakenUpload>,
}

/// Checks what was entered into a form against it: what is hidden is dropped, everything else must hold, also that a chosen
/// option is one its generator offers and a file one the caller has uploaded.
pub(crate) async fn submitted(
    api: &Api,
    (access, actor): (&Access, &Actor),
    workflow: &str,
    form: &StoredForm,
    input: &Map<String, Value>,
    deadline: Instant,
) -> Result<Submitted, Fault> {
    require_active(form)?;
    if form.workflow != workflow {
        let detail = format!("The form \"{}\" runs the workflow `{}`, not `{workflow}`.", form.name, form.workflow);
        return Err(Problem::new(Kind::HeaderInvalid).detail(detail).into());
    }
    let schema = form.schema().map_err(Problem::from)?;
    let invalid = |faults| Problem::new(Kind::ParametersInvalid).errors(faults);
    let mut input = input.clone();
    let uploads = Uploads::resolve(api, access, &schema, &mut input).await?;
    let values = schema.validate(&input).map_err(invalid)?;
    let files = uploads.taken(&schema, &values)?;
    let choices = Choices::of(&schema, slice::from_ref(&values), Written::AsValue);
    let checked = choices.check(api, (access, actor), deadline).await?.into_iter();
    let refused = |one: Checked| one.outcome.err().map(|detail| FieldFault::at(&one.field, detail));
    let faults: Vec<FieldFault> = checked.filter_map(refused).collect();
    if !faults.is_empty() {
        return Err(invalid(faults).into());
    }
    Ok(Submitted { form: as_submitted(form, &schema), values, files })
}

fn require_active(form: &StoredForm) -> Result<(), Problem> {
    if form.is_active {
        return Ok(());
    }
    let detail = format!("The form \"{}\" was switched off. Whoever manages forms can switch it on.", form.name);
    Err(Problem::new(Kind::FormInactive).detail(detail))
}

fn as_submitted(form: &StoredForm, schema: &FormSchema) -> SubmittedForm {
    let passwords = schema.fields.iter().filter(|field| field.field_type == FieldType::Password);
    let passwords = passwords.map(|field| field.name.clone()).collect();
    SubmittedForm { id: form.id, name: form.name.clone(), passwords }
}

/// Rows entered into a form, each checked as [`submitted`] does. An option may be written as its value or its label.
pub(crate) async fn checked_rows(
    api: &Api,
    who: (&Access, &Actor),
    form: &StoredForm,
    rows: &[RowInput],
    deadline: Instant,
) -> Result<(SubmittedForm, Vec<RowInput>), Fault> {
    require_active(form)?;
    let schema = form.schema().map_err(Problem::from)?;
    let (mut valid, mut faulty) = (Vec::with_capacity(rows.len()), BTreeMap::<u32, Vec<FieldFault>>::new());
    for row in rows {
        match schema.validate(&row.input) {
            Ok(input) => valid.push(RowInput { input, ..row.clone() }),
            Err(faults) => drop(faulty.insert(row.row, faults)),
        }
    }
    let choices = Choices::of(&schema, valid.iter().map(|row| &row.input), Written::AsValueOrLabel);
    if choices.question_count() > MAX_QUESTIONS {
        let detail = format!(
            "The rows put more than {MAX_QUESTIONS} different questions to option generators. Send them in several files."
        );
        return Err(Problem::new(Kind::RowsInvalid).detail(detail).into());
    }
    for Checked { submission, field, outcome } in choices.check(api, who, deadline).await? {
        let row = &mut valid[submission];
        match outcome {
            Ok(chosen) => drop(row.input.insert(field, chosen)),
            Err(detail) => faulty.entry(row.row).or_default().push(FieldFault::at(&field, detail)),
        }
    }
    if faulty.is_empty() {
        return Ok((as_submitted(form, &schema), valid));
    }
    let faulty: Vec<RowFault> = faulty.into_iter().map(|(row, faults)| RowFault { row, faults }).collect();
    Err(invalid_rows(&faulty).into())
}
