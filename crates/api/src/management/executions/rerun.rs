//! Running an execution again.

use super::find::{HistoryAccess, find_execution};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::open,
        json::InputObject,
        params::{ApiPath, NoQuery},
        rights::{ExecuteWorkflows, Opens},
    },
    state::Api,
    workflows::{
        engine,
        idempotency::IdempotencyKey,
        prefer::Preference,
        run::{AcceptedRun, Start},
        run_at::RunAt,
        submission,
    },
};
use axum::{extract::State, response::Response};
use msp_domain::{ExecutionId, Trigger, form::FieldType};
use msp_storage::repositories::forms::StoredForm;
use serde_json::{Map, json};

/// Run an execution again.
///
/// A new execution of the same workflow for the same organization, by the caller, with the parameters of the earlier one.
/// The body holds those that shall differ, with `null` for those to leave out; passwords and
/// files are not kept for it, so they must be given again. The new execution names the earlier one in `retry_of`. Everything else is as when running a workflow.
///
/// An execution that was the submission of a form is one again, of the form as it is now.
///
/// Problems: `form-required` (400), `form-inactive` (409), `options-failed` (424), `execution-failed` (424), `execution-timed-out` (424), `execution-cancelled` (424),
/// `execution-interrupted` (424), `parameters-invalid` (422), `organization-inactive` (409), `execution-external` (409), `paused` (409),
/// `not-found` (404),
/// `path-invalid` (400), `header-invalid` (400), `start-time-invalid` (422), `schedule-full` (409), `idempotency-key-reused` (422), `engine-starting` (503),
/// `engine-saturated` (503), `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    post, path = "/api/executions/{id}/rerun", operation_id = "rerunExecution", tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution to repeat."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in."),
        ("X-Run-At" = Option<String>, Header, description = "When to start, if not now."),
        ("X-Time-Zone" = Option<String>, Header,
            description = "The IANA time zone of an `X-Run-At` without offset, if not that of the organization."),
        ("Prefer" = Option<String>, Header, description = "`respond-async` or `wait=N`."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "A name of the request, chosen by the caller, so that sending it again starts nothing.")),
    request_body(content = serde_json::Map<String, serde_json::Value>,
        description = "Parameters that shall differ.", example = json!({ "password": "a new one" })),
    responses(
        (status = 200, description = "The value the workflow returned.", body = serde_json::Value, headers(
            ("X-Execution-Id" = String, description = "The new execution."),
            ("X-Execution-Status" = String, description = "`Success` or `Failed`.")), example = json!({ "user_id": "5b1d", "upn": "grace@contoso.example" })),
        (status = 202, description = "The run goes on.", body = AcceptedRun, headers(
            ("Location" = String, description = "Where to follow it."),
            ("X-Execution-Id" = String, description = "The new execution."))),
    ),
    extensions(("x-permission" = json!("execute_workflows, and view_history for other people's")))
)]
#[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
pub async fn rerun_execution(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiPath(id): ApiPath<ExecutionId>,
    preference: Preference,
    run_at: RunAt,
    idempotency_key: IdempotencyKey,
    _: NoQuery,
    InputObject(overrides): InputObject,
) -> Result<Response, Problem> {
    let asking = &history.asking;
    let earlier = find_execution(&api, &history, id).await?;
    if earlier.trigger == Trigger::External.name() {
        return Err(Problem::new(Kind::ExecutionExternal)
            .detail("It was put on record by a program that ran it elsewhere: run it again there."));
    }
    let access = open(&api, asking, earlier.scope.org(), ExecuteWorkflows::ANY_OF).await?;
    let start_at = run_at.instant(access.organization())?;
    let sent = || json!({ "retry_of": id, "start_at": start_at, "overrides": overrides });
    let mut start = Start {
        idempotency: idempotency_key.names(sent),
        workflow: earlier.workflow_name.clone(),
        input: Map::new(),
        form: None,
        preference,
        start_at,
        retry_of: Some(id),
    };
    if let Some(answer) = start.repeated(&api, asking, &access).await? {
        return Ok(answer);
    }
    // The form as it is now. If it is gone, or runs something else, the parameters are checked by the workflow alone.
    let form = match earlier.form_id {
        Some(form) => submission::find(&api, earlier.scope, form).await?,
        None => None,
    };
    start.form = form.filter(|form| form.workflow == earlier.workflow_name);
    let schema = start.form.as_ref().map(StoredForm::schema).transpose()?;
    // What the form does not ask for, the workflow filled in by itself or is asked for no longer.
    let is_asked_for =
        |name: &str| schema.as_ref().is_none_or(|schema| schema.fields.iter().any(|field| field.name == name));
    let is_hidden = |name: &str| {
        let mut fields = schema.iter().flat_map(|schema| &schema.fields);
        fields.any(|field| field.name == name && field.field_type == FieldType::Password)
    };
    start.input = engine(&api)?.input_again(&earlier, overrides, is_asked_for, is_hidden).await?;
    start.run(&api, asking, access).await
}
