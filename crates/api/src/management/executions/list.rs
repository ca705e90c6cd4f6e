//! Lists of executions: of one organization, or of everything the caller may see.

use super::{
    find::{HistoryAccess, in_global},
    view::ExecutionSummary,
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        caller::Asking,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, list_fault, page_limit},
        params::ApiQuery,
    },
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, Permissions, Scope, UserId};
use msp_storage::repositories::executions::{ExecutionFilter, Started};
use serde::{Deserialize, Serialize};

/// Longest text to search for, in characters.
const MAX_SEARCH: usize = 200;

/// Which executions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExecutionQuery {
    /// Only of this status, or of several with commas between: `Failed,TimedOut`.
    #[param(
        pattern = "^(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted)(,(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted))*$"
    )]
    pub(super) status: Option<String>,
    /// Only of this workflow.
    pub(super) workflow: Option<String>,
    /// Only of this user.
    #[param(value_type = Option<UserId>)]
    pub(super) user: Option<String>,
    /// Only what repeats this execution.
    #[param(value_type = Option<ExecutionId>)]
    pub(super) retry_of: Option<String>,
    /// `true`: only what waits for the time it is to start at (`X-Run-At`); `false`: only everything else.
    pub(super) scheduled: Option<bool>,
    /// Only what started at this instant or later. As RFC 3339: `2026-03-01T00:00:00Z`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) from: Option<String>,
    /// Only what started before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) to: Option<String>,
    /// Only what has all these words in its workflow, form, caller, error or input, letter case ignored, or whose id is,
    /// begins or ends with them (at least four characters). Inputs of more than about 30,000 characters are not searched.
    #[param(max_length = 200)]
    pub(super) q: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Items of the page, 1 to 200. With a filter a page may be shorter, even empty, although more follow.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    pub(super) _org_id: Option<String>,
}

/// A page of executions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExecutionList {
    /// The executions, newest first.
    items: Vec<ExecutionSummary>,
    /// Send it as `cursor` for the next page; `null` at the end.
    next_cursor: Option<String>,
    /// Everything that started after this instant has been looked at; `null` when nothing older is left. A filter looks at
    /// 5,000 executions per answer, and `next_cursor` goes on from there.
    searched_to: Option<DateTime<Utc>>,
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
    responses((status = 200, body = ExecutionList, description = "A page of executions.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn list_executions(
    State(api): State<Api>,
    history: HistoryAccess,
    ApiQuery(query): ApiQuery<ExecutionQuery>,
) -> Result<Json<ExecutionList>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let (filter, started) = (query.filter()?, query.started()?);
    let lanes = lanes(&api, &history, &filter).await?;
    let executions = &api.repositories.executions;
    let page = executions.list(lanes, started, query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    Ok(Json(ExecutionList {
        items: page.items.iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
        searched_to: page.searched_to,
    }))
}

/// The scopes the caller asks for and may see something of, each with its filter.
pub(super) async fn lanes(
    api: &Api,
    history: &HistoryAccess,
    filter: &ExecutionFilter,
) -> Result<Vec<(Scope, ExecutionFilter)>, Problem> {
    let asking = &history.asking;
    let scopes = match &history.access {
        Some(access) => vec![(access.scope(), *access.permissions())],
        None => every_scope(api, asking).await?,
    };
    let visible = |(scope, permissions)| visible(scope, &permissions, filter, asking.caller.user);
    Ok(scopes.into_iter().filter_map(visible).collect())
}

impl ExecutionQuery {
    pub(super) fn filter(&self) -> Result<ExecutionFilter, Problem> {
        let statuses = self.status.iter().flat_map(|list| list.split(','));
        let text = self.q.as_deref().unwrap_or_default();
        if text.chars().count() > MAX_SEARCH {
            return Err(refused("q", format!("at most {MAX_SEARCH} characters")));
        }
        Ok(ExecutionFilter {
            statuses: statuses.map(|name| parsed("status", name)).collect::<Result<_, _>>()?,
            workflow_name: self.workflow.clone(),
            executed_by: self.user.as_deref().map(|text| parsed("user", text)).transpose()?,
            retry_of: self.retry_of.as_deref().map(|text| parsed("retry_of", text)).transpose()?,
            scheduled: self.scheduled,
            words: text.split_whitespace().map(str::to_lowercase).collect(),
        })
    }

    pub(super) fn started(&self) -> Result<Started, Problem> {
        let from = self.from.as_deref().map(|text| instant("from", text)).transpose()?;
        let before = self.to.as_deref().map(|text| instant("to", text)).transpose()?;
        match (from, before) {
            (Some(from), Some(before)) if from >= before => Err(refused("to", "must be later than `from`")),
            _ => Ok(Started { from, before }),
        }
    }
}

pub(in crate::management) async fn every_scope(
    api: &Api,
    asking: &Asking,
) -> Result<Vec<(Scope, Permissions)>, Problem> {
    let mut scopes = vec![(Scope::Global, in_global(api, asking).await?)];
    for (organization, permissions) in api.gate.organizations_of(&asking.caller).await? {
        scopes.push((Scope::Org(organization.id), permissions));
    }
    Ok(scopes)
}

/// The scope with the filter narrowed to what the caller may see there; `None` if that is nothing.
pub(in crate::management) fn visible(
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
    text.parse().map_err(|error: T::Err| refused(name, error))
}

fn instant(name: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(instant.to_utc()),
        Err(_) => {
            Err(refused(name, "expected an instant such as `2026-03-01T00:00:00Z` (RFC 3339, `+` sent as `%2B`)"))
        }
    }
}

fn refused(name: &str, fault: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::QueryInvalid).detail(format!("`{name}`: {fault}."))
}
