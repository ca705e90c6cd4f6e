//! Running a workflow.

use super::{
    attempts::{Fault, attempts},
    choices, engine,
    idempotency::IdempotencyKey,
    prefer::{PREFERENCE_APPLIED, Preference},
    run_at::RunAt,
    submission::{self, FormId},
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{ScopeAccess, open},
        caller::Asking,
        json::InputObject,
        outside_categories,
        params::{ApiPath, NoQuery},
        rights::{ExecuteWorkflows, Opens},
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use msp_auth::Access;
use msp_domain::{ExecutionId, ExecutionStatus};
use msp_engine::{Idempotency, RunAnswer, RunRequest, Wait};
use msp_storage::repositories::{executions::Execution, forms::StoredForm};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// The id of the execution, on every answer of a run.
const EXECUTION_ID: HeaderName = HeaderName::from_static("x-execution-id");
/// How the execution ended, on the answer of a run that has.
const EXECUTION_STATUS: HeaderName = HeaderName::from_static("x-execution-status");

/// A run that goes on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "execution_id": "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10", "status": "Pending" }))]
pub struct AcceptedRun {
    /// The execution; read it at `/api/executions/{id}`.
    pub execution_id: ExecutionId,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// When it is to start; left out where that is as soon as it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// Run a workflow.
///
/// The body holds the parameters. A returned value is answered as it is, also one that says `"success": false`. With
/// `Prefer: respond-async` or `wait=0` the run is accepted at once; with `wait=N` (30 unless said otherwise, at most 200)
/// a run that takes longer goes on and is answered as accepted. Hanging up never cancels a run. With an `Idempotency-Key`,
/// the same request sent again within 24 hours starts nothing and is answered by the run it started the first time.
/// With `X-Form-Id` the body is what was entered into that form: what it hides is dropped, everything else is checked against
/// it, also that chosen options are offered.
///
/// With `X-Run-At` the run starts then and is answered as accepted at once: an instant with offset, or a time on the
/// organization's clock (`2026-03-31T09:30`), or on that of `X-Time-Zone`; at most a year ahead. Rights, organization and
/// workflow are checked again when it starts. It waits as `Pending` and can be cancelled; to move it, cancel it and run it
/// again with another time. One that could not start within 24 hours of its time, because the server was down or runs were
/// paused, ends as `Failed` (`schedule_missed`).
///
/// Problems: `form-required` (400), `form-inactive` (409), `options-failed` (424), `execution-failed` (424), `execution-timed-out` (424), `execution-cancelled` (424),
/// `execution-interrupted` (424), `parameters-invalid` (422), `organization-required` (400),
/// `organization-inactive` (409), `paused` (409), `not-found` (404), `body-too-large` (413), `header-invalid` (400),
/// `idempotency-key-reused` (422),
/// `start-time-invalid` (422), `schedule-full` (409),
/// `engine-starting` (503), `engine-saturated` (503), `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    post, path = "/workflows/{name}", operation_id = "runWorkflow", tag = "workflows",
    params(("name" = String, Path, description = "The workflow."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header,
            description = "The organization to run for; required unless the workflow needs none."),
        ("X-Form-Id" = Option<uuid::Uuid>, Header, description = "The form that is submitted."),
        ("X-Run-At" = Option<String>, Header, description = "When to start, if not now."),
        ("X-Time-Zone" = Option<String>, Header,
            description = "The IANA time zone of an `X-Run-At` without offset, if not that of the organization."),
        ("Prefer" = Option<String>, Header, description = "`respond-async` or `wait=N`."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "A name of the request, chosen by the caller, so that sending it again starts nothing.")),
    request_body(content = serde_json::Map<String, serde_json::Value>,
        example = json!({ "email": "ada@contoso.example", "license": "SPE_E3" })),
    responses(
        (status = 200, description = "The value the workflow returned.", body = serde_json::Value, headers(
            ("X-Execution-Id" = String, description = "The execution."),
            ("X-Execution-Status" = String, description = "`Success` or `Failed`."),
            ("Preference-Applied" = String, description = "What of `Prefer` was applied.")), example = json!({ "user_id": "5b1d", "upn": "grace@contoso.example" })),
        (status = 202, description = "The run goes on.", body = AcceptedRun, headers(
            ("Location" = String, description = "Where to follow it."),
            ("X-Execution-Id" = String, description = "The execution."),
            ("Preference-Applied" = String, description = "What of `Prefer` was applied."))),
    ),
    extensions(("x-permission" = json!("execute_workflows")))
)]
#[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
pub async fn run_workflow(
    State(api): State<Api>,
    scope: ScopeAccess<ExecuteWorkflows>,
    ApiPath(workflow): ApiPath<String>,
    FormId(form): FormId,
    preference: Preference,
    run_at: RunAt,
    idempotency_key: IdempotencyKey,
    _: NoQuery,
    InputObject(input): InputObject,
) -> Result<Response, Problem> {
    let start_at = run_at.instant(scope.access.organization())?;
    let sent = || json!({ "form": form, "start_at": start_at, "input": input });
    let mut start = Start {
        idempotency: idempotency_key.names(sent),
        workflow,
        input,
        form: None,
        preference,
        start_at,
        retry_of: None,
    };
    if let Some(id) = form {
        if let Some(answer) = start.repeated(&api, &scope.asking, &scope.access).await? {
            return Ok(answer);
        }
        let form = submission::find(&api, scope.access.scope(), id).await?;
        start.form = Some(form.ok_or_else(no_such_form)?);
    }
    start.run(&api, &scope.asking, scope.access.clone()).await
}

fn no_such_form() -> Problem {
    Problem::new(Kind::NotFound).detail("There is no such form here. It may belong to another organization.")
}

/// A run to be started.
pub(crate) struct Start {
    pub workflow: String,
    pub input: Map<String, Value>,
    /// The form it is a submission of.
    pub form: Option<StoredForm>,
    pub preference: Preference,
    /// When; as soon as it can if nobody says.
    pub start_at: Option<DateTime<Utc>>,
    /// What the caller names the request by.
    pub idempotency: Option<Idempotency>,
    /// The execution it repeats.
    pub retry_of: Option<ExecutionId>,
}

impl Start {
    /// The answer, if this very request was sent before: it no longer matters what has become of form and files.
    pub async fn repeated(&self, api: &Api, asking: &Asking, access: &Access) -> Result<Option<Response>, Problem> {
        let Some(idempotency) = &self.idempotency else { return Ok(None) };
        permitted(api, asking, access, &self.workflow).await?;
        let wait = if self.start_at.is_some() { Wait::No } else { self.preference.wait };
        let answer = engine(api)?.repeated(access, &self.workflow, idempotency, wait).await?;
        Ok(answer.map(|answer| self.answered(answer)))
    }

    /// Starts it and answers as the caller prefers. When rights or settings change meanwhile, the gate is asked again.
    pub async fn run(self, api: &Api, asking: &Asking, access: Access) -> Result<Response, Problem> {
        let (org, deadline) = (access.scope().org(), choices::deadline());
        let renew = || open(api, asking, org, ExecuteWorkflows::ANY_OF);
        let answer = attempts(access, renew, |access| self.attempt(api, asking, access, deadline)).await?;
        Ok(self.answered(answer))
    }

    async fn attempt(&self, api: &Api, asking: &Asking, access: Access, deadline: Instant) -> Result<RunAnswer, Fault> {
        // Before a form's option generators are asked. The engine looks once more at the workflow as it runs it.
        permitted(api, asking, &access, &self.workflow).await?;
        let (form, input, files) = match &self.form {
            Some(form) => {
                let who = (&access, &asking.actor);
                let submitted = submission::submitted(api, who, &self.workflow, form, &self.input, deadline).await?;
                (Some(submitted.form), submitted.values, submitted.files)
            }
            None => (None, self.input.clone(), Vec::new()),
        };
        let request = RunRequest {
            workflow: self.workflow.clone(),
            access,
            actor: asking.actor.clone(),
            input,
            form,
            files,
            wait: self.preference.wait,
            start_at: self.start_at,
            idempotency: self.idempotency.clone(),
            retry_of: self.retry_of,
        };
        Ok(engine(api)?.run(request).await?)
    }

    /// A run that starts later is not waited for, whatever was preferred.
    fn answered(&self, answer: RunAnswer) -> Response {
        answered(answer, self.preference.applied.as_deref().filter(|_| self.start_at.is_none()))
    }
}

/// Refuses a workflow that the caller's right is not about, on record.
pub(crate) async fn permitted(api: &Api, asking: &Asking, access: &Access, workflow: &str) -> Result<(), Problem> {
    let bundle = engine(api)?.metadata();
    let Some(category) = bundle.workflow(workflow).map(|workflow| &workflow.category) else { return Ok(()) };
    if access.may_run(category) {
        return Ok(());
    }
    let details = json!({ "permission": "execute_workflows", "workflow": workflow, "category": category });
    api.denials.of_caller(&asking.actor, "Organization", access.scope().key(), details).await;
    Err(outside_categories(workflow, category))
}

fn answered(answer: RunAnswer, applied: Option<&str>) -> Response {
    let (execution, mut response) = match answer {
        RunAnswer::Finished(execution, Some(result)) => {
            let response = ([(header::CONTENT_TYPE, "application/json")], result).into_response();
            (execution, response)
        }
        RunAnswer::Finished(execution, None) => {
            let response = ended_without_value(&execution);
            (execution, response)
        }
        RunAnswer::Accepted(execution) => {
            let location = format!("/api/executions/{}", execution.id);
            let body = AcceptedRun {
                execution_id: execution.id,
                status: execution.status,
                scheduled_for: execution.scheduled_for,
            };
            let response = (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(body)).into_response();
            (execution, response)
        }
    };
    let headers = response.headers_mut();
    headers.insert(EXECUTION_ID, HeaderValue::from_str(&execution.id.key()).expect("a UUID is a header value"));
    headers.insert(EXECUTION_STATUS, HeaderValue::from_static(execution.status.name()));
    if let Some(applied) = applied.and_then(|applied| HeaderValue::from_str(applied).ok()) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// A run that raised or was ended. Not a 5xx: proxies would send the request again, and the run twice.
fn ended_without_value(execution: &Execution) -> Response {
    let kind = match execution.status {
        ExecutionStatus::Failed => Kind::ExecutionFailed,
        ExecutionStatus::TimedOut => Kind::ExecutionTimedOut,
        ExecutionStatus::Cancelled => Kind::ExecutionCancelled,
        // A finished run has a final status and a successful one a value: anything else was lost on the way.
        ExecutionStatus::Interrupted
        | ExecutionStatus::Success
        | ExecutionStatus::Pending
        | ExecutionStatus::Running => Kind::ExecutionInterrupted,
    };
    let mut problem = Problem::new(kind)
        .with("execution_id", execution.id.key())
        .with("error_type", execution.error_type.clone())
        .with("error_message", execution.error_message.clone());
    if let Some(message) = &execution.error_message {
        problem = problem.detail(message.clone());
    }
    problem.into_response()
}
