//! Lists of executions: of one organization, or of everything the caller may see.

use super::{
    find::{HistoryAccess, in_global},
    view::ExecutionSummary,
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        caller::Asking,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, list_fault, page_limit},
        params::ApiQuery,
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::{ExecutionStatus, Permissions, Scope, UserId};
use msp_storage::repositories::executions::ExecutionFilter;
use serde::Deserialize;

/// Which executions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExecutionQuery {
    /// Only of this status.
    #[param(value_type = Option<ExecutionStatus>)]
    status: Option<String>,
    /// Only of this workflow.
    workflow: Option<String>,
    /// Only of this user.
    #[param(value_type = Option<UserId>)]
    user: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of the page, 1 to 200. With a filter a page may be shorter although more follow.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// List executions, newest first.
///
/// With an organization, those of that organization; without, those of every organization the caller may view, and the
/// caller's own. Without `view_history` an organization shows only the caller's own runs.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/executions", operation_id = "listExecutions", tag = "executions",
    params(ExecutionQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to list.")),
    responses((status = 200, body = PageOf<ExecutionSummary>, description = "A page of executions.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn list_executions(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiQuery(query): ApiQuery<ExecutionQuery>,
) -> Result<Json<PageOf<ExecutionSummary>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let filter = ExecutionFilter {
        status: query.status.as_deref().map(|text| parsed("status", text)).transpose()?,
        workflow_name: query.workflow,
        executed_by: query.user.as_deref().map(|text| parsed("user", text)).transpose()?,
    };
    let asking = &history.asking;
    let scopes = match &history.access {
        Some(access) => vec![(access.scope(), *access.permissions())],
        None => every_scope(&api, asking).await?,
    };
    let lanes = scopes
        .into_iter()
        .filter_map(|(scope, permissions)| visible(scope, &permissions, &filter, asking.caller.user))
        .collect();
    let listing =
        api.repositories.executions.list_across(lanes, query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    Ok(Json(PageOf { items: listing.items.iter().map(Into::into).collect(), next_cursor: listing.next_cursor }))
}

async fn every_scope(api: &Api, asking: &Asking) -> Result<Vec<(Scope, Permissions)>, Problem> {
    let mut scopes = vec![(Scope::Global, in_global(api, asking).await?)];
    for (organization, permissions) in api.gate.organizations_of(&asking.caller).await? {
        scopes.push((Scope::Org(organization.id), permissions));
    }
    Ok(scopes)
}

/// The scope with the filter narrowed to what the caller may see there; `None` if that is nothing.
fn visible(
    scope: Scope,
    permissions: &Permissions,
    filter: &ExecutionFilter,
    caller: UserId,
) -> Option<(Scope, ExecutionFilter)> {
    if permissions.view_history {
        return Some((scope, filter.clone()));
    }
    let asks_for_others = filter.executed_by.is_some_and(|user| user != caller);
    if !permissions.execute_workflows || asks_for_others {
        return None;
    }
    Some((scope, ExecutionFilter { executed_by: Some(caller), ..filter.clone() }))
}

fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::new(Kind::QueryInvalid).detail(format!("`{name}`: {error}.")))
}
