//! A form to begin with.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{SignedIn, permission_required},
        params::{ApiPath, NoQuery},
        unknown_name,
    },
    state::Api,
    workflows::engine,
};
use axum::{Json, extract::State};
use msp_domain::{FieldFault, Permission, form::FormSchema, form::draft, workflow::nearest};
use serde::Serialize;
use serde_json::Value;

/// A form made from the parameters of a workflow.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "form": {
        "name": "New user", "workflow": "user_onboarding", "category": "user_management",
        "fields": [{ "name": "email", "label": "E-mail address", "type": "email", "required": true }]
    },
    "errors": []
}))]
pub struct FormDraft {
    /// The document.
    #[schema(value_type = FormSchema)]
    form: Value,
    /// What must be put right before it can be saved.
    errors: Vec<FieldFault>,
}

/// Draft a form for a workflow: a field for each of its parameters. Nothing is saved.
///
/// Problems: `not-found` (404), `engine-starting` (503).
#[utoipa::path(
    get, path = "/api/form-drafts/{name}", operation_id = "draftForm", tag = "forms",
    params(("name" = String, Path, description = "The workflow.")),
    responses((status = 200, body = FormDraft, description = "The draft.")),
    extensions(("x-permission" = json!("manage_forms somewhere")))
)]
pub async fn draft_form(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    ApiPath(workflow): ApiPath<String>,
    _: NoQuery,
) -> Result<Json<FormDraft>, Problem> {
    let (somewhere, _) = api.gate.somewhere(&asking.caller).await?;
    if !somewhere.manage_forms {
        return Err(permission_required(&api, &asking.actor, None, Permission::ManageForms).await);
    }
    let bundle = engine(&api)?.metadata();
    let Some(known) = bundle.workflow(&workflow) else {
        let names = bundle.workflows.iter().map(|workflow| workflow.name.as_str());
        return Err(unknown_name("workflow", &workflow, nearest(&workflow, names)));
    };
    let form = draft(known, &bundle);
    let errors = match FormSchema::parse(&form) {
        Ok(schema) => schema.check_against(&bundle),
        Err(faults) => faults,
    };
    Ok(Json(FormDraft { form, errors }))
}

/// The form in a body, checked by itself and against what the workspace offers now, and what about it is probably not meant.
pub(super) fn checked(
    api: &Api,
    document: serde_json::Map<String, Value>,
) -> Result<(FormSchema, Vec<FieldFault>), Problem> {
    let invalid = |faults| Problem::new(Kind::FormInvalid).errors(faults);
    let schema = FormSchema::parse(&Value::Object(document)).map_err(invalid)?;
    let bundle = engine(api)?.metadata();
    let faults = schema.check_against(&bundle);
    let warnings = schema.warnings_against(&bundle);
    if faults.is_empty() { Ok((schema, warnings)) } else { Err(invalid(faults)) }
}
