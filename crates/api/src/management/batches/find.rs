//! Which batches a caller may see: as its executions.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{MaybeOrgAccess, permission_required},
        caller::Asking,
        rights::{ExecuteWorkflows, ViewHistory},
    },
    management::executions::{find::in_global, list::every_scope},
    state::Api,
};
use msp_domain::{BatchId, Permission, Permissions, Scope};
use msp_storage::repositories::batches::{Batch, BatchFilter};

/// What opens the batches of an organization: everyone's, or only one's own.
pub(super) type BatchAccess = MaybeOrgAccess<(ViewHistory, ExecuteWorkflows)>;

/// The scopes the caller asks for and may see something of, each with whose batches those are. One's own need a current
/// `execute_workflows`.
pub(super) async fn lanes(api: &Api, access: &BatchAccess) -> Result<Vec<(Scope, BatchFilter)>, Problem> {
    let user = access.asking.caller.user;
    let scopes = match &access.access {
        Some(opened) => vec![(opened.scope(), *opened.permissions())],
        None => every_scope(api, &access.asking).await?,
    };
    let visible = |(scope, permissions): (Scope, Permissions)| match permissions {
        Permissions { view_history: true, .. } => Some((scope, BatchFilter::default())),
        Permissions { execute_workflows: true, .. } => Some((scope, BatchFilter { submitted_by: Some(user) })),
        _ => None,
    };
    Ok(scopes.into_iter().filter_map(visible).collect())
}

/// The batch with this id, if the caller may see it. An organization named by the request narrows the search to it.
pub(super) async fn find_batch(api: &Api, access: &BatchAccess, id: BatchId) -> Result<Batch, Problem> {
    let asking = &access.asking;
    let Some(opened) = &access.access else {
        return anywhere(api, asking, id).await?.ok_or_else(|| Kind::NotFound.into());
    };
    let batch = api.repositories.batches.get(opened.scope(), id).await?.ok_or(Kind::NotFound)?;
    if may_see(asking, opened.permissions(), &batch) {
        return Ok(batch);
    }
    let is_own = batch.submitted_by == asking.caller.user;
    let missing = if is_own { Permission::ExecuteWorkflows } else { Permission::ViewHistory };
    Err(permission_required(api, &asking.actor, opened.scope().org(), missing).await)
}

/// Without an organization: `GLOBAL`, then the organizations the caller may run workflows or view history in. What the caller
/// may not see does not exist for it.
async fn anywhere(api: &Api, asking: &Asking, id: BatchId) -> Result<Option<Batch>, Problem> {
    let batches = &api.repositories.batches;
    if let Some(batch) = batches.get(Scope::Global, id).await? {
        let permissions = in_global(api, asking).await?;
        return Ok(may_see(asking, &permissions, &batch).then_some(batch));
    }
    for (organization, permissions) in api.gate.organizations_of(&asking.caller).await? {
        if !permissions.view_history && !permissions.execute_workflows {
            continue;
        }
        if let Some(batch) = batches.get(Scope::Org(organization.id), id).await? {
            return Ok(may_see(asking, &permissions, &batch).then_some(batch));
        }
    }
    Ok(None)
}

fn may_see(asking: &Asking, permissions: &Permissions, batch: &Batch) -> bool {
    let is_own = batch.submitted_by == asking.caller.user;
    permissions.view_history || (is_own && permissions.execute_workflows)
}
