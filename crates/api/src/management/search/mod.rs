//! One text, looked for in everything the caller may list.

mod sources;
mod wanted;

use crate::{
    http::{
        Problem, ProblemKind as Kind, access::MaybeOrgAccess, paging::page_limit, params::ApiQuery, rights::AnyRight,
    },
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionStatus, OrgId, UserSettings};
use serde::{Deserialize, Serialize};
use sources::Searching;
use std::collections::BTreeSet;
use wanted::{Fit, Wanted};

/// Items of a group unless the query says otherwise, and at most.
const DEFAULT_ITEMS: usize = 5;
const MAX_ITEMS: usize = 20;

/// What can be searched, in the order in which equally good groups are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchType {
    /// Organizations.
    Organizations,
    /// Forms of these, and everybody's.
    Forms,
    /// Workflows of the bundle.
    Workflows,
    /// The latest executions; any by its id.
    Executions,
    /// Users, for administrators and auditors.
    Users,
}

impl SearchType {
    const ALL: [(&'static str, Self); 5] = [
        ("organizations", Self::Organizations),
        ("forms", Self::Forms),
        ("workflows", Self::Workflows),
        ("executions", Self::Executions),
        ("users", Self::Users),
    ];
}

/// What to look for, and where.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The text: all its words must fit, letter case ignored. Or the id of an execution.
    #[param(min_length = 1, max_length = 100, pattern = "\\S", example = "onboarding")]
    q: String,
    /// Only these, with commas between: `organizations,forms,workflows,executions,users`.
    #[param(
        pattern = "^(organizations|forms|workflows|executions|users)(,(organizations|forms|workflows|executions|users))*$",
        example = "forms,workflows"
    )]
    types: Option<String>,
    /// Most items of each group, 1 to 20.
    #[param(minimum = 1, maximum = 20, default = 5)]
    limit: Option<usize>,
    /// Only in this organization, like `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "groups": [{
    "type": "forms", "has_more": false,
    "items": [{
        "id": "26d7d0ed-be63-4369-b2cd-35663fb78183", "name": "New user", "about": "Onboarding · user_onboarding",
        "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "org_name": "Contoso", "status": null, "started_at": null
    }]
}] }))]
pub struct SearchAnswer {
    /// The groups in which something was found, the one with the best first.
    groups: Vec<SearchGroup>,
}

/// What was found of one kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SearchGroup {
    /// Which kind.
    #[serde(rename = "type")]
    kind: SearchType,
    /// The best first; of equally good ones favourites, then what was used last, then by name (executions: by time).
    items: Vec<SearchHit>,
    /// Whether there are more.
    has_more: bool,
}

/// Something that was found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SearchHit {
    /// Its id; of a workflow, its name.
    id: String,
    /// What it is called.
    name: String,
    /// What there is to say about it, in a line.
    about: String,
    /// Whose it is; `null` for what belongs to no organization.
    org_id: Option<OrgId>,
    /// The name of that organization.
    org_name: Option<String>,
    /// Of an execution: where it stands.
    status: Option<ExecutionStatus>,
    /// Of an execution: when it was accepted.
    started_at: Option<DateTime<Utc>>,
}

/// Search organizations, forms, workflows, recent executions and users.
///
/// Answers what the lists of these would show the caller, and nothing else. With an organization, only what is its own, and
/// forms and workflows of everybody. Of executions the latest 200 are searched, and any is found by its whole id.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/search", operation_id = "search", tag = "service",
    params(SearchQuery,
        ("X-Organization-Id" = Option<OrgId>, Header, description = "The organization to search in.")),
    responses((status = 200, body = SearchAnswer, description = "What was found, by kind.")),
    extensions(("x-permission" = json!("any, as of each list")))
)]
pub async fn search(
    State(api): State<Api>,
    access: MaybeOrgAccess<AnyRight>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<SearchAnswer>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_ITEMS, MAX_ITEMS)?;
    let (wanted, types) = (Wanted::parse(&query.q)?, types(query.types.as_deref())?);
    let settings = api.repositories.user_settings.get(access.asking.caller.user).await?;
    let settings = settings.map_or_else(UserSettings::default, |(settings, _)| settings);
    let found = Searching::new(&api, &access, &wanted).await?.all(&types).await?;
    let mut groups: Vec<(Fit, SearchGroup)> = Vec::new();
    for (kind, mut hits) in found {
        // Stable: executions stay in the order of time.
        hits.sort_by_cached_key(|(fit, hit)| (*fit, liking(&settings, kind, hit), by_name(kind, hit)));
        let Some((best, _)) = hits.first() else { continue };
        let (best, has_more) = (*best, hits.len() > limit);
        let items = hits.into_iter().take(limit).map(|(_, hit)| hit).collect();
        groups.push((best, SearchGroup { kind, items, has_more }));
    }
    groups.sort_by_key(|(best, group)| (*best, group.kind));
    Ok(Json(SearchAnswer { groups: groups.into_iter().map(|(_, group)| group).collect() }))
}

fn types(listed: Option<&str>) -> Result<BTreeSet<SearchType>, Problem> {
    let Some(listed) = listed else { return Ok(SearchType::ALL.iter().map(|(_, kind)| *kind).collect()) };
    let one = |name: &str| {
        let known = SearchType::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let all = SearchType::ALL.map(|(name, _)| name).join(", ");
            Problem::new(Kind::QueryInvalid).detail(format!("`types`: expected some of {all}, with commas between."))
        })
    };
    listed.split(',').map(one).collect()
}

/// How little the caller has shown to like it: favourites, then what was used last, then all others.
fn liking(settings: &UserSettings, kind: SearchType, hit: &SearchHit) -> u8 {
    let is_in = |marked: &msp_domain::user_settings::Marked| match kind {
        SearchType::Organizations => marked.organizations.iter().any(|org| org.key() == hit.id),
        SearchType::Forms => marked.forms.iter().any(|form| form.to_string() == hit.id),
        SearchType::Workflows => marked.workflows.contains(&hit.id),
        SearchType::Executions | SearchType::Users => false,
    };
    match () {
        () if is_in(&settings.favourites) => 0,
        () if is_in(&settings.recent) => 1,
        () => 2,
    }
}

fn by_name(kind: SearchType, hit: &SearchHit) -> String {
    if kind == SearchType::Executions { String::new() } else { hit.name.to_lowercase() }
}
