//! Runs that took place elsewhere.

use super::view::ExecutionSummary;
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{SignedIn, permission_required},
        json::ApiJson,
        organization::{NamedOrganization, organization_required},
        params::NoQuery,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use msp_auth::Denied;
use msp_domain::{ExecutionId, ExecutionStatus, FieldFault, OrgId, Permission, Scope, Trigger, UserId, naming};
use msp_storage::{
    Guard, StoreError,
    repositories::{
        audit::AuditDraft,
        executions::{Ended, Ending, Entry, Execution, NewExecution},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How far the clock of whoever ran it may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::minutes(5);
/// Owns what is being recorded: no engine has this name, so one that starts meanwhile ends what was left half done.
const OWNER: &str = "external";

/// A run that took place elsewhere, and has ended.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "workflow_name": "nightly_backup", "status": "Success", "started_at": "2026-07-01T02:00:00Z",
    "completed_at": "2026-07-01T02:04:30Z", "input": { "server": "files-1" }, "result": { "size_gb": 41 }
}))]
pub struct RecordExecution {
    /// A UUIDv7 of the instant it started, by which its sender knows it: who names one may send the request again. The
    /// record has an id of its own.
    #[serde(default)]
    id: Option<ExecutionId>,
    /// What ran.
    workflow_name: String,
    /// How it ended.
    status: ExecutionStatus,
    /// When it started.
    started_at: DateTime<Utc>,
    /// When it ended.
    completed_at: DateTime<Utc>,
    /// What it was given. Whoever sends it leaves passwords out.
    #[serde(default)]
    input: Map<String, Value>,
    /// What it returned.
    #[serde(default)]
    result: Option<Value>,
    /// A short reason of a failure, for programs.
    #[serde(default)]
    error_type: Option<String>,
    /// The reason of a failure, for people.
    #[serde(default)]
    error_message: Option<String>,
}

impl RecordExecution {
    fn faults(&self, now: DateTime<Utc>) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if let Err(detail) = naming::name(&self.workflow_name) {
            faults.push(FieldFault::at("workflow_name", detail));
        }
        if !self.status.is_final() {
            faults.push(FieldFault::at("status", "expected how it ended: what has not ended cannot be recorded"));
        }
        if self.completed_at < self.started_at || self.completed_at > now + CLOCK_LEEWAY {
            faults.push(FieldFault::at("completed_at", "must not lie before `started_at` or in the future"));
        }
        let starts = u64::try_from(self.started_at.timestamp_millis()).ok();
        if self.id.is_some_and(|id| id.millis() != starts) || starts.is_none() {
            faults.push(FieldFault::at("id", "expected a UUIDv7 whose time is that of `started_at`"));
        }
        faults
    }
}

/// The id under which a named run is recorded. It carries the same time; nobody chooses the rest, because logs, files and
/// results are kept under the id of an execution, and those of another organization must never be met.
fn recorded_as(org: OrgId, sender: UserId, named: ExecutionId) -> ExecutionId {
    let digest = Sha256::digest(format!("external run {org} {sender} {named}"));
    let mut bytes = *named.as_uuid().as_bytes();
    bytes[6..].copy_from_slice(&digest[..10]);
    // Version and variant of a UUIDv7 (RFC 9562 section 5.7).
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    ExecutionId::from(Uuid::from_bytes(bytes))
}

/// Put a run on record that took place elsewhere.
///
/// For service accounts with the app role `Executions.Record`, in organizations in which they hold `execute_workflows` for
/// every category. It is marked as `external`, so that nobody takes it for a run of this platform, and cannot be run again
/// here. With an `id`, the same request may be sent again.
///
/// Problems: `permission-denied` (403), `organization-required` (400), `organization-inactive` (409), `conflict` (409),
/// `body-invalid` (422), `settings-changing` (503).
#[utoipa::path(
    post, path = "/api/executions", operation_id = "recordExecution", tag = "executions",
    params(("X-Organization-Id" = msp_domain::OrgId, Header, description = "The organization it ran for.")),
    request_body = RecordExecution,
    responses((status = 201, body = ExecutionSummary, description = "The run on record.",
        headers(("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("execute_workflows, as a service account with `Executions.Record`")))
)]
pub async fn record_execution(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    named: NamedOrganization,
    _: NoQuery,
    ApiJson(body): ApiJson<RecordExecution>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ExecutionSummary>), Problem> {
    let org = named.id().ok_or_else(organization_required)?;
    let generation = match api.gate.may_record(&asking.caller, org).await {
        Ok(generation) => generation,
        Err(Denied::Permission { .. }) => {
            let denied = permission_required(&api, &asking.actor, Some(org), Permission::ExecuteWorkflows).await;
            return Err(denied.detail(
                "Only service accounts with the app role `Executions.Record` and an unlimited grant of \
                 `execute_workflows` in this organization record runs.",
            ));
        }
        Err(other) => return Err(other.into()),
    };
    let faults = body.faults(api.clock.now());
    if !faults.is_empty() {
        return Err(Problem::new(Kind::BodyInvalid).errors(faults));
    }
    let started_at = body.started_at.trunc_subsecs(3);
    let new = NewExecution {
        id: body.id.map_or_else(|| ExecutionId::at(started_at), |named| recorded_as(org, asking.caller.user, named)),
        scope: Scope::Org(org),
        workflow_name: body.workflow_name.trim().to_owned(),
        form_id: None,
        form_name: None,
        executed_by: asking.caller.user,
        executed_by_name: asking.caller.display_name.clone(),
        trigger: Trigger::External,
        input_json: Value::Object(body.input).to_string(),
        bundle_hash: String::new(),
        started_at,
        timeout_seconds: 0,
        minutes_saved: None,
        scheduled_for: None,
        files: Vec::new(),
        retry_of: None,
        batch: None,
        mark: None,
    };
    let ending = Ending {
        status: body.status,
        result_json: body.result.map(|result| result.to_string()),
        error_type: body.error_type,
        error_message: body.error_message,
        completed_at: body.completed_at.trunc_subsecs(3),
        logs_through: 0,
    };
    let details = json!({ "execution_id": new.id, "status": ending.status });
    let audit = AuditDraft::new(new.scope, &asking.actor, "Execution.Record", new.id.key(), details);
    let guard = api.repositories.generation.guard(generation);
    // A caller who hangs up leaves no half of it.
    let recording = tokio::spawn(async move { put_on_record(&api, &new, guard, &ending, audit).await });
    let ended = recording.await.unwrap_or_else(|_| Err(Kind::Internal.into()))?;
    let location = format!("/api/executions/{}", ended.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json((&ended).into())))
}

async fn put_on_record(
    api: &Api,
    new: &NewExecution,
    guard: Guard,
    ending: &Ending,
    audit: AuditDraft,
) -> Result<Execution, Problem> {
    let entry = Entry::Claimed { owner: OWNER.to_owned(), deadline_at: new.started_at };
    let executions = &api.repositories.executions;
    let recorded = executions.insert(new, &entry, vec![guard], audit).await.map_err(|error| match error {
        StoreError::PreconditionFailed => Kind::SettingsChanging.into(),
        error => Problem::from(error),
    })?;
    // A run of this platform keeps its own ending.
    let another = || Problem::new(Kind::Conflict).detail("This id is on record already, as another run.");
    if recorded.trigger != Trigger::External.name() {
        return Err(another());
    }
    let ended = if recorded.status.is_final() {
        let is_this = (recorded.status, recorded.completed_at) == (ending.status, Some(ending.completed_at));
        if is_this { recorded } else { return Err(another()) }
    } else {
        executions.finish(&recorded, ending).await.map_err(|error| match error {
            StoreError::PreconditionFailed => another(),
            error => error.into(),
        })?
    };
    // No engine ended it, so none counts it.
    executions.count(&Ended::of(&ended).into_iter().collect::<Vec<_>>()).await?;
    Ok(ended)
}
