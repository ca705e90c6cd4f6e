//! Deleting an organization: what would go, and the deletion itself, which may outlast the request that began it.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, ReviewAccess},
        etag::{IfMatch, etag_header, or_current},
        params::{ApiPath, ApiQuery, NoQuery},
    },
    management::organizations::OrganizationView,
    state::{Api, ApiState},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use msp_domain::OrgId;
use msp_engine::{
    fault::{FaultPoint, reach},
    keep_running,
};
use msp_storage::{
    StoreError,
    repositories::{
        Actor,
        deletion::{Belongings, Deletion, Part},
        organizations::Organization,
    },
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

/// How long a caller waits for the end of a deletion before it is told that it goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a deletion removes, and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "name": "Contoso",
    "removes": {
        "grants": 4, "secrets": 2, "integrations": 1, "config": 6, "forms": 3, "notification_rules": 1, "exports": 1,
        "untold_failures": 0, "has_retention_limit": true, "is_paused": false, "uploads": 1, "batches": 2,
        "more_batches": false, "executions": 1000, "more_executions": true
    },
    "refused_because": ["organization-active"], "started_at": null, "started_by": null
}))]
pub struct DeletionView {
    /// The organization.
    org_id: OrgId,
    /// Its name, which `confirm` must repeat.
    name: String,
    /// What it has now, and what goes. Its audit trail stays, and so does what is of it in files of exports over all
    /// organizations.
    removes: Belongings,
    /// The problems that stand in the way now: `organization-active`, `organization-busy`.
    refused_because: Vec<&'static str>,
    /// Since when it is being deleted; `null`: it is not.
    started_at: Option<DateTime<Utc>>,
    /// Who decided it: a user id, or `platform`.
    started_by: Option<String>,
}

async fn view(api: &Api, organization: Organization) -> Result<Json<DeletionView>, Problem> {
    let (id, repositories) = (organization.id, &api.repositories);
    let mut refused_because = Vec::new();
    if organization.is_active {
        refused_because.push(Kind::OrganizationActive.slug());
    }
    if repositories.unended_of(id).await? > 0 {
        refused_because.push(Kind::OrganizationBusy.slug());
    }
    let (started_at, started_by) =
        organization.deletion.map(|Deletion { started_at, started_by, .. }| (started_at, started_by)).unzip();
    let removes = repositories.belongings(id).await?;
    Ok(Json(DeletionView { org_id: id, name: organization.name, removes, refused_because, started_at, started_by }))
}

/// See what deleting an organization would remove, what stands in the way, and how far it is.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations/{org}/deletion", operation_id = "getOrganizationDeletion", tag = "organizations",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = DeletionView, description = "What would go.",
        headers(("ETag" = String, description = "The version of the organization.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_organization_deletion(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(org): ApiPath<OrgId>,
    _: NoQuery,
) -> Result<([(HeaderName, HeaderValue); 1], Json<DeletionView>), Problem> {
    let organization = api.repositories.organizations.get(org).await?.ok_or(Kind::NotFound)?;
    Ok((etag_header(&organization.etag), view(&api, organization).await?))
}

/// The word that is asked for before an organization goes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Confirmation {
    /// The name of the organization, exactly.
    confirm: String,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// Delete an inactive organization with everything in it, for good. Its audit trail stays.
///
/// From the answer on nobody gets into it. What takes longer than a request goes on behind it (202): also after a
/// restart, and by calling this again, whose `If-Match` then no longer counts.
///
/// Problems: `not-found` (404), `path-invalid` (400), `confirmation-mismatch` (422), `version-required` (428),
/// `stale-version` (412), `organization-active` (409), `organization-busy` (409).
#[utoipa::path(
    delete, path = "/api/organizations/{org}", operation_id = "deleteOrganization", tag = "organizations",
    params(("org" = OrgId, Path, description = "The organization."), Confirmation,
        ("If-Match" = String, Header, description = "The version that is meant.")),
    responses((status = 204, description = "It is deleted."),
        (status = 202, body = DeletionView, description = "It is being deleted.",
            headers(("Location" = String, description = "Where to see how far it is.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn delete_organization(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(org): ApiPath<OrgId>,
    IfMatch(if_match): IfMatch,
    ApiQuery(confirmation): ApiQuery<Confirmation>,
) -> Result<Response, Problem> {
    let if_match = if_match.ok_or_else(|| {
        Problem::new(Kind::VersionRequired).detail("Send the `ETag` of what you have seen as `If-Match`; `*` is none.")
    })?;
    let organizations = &api.repositories.organizations;
    let organization = organizations.get(org).await?.ok_or(Kind::NotFound)?;
    if confirmation.confirm != organization.name {
        return Err(Problem::new(Kind::ConfirmationMismatch)
            .detail(format!("`confirm` must be the name of the organization: `{}`.", organization.name)));
    }
    let begun = api.repositories.begin_deletion(org, &if_match, &asking.actor).await;
    let current =
        async { Ok(organizations.get(org).await?.map(|found| (OrganizationView::from(found.clone()), found.etag))) };
    let organization = or_current(begun, current).await?;
    match timeout(PATIENCE, go_on(&api, org, asking.actor)).await {
        Ok(ended) => {
            ended.map_err(|crash| Problem::new(Kind::Internal).caused_by(&crash))??;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(_) => {
            let location = [(header::LOCATION, format!("/api/organizations/{org}/deletion"))];
            Ok((StatusCode::ACCEPTED, location, view(&api, organization).await?).into_response())
        }
    }
}

/// One deletion at a time: they are long, and nobody waits for the second.
pub(crate) type Turn = Arc<Mutex<()>>;

/// Deletes what is left of an organization, whoever waits for it.
fn go_on(api: &ApiState, org: OrgId, actor: Actor) -> JoinHandle<Result<(), StoreError>> {
    let (repositories, turn) = (api.repositories.clone(), Arc::clone(&api.deletions));
    keep_running("deletion", move || {
        let (repositories, turn, actor) = (repositories.clone(), Arc::clone(&turn), actor.clone());
        async move {
            let _turn = turn.lock().await;
            let passed = |part| {
                reach(match part {
                    Part::Grants => FaultPoint::AfterGrantsGone,
                    Part::Secrets => FaultPoint::AfterSecretsGone,
                    Part::Settings => FaultPoint::AfterSettingsGone,
                    Part::Executions => FaultPoint::AfterExecutionsGone,
                });
            };
            let ended = repositories.finish_deletion(org, &actor, &passed).await;
            if let Err(error) = &ended {
                tracing::error!(
                    org.id = %org, error = %error,
                    "An organization could not be deleted whole; it stays closed, and deleting it again goes on"
                );
            }
            ended
        }
    })
}

impl ApiState {
    /// Goes on with every deletion that was interrupted; call it at start.
    ///
    /// # Errors
    /// [`StoreError`] when the organizations cannot be read.
    pub async fn resume_deletions(&self) -> Result<(), StoreError> {
        for organization in self.repositories.deletions().await? {
            drop(go_on(self, organization.id, Actor::PLATFORM));
        }
        Ok(())
    }
}
