//! The emergency stop: pausing everything, one organization or one workflow, and resuming it.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, ReviewAccess},
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
        unknown_name,
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use msp_domain::{FieldFault, OrgId, PauseTarget, pause, workflow::nearest};
use msp_storage::repositories::pauses::Pause;
use serde::{Deserialize, Serialize};

/// Something that is paused.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "workflow:user_onboarding", "workflow": "user_onboarding",
    "reason": "Licences are assigned twice; looking into it", "paused_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003",
    "paused_by_name": "Ada Lovelace", "paused_at": "2026-07-01T08:30:00Z"
}))]
pub struct PauseView {
    /// What is paused: `all`, `organization:{id}` or `workflow:{name}`.
    pub id: String,
    /// The organization that is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// The workflow that is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Why. Whoever is refused reads it.
    pub reason: String,
    /// Who paused it: a user id, or `platform` for the command line.
    pub paused_by: String,
    /// The name of who paused it, then.
    pub paused_by_name: String,
    /// When.
    pub paused_at: DateTime<Utc>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        let id = pause.target.to_string();
        let (org_id, workflow) = match pause.target {
            PauseTarget::Everything => (None, None),
            PauseTarget::Organization(org) => (Some(org), None),
            PauseTarget::Workflow(name) => (None, Some(name)),
        };
        Self {
            id,
            org_id,
            workflow,
            reason: pause.reason,
            paused_by: pause.paused_by,
            paused_by_name: pause.paused_by_name,
            paused_at: pause.paused_at,
        }
    }
}

/// A pause.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Licences are assigned twice; looking into it", "cancel_running": true }))]
pub struct SetPause {
    /// Why, in one line of 1 to 500 characters, for those who are refused.
    reason: String,
    /// Whether what runs under it is cancelled as well. Otherwise it runs to its end.
    #[serde(default)]
    cancel_running: bool,
}

/// A pause that was set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "cancelling": 1 }))]
pub struct PauseSet {
    /// The pause.
    #[serde(flatten)]
    pause: PauseView,
    /// How many running executions were asked to give way.
    cancelling: usize,
}

/// List what is paused.
#[utoipa::path(
    get, path = "/api/pauses", operation_id = "listPauses", tag = "pauses",
    responses((status = 200, body = PageOf<PauseView>, description = "Everything that is paused.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_pauses(
    State(api): State<Api>,
    _: ReviewAccess,
    _: NoQuery,
) -> Result<Json<PageOf<PauseView>>, Problem> {
    let pauses = api.repositories.pauses.list().await?;
    Ok(Json(PageOf::all(pauses.into_iter().map(Into::into).collect())))
}

/// Pause everything (`all`), one organization (`organization:{id}`) or one workflow (`workflow:{name}`).
///
/// From now on nothing it covers starts: runs and option generators are refused, what waits in the queue stays pending
/// until it is resumed. Pausing the same thing again for the same reason changes nothing; for another one, it replaces the
/// reason. With `cancel_running`, what runs under it is cancelled.
///
/// Problems: `not-found` (404), `body-invalid` (422), `path-invalid` (400), `limit-exceeded` (422).
#[utoipa::path(
    put, path = "/api/pauses/{id}", operation_id = "setPause", tag = "pauses",
    params(("id" = String, Path, description = "`all`, `organization:{id}` or `workflow:{name}`.")),
    request_body = SetPause,
    responses((status = 200, body = PauseSet, description = "The pause as it is now.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn set_pause(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<String>,
    _: NoQuery,
    ApiJson(body): ApiJson<SetPause>,
) -> Result<Json<PauseSet>, Problem> {
    let target = parse(&id)?;
    let reason = pause::reason(&body.reason)
        .map_err(|fault| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("reason", fault)]))?;
    must_exist(&api, &target).await?;
    let pauses = &api.repositories.pauses;
    let pause = pauses.pause(&target, reason, &asking.caller.display_name, &asking.actor).await?;
    let mut cancelling = 0;
    // Without an engine nothing runs: what an earlier one left behind ends when the next one starts.
    if let Some(engine) = api.engine.get() {
        engine.pauses_changed();
        if body.cancel_running {
            cancelling = engine.cancel_running(&target, &asking.actor).await?;
        }
    }
    Ok(Json(PauseSet { pause: pause.into(), cancelling }))
}

/// Resume what was paused. What was queued meanwhile starts now. Resuming what is not paused changes nothing.
///
/// Problems: `path-invalid` (400).
#[utoipa::path(
    delete, path = "/api/pauses/{id}", operation_id = "liftPause", tag = "pauses",
    params(("id" = String, Path, description = "`all`, `organization:{id}` or `workflow:{name}`.")),
    responses((status = 204, description = "It is not paused any more, unless another pause covers it.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn lift_pause(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    api.repositories.pauses.resume(&parse(&id)?, &asking.actor).await?;
    if let Some(engine) = api.engine.get() {
        engine.pauses_changed();
    }
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> Result<PauseTarget, Problem> {
    id.parse().map_err(|fault| Problem::new(Kind::PathInvalid).detail(format!("That is nothing to pause: {fault}.")))
}

/// A misspelt name would stop nothing, in a moment in which that matters.
async fn must_exist(api: &Api, target: &PauseTarget) -> Result<(), Problem> {
    match target {
        PauseTarget::Everything => {}
        PauseTarget::Organization(org) => {
            api.repositories.organizations.get(*org).await?.ok_or(Kind::NotFound)?;
        }
        PauseTarget::Workflow(name) => {
            // While the first bundle loads, nobody knows the names.
            let Some(engine) = api.engine.get() else { return Ok(()) };
            let metadata = engine.metadata();
            if metadata.workflow(name).is_none() {
                let names = metadata.workflows.iter().map(|workflow| workflow.name.as_str());
                return Err(unknown_name("workflow", name, nearest(name, names)));
            }
        }
    }
    Ok(())
}

/// The refusal of what is paused: what, since when, by whom and why.
pub(crate) fn paused(pause: Pause) -> Problem {
    let what = match &pause.target {
        PauseTarget::Everything => "Everything was".to_owned(),
        PauseTarget::Organization(_) => "Everything for this organization was".to_owned(),
        PauseTarget::Workflow(name) => format!("The workflow `{name}` was"),
    };
    let (by, at) = (&pause.paused_by_name, pause.paused_at.format("%Y-%m-%d %H:%M:%S UTC"));
    let detail = format!("{what} paused by {by} on {at}: {}", pause.reason);
    let view = serde_json::to_value(PauseView::from(pause)).expect("texts always serialise");
    Problem::new(Kind::Paused).detail(detail).with("pause", view)
}
