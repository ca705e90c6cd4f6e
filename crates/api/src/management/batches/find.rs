//! Which batches a caller may see: as its executions.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{ScopeAccess, permission_required},
        rights::{ExecuteWorkflows, ViewHistory},
    },
    state::Api,
};
use msp_domain::{BatchId, Permission, Scope, UserId};
use msp_storage::repositories::batches::Batch;

/// What opens the batches of an organization: everyone's, or only one's own.
pub(super) type BatchAccess = ScopeAccess<(ViewHistory, ExecuteWorkflows)>;

/// Whether the caller sees everybody's. Without an organization only administrators and auditors do: no grant is about `GLOBAL`.
pub(super) fn sees_all(access: &BatchAccess) -> bool {
    match access.access.scope() {
        Scope::Org(_) => access.access.permissions().view_history,
        Scope::Global => access.asking.caller.may_review(),
    }
}

/// Whose batches the caller sees; `None`: everybody's. One's own need a current `execute_workflows`.
pub(super) async fn only_of(api: &Api, access: &BatchAccess) -> Result<Option<UserId>, Problem> {
    if sees_all(access) {
        return Ok(None);
    }
    if !access.access.permissions().execute_workflows {
        let org = access.access.scope().org();
        return Err(permission_required(api, &access.asking.actor, org, Permission::ExecuteWorkflows).await);
    }
    Ok(Some(access.asking.caller.user))
}

/// The batch with this id in the organization of the request, if the caller may see it.
pub(super) async fn find_batch(api: &Api, access: &BatchAccess, id: BatchId) -> Result<Batch, Problem> {
    let batch = api.repositories.batches.get(access.access.scope(), id).await?.ok_or(Kind::NotFound)?;
    if only_of(api, access).await?.is_none_or(|user| batch.submitted_by == user) {
        return Ok(batch);
    }
    let org = access.access.scope().org();
    Err(permission_required(api, &access.asking.actor, org, Permission::ViewHistory).await)
}
