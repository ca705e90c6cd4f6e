//! Which executions a caller may see (design section 4, "Who may do what").

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{MaybeOrgAccess, permission_required},
        caller::Asking,
        rights::{ExecuteWorkflows, ViewHistory},
    },
    state::Api,
};
use msp_domain::{ExecutionId, Permission, Permissions, Scope};
use msp_storage::repositories::executions::Execution;

/// What opens the executions of an organization: everyone's, or only one's own.
pub(super) type HistoryAccess = MaybeOrgAccess<(ViewHistory, ExecuteWorkflows)>;

/// The execution with this id, if the caller may see it. An organization named by the request narrows the search to it.
pub(super) async fn find_execution(api: &Api, history: &HistoryAccess, id: ExecutionId) -> Result<Execution, Problem> {
    let asking = &history.asking;
    let Some(access) = &history.access else {
        return anywhere(api, asking, id).await?.ok_or_else(|| Kind::NotFound.into());
    };
    let execution = api.repositories.executions.get(access.scope(), id).await?.ok_or(Kind::NotFound)?;
    if may_see(asking, access.permissions(), &execution) {
        return Ok(execution);
    }
    let missing = if execution.executed_by == asking.caller.user {
        Permission::ExecuteWorkflows
    } else {
        Permission::ViewHistory
    };
    Err(permission_required(api, &asking.actor, access.scope().org(), missing).await)
}

/// Without an organization: `GLOBAL`, then the caller's own runs, then the organizations the caller may view. What the
/// caller may not see does not exist for it.
pub(in crate::management) async fn anywhere(
    api: &Api,
    asking: &Asking,
    id: ExecutionId,
) -> Result<Option<Execution>, Problem> {
    let executions = &api.repositories.executions;
    if let Some(execution) = executions.get(Scope::Global, id).await? {
        let permissions = in_global(api, asking).await?;
        return Ok(may_see(asking, &permissions, &execution).then_some(execution));
    }
    let opened = api.gate.organizations_of(&asking.caller).await?;
    if let Some(Scope::Org(org)) = executions.scope_of_own(asking.caller.user, id).await? {
        let permissions = opened.iter().find(|(organization, _)| organization.id == org).map(|(_, held)| *held);
        let execution = executions.get(Scope::Org(org), id).await?;
        return Ok(execution.filter(|execution| may_see(asking, &permissions.unwrap_or_default(), execution)));
    }
    for (organization, permissions) in opened.iter().filter(|(_, permissions)| permissions.view_history) {
        if let Some(execution) = executions.get(Scope::Org(organization.id), id).await? {
            return Ok(may_see(asking, permissions, &execution).then_some(execution));
        }
    }
    Ok(None)
}

/// What the caller may do with executions without organization: its own, while it may execute somewhere; everyone's only
/// as administrator or auditor, because no grant is about `GLOBAL`.
pub(in crate::management) async fn in_global(api: &Api, asking: &Asking) -> Result<Permissions, Problem> {
    let (somewhere, _) = api.gate.somewhere(&asking.caller).await?;
    let view_history = asking.caller.reaches_everything() && somewhere.view_history;
    Ok(Permissions { view_history, execute_workflows: somewhere.execute_workflows, ..Permissions::NONE })
}

fn may_see(asking: &Asking, permissions: &Permissions, execution: &Execution) -> bool {
    let own = execution.executed_by == asking.caller.user;
    permissions.view_history || (own && permissions.execute_workflows)
}
