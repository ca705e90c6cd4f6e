//! `X-Form-Id`: a run that is the submission of a form. The server checks what was entered as the client did.

use super::{attempts::Fault, engine, submitted_files::Uploads};
use crate::{
    http::{Problem, ProblemKind as Kind},
    management::batches::submit::invalid_rows,
    state::Api,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use futures::future::try_join_all;
use msp_auth::Access;
use msp_domain::{
    FieldFault, Scope,
    form::{Field, FieldType, FormSchema, OptionInput, OptionSource, chosen_among, is_among},
};
use msp_engine::{OptionsRequest, RowFault, RowInput, SubmittedForm};
use msp_storage::repositories::{Actor, files::TakenUpload, forms::StoredForm};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The name of the request header.
const FORM_ID: HeaderName = HeaderName::from_static("x-form-id");

/// Option generators of one submission that are asked at the same time: each takes a place among those that wait.
const ASKED_AT_ONCE: usize = 4;

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
    let faults = not_offered(api, (access, actor), &schema, &values).await?;
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

/// Rows entered into a form, each checked as [`submitted`] does. An option may be written as its value or its label. The
/// same question is put to an option generator once, however many rows ask it.
pub(crate) async fn checked_rows(
    api: &Api,
    who: (&Access, &Actor),
    form: &StoredForm,
    rows: Vec<RowInput>,
) -> Result<(SubmittedForm, Vec<RowInput>), Problem> {
    require_active(form)?;
    let schema = form.schema()?;
    let mut answers: HashMap<String, Vec<Value>> = HashMap::new();
    let (mut valid, mut faulty) = (Vec::with_capacity(rows.len()), Vec::new());
    for mut row in rows {
        match schema.validate(&row.input) {
            Ok(values) => row.input = values,
            Err(faults) => {
                faulty.push(RowFault { row: row.row, faults });
                continue;
            }
        }
        let mut faults = Vec::new();
        for field in &schema.fields {
            let Some(Question { generator, inputs, chosen }) = question(field, &row.input) else { continue };
            let key = json!([generator, inputs]).to_string();
            if !answers.contains_key(&key) {
                if answers.len() == MAX_QUESTIONS {
                    let detail = format!(
                        "The rows put more than {MAX_QUESTIONS} different questions to option generators. Send them in \
                         several files."
                    );
                    return Err(Problem::new(Kind::RowsInvalid).detail(detail));
                }
                answers.insert(key.clone(), ask(api, who, generator, inputs).await?);
            }
            let items = answers.get(&key).map_or(&[] as &[Value], Vec::as_slice);
            let chosen = chosen_among(items, chosen);
            match is_among(items, &chosen) {
                Ok(()) => drop(row.input.insert(field.name.clone(), chosen)),
                Err(detail) => faults.push(FieldFault::at(&field.name, detail)),
            }
        }
        match faults.is_empty() {
            true => valid.push(row),
            false => faulty.push(RowFault { row: row.row, faults }),
        }
    }
    if faulty.is_empty() { Ok((as_submitted(form, &schema), valid)) } else { Err(invalid_rows(&faulty)) }
}

/// What a field's option generator is asked, to check what was chosen.
struct Question<'a> {
    generator: &'a str,
    inputs: Map<String, Value>,
    chosen: &'a Value,
}

fn question<'a>(field: &'a Field, values: &'a Map<String, Value>) -> Option<Question<'a>> {
    let (chosen, options) = (values.get(&field.name)?, field.options.as_ref()?);
    let OptionSource::OptionGenerator { generator, inputs } = &options.source else { return None };
    if options.allow_custom || chosen.as_array().is_some_and(Vec::is_empty) {
        return None;
    }
    let inputs = inputs.iter().filter_map(|(name, input)| match input {
        OptionInput::Value { value } => Some((name.clone(), value.clone())),
        OptionInput::Field { field } => Some((name.clone(), values.get(field)?.clone())),
    });
    Some(Question { generator, inputs: inputs.collect(), chosen })
}

async fn ask(
    api: &Api,
    (access, actor): (&Access, &Actor),
    generator: &str,
    inputs: Map<String, Value>,
) -> Result<Vec<Value>, Problem> {
    let request = OptionsRequest {
        generator: generator.to_owned(),
        access: access.clone(),
        actor: actor.clone(),
        inputs,
        search: None,
        limit: usize::MAX,
        fresh: false,
    };
    Ok(engine(api)?.options(request).await?.items)
}

/// A value that was chosen from what a generator offers.
struct Choice<'a> {
    field: &'a str,
    generator: &'a str,
    inputs: Map<String, Value>,
    chosen: &'a Value,
}

/// The chosen values that their option generators do not offer.
async fn not_offered(
    api: &Api,
    who: (&Access, &Actor),
    schema: &FormSchema,
    values: &Map<String, Value>,
) -> Result<Vec<FieldFault>, Fault> {
    let mut choices = Vec::new();
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
        choices.push(Choice { field: &field.name, generator, inputs: inputs.collect(), chosen });
    }
    let mut faults = Vec::new();
    for some in choices.chunks(ASKED_AT_ONCE) {
        let answers = try_join_all(some.iter().map(|choice| choice.fault(api, who))).await?;
        faults.extend(answers.into_iter().flatten());
    }
    Ok(faults)
}

impl Choice<'_> {
    /// Why it cannot be chosen. An answer that was kept may admit it; only a new one may refuse it.
    async fn fault(&self, api: &Api, (access, actor): (&Access, &Actor)) -> Result<Option<FieldFault>, Fault> {
        let ask = async |fresh| {
            let request = OptionsRequest {
                generator: self.generator.to_owned(),
                access: access.clone(),
                actor: actor.clone(),
                inputs: self.inputs.clone(),
                search: None,
                limit: usize::MAX,
                fresh,
            };
            Ok::<_, Fault>(engine(api)?.options(request).await?)
        };
        let answer = ask(false).await?;
        let mut outcome = is_among(&answer.items, self.chosen);
        if outcome.is_err() && answer.age_seconds.is_some() {
            outcome = is_among(&ask(true).await?.items, self.chosen);
        }
        Ok(outcome.err().map(|detail| FieldFault::at(self.field, detail)))
    }
}
