//! Figures of what ended, from counters: no execution is read.

use super::list::every_scope;
use crate::{
    http::{Problem, ProblemKind as Kind, access::MaybeOrgAccess, params::ApiQuery, rights::ViewHistory},
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Days, NaiveDate, Timelike as _, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use msp_domain::Scope;
use msp_storage::{
    StoreError,
    repositories::executions::{Counter, Figures},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Days shown when none are named.
const USUAL_DAYS: u64 = 30;
/// Most days of one answer.
const MOST_DAYS: i64 = 366;
/// Most workflows shown.
const MOST_WORKFLOWS: usize = 20;
/// Organizations whose counters are read at the same time.
const READ_AT_ONCE: usize = 8;

/// Which days.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// The first day, in UTC, as `2026-03-01`; 29 days before the last one unless given. At most 366 days are shown.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<String>,
    /// The last day; today unless given.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<String>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// How many, how long, and what they saved.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "succeeded": 40, "failed": 2, "cancelled": 1, "duration_ms": 86_000, "minutes_saved": 600
}))]
pub struct FiguresView {
    /// Ended as `Success`.
    succeeded: u64,
    /// Ended as `Failed`, `TimedOut` or `Interrupted`.
    failed: u64,
    /// Ended as `Cancelled`.
    cancelled: u64,
    /// From acceptance to the end, all of them together.
    duration_ms: u64,
    /// What the successes saved, by the word of their authors (`@workflow(minutes_saved=...)`).
    minutes_saved: u64,
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> Self {
        let Figures { succeeded, failed, cancelled, duration_ms, minutes_saved } = *figures;
        Self { succeeded, failed, cancelled, duration_ms, minutes_saved }
    }
}

/// What ended on a day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "day": "2026-11-25" }))]
pub struct DayView {
    /// The day, in UTC.
    day: NaiveDate,
    #[serde(flatten)]
    figures: FiguresView,
}

/// What ended of a workflow.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "workflow_name": "user_onboarding" }))]
pub struct WorkflowFiguresView {
    /// The workflow.
    workflow_name: String,
    #[serde(flatten)]
    figures: FiguresView,
}

/// Figures of what ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "from": "2026-11-25", "to": "2026-11-25", "failed_last_24h": 2,
    "total": { "succeeded": 40, "failed": 2, "cancelled": 1, "duration_ms": 86_000, "minutes_saved": 600 },
    "days": [{
        "day": "2026-11-25",
        "succeeded": 40, "failed": 2, "cancelled": 1, "duration_ms": 86_000, "minutes_saved": 600
    }],
    "workflows": [{
        "workflow_name": "user_onboarding",
        "succeeded": 40, "failed": 2, "cancelled": 1, "duration_ms": 86_000, "minutes_saved": 600
    }]
}))]
pub struct StatisticsView {
    /// The first day.
    from: NaiveDate,
    /// The last day.
    to: NaiveDate,
    /// All days together.
    total: FiguresView,
    /// Failures of the current hour and the 23 before it, whatever days were asked for.
    failed_last_24h: u64,
    /// Every day, the first one first.
    days: Vec<DayView>,
    /// The workflows of which most ended, at most 20.
    workflows: Vec<WorkflowFiguresView>,
}

/// Count what ended: by day, by workflow, with the time it saved.
///
/// With an organization, of that organization; without, of every organization whose history the caller may view, and for
/// administrators of everything there ever was. An execution counts on the day, in UTC, on which it ended, from about a
/// second after its end on. The figures are counters: retention does not change them.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/statistics", operation_id = "getStatistics", tag = "executions",
    params(StatisticsQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to count.")),
    responses((status = 200, body = StatisticsView, description = "The figures.")),
    extensions(("x-permission" = json!("view_history")))
)]
pub async fn get_statistics(
    State(api): State<Api>,
    history: MaybeOrgAccess<ViewHistory>,
    ApiQuery(query): ApiQuery<StatisticsQuery>,
) -> Result<Json<StatisticsView>, Problem> {
    let now = api.clock.now();
    let (from, to) = query.days(now.date_naive())?;
    let scopes: Vec<Option<Scope>> = match &history.access {
        Some(access) => vec![Some(access.scope())],
        None if history.asking.caller.is_administrator() => vec![None],
        None => {
            let scopes = every_scope(&api, &history.asking).await?.into_iter();
            scopes.filter(|(_, permissions)| permissions.view_history).map(|(scope, _)| Some(scope)).collect()
        }
    };
    let yesterday = now.date_naive() - Days::new(1);
    let (counters, latest) =
        futures::try_join!(counted(&api, &scopes, from, to), counted(&api, &scopes, yesterday, now.date_naive()))?;
    Ok(Json(view(from, to, &counters, failed_lately(&latest, now))))
}

impl StatisticsQuery {
    fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), Problem> {
        let day = |name: &str, text: &Option<String>| {
            let parsed = text.as_deref().map(str::parse::<NaiveDate>).transpose();
            parsed.map_err(|_| refused(format!("`{name}`: expected a day such as `2026-03-01`.")))
        };
        let to = day("to", &self.to)?.unwrap_or(today);
        let from = match day("from", &self.from)? {
            Some(from) => from,
            None => to.checked_sub_days(Days::new(USUAL_DAYS - 1)).unwrap_or(to),
        };
        match (to - from).num_days() {
            0..MOST_DAYS => Ok((from, to)),
            ..0 => Err(refused("`to`: must not be before `from`.".to_owned())),
            _ => Err(refused(format!("`from`: at most {MOST_DAYS} days are shown at once."))),
        }
    }
}

fn refused(detail: String) -> Problem {
    Problem::new(Kind::QueryInvalid).detail(detail)
}

async fn counted(
    api: &Api,
    scopes: &[Option<Scope>],
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Counter>, StoreError> {
    let executions = &api.repositories.executions;
    let of_scopes = stream::iter(scopes.to_vec()).map(|scope| executions.counted(scope, from, to));
    of_scopes.buffer_unordered(READ_AT_ONCE).try_concat().await
}

fn failed_lately(counters: &[Counter], now: DateTime<Utc>) -> u64 {
    let (today, hour) = (now.date_naive(), now.hour() as usize);
    let of_hours = |counter: &Counter| {
        let hours = if counter.day == today { 0..hour + 1 } else { hour + 1..24 };
        counter.failed_by_hour[hours].iter().sum::<u64>()
    };
    counters.iter().map(of_hours).sum()
}

fn view(from: NaiveDate, to: NaiveDate, counters: &[Counter], failed_last_24h: u64) -> StatisticsView {
    let mut days: BTreeMap<NaiveDate, Figures> =
        from.iter_days().take_while(|day| *day <= to).map(|day| (day, Figures::default())).collect();
    let mut workflows: HashMap<&str, Figures> = HashMap::new();
    let mut total = Figures::default();
    for counter in counters {
        days.entry(counter.day).or_default().add(&counter.figures);
        workflows.entry(&counter.workflow_name).or_default().add(&counter.figures);
        total.add(&counter.figures);
    }
    let mut workflows: Vec<(&str, Figures)> = workflows.into_iter().collect();
    workflows.sort_by(|(a, of_a), (b, of_b)| of_b.ended().cmp(&of_a.ended()).then_with(|| a.cmp(b)));
    workflows.truncate(MOST_WORKFLOWS);
    let of_workflow = |(name, figures): &(&str, Figures)| WorkflowFiguresView {
        workflow_name: (*name).to_owned(),
        figures: figures.into(),
    };
    StatisticsView {
        from,
        to,
        total: (&total).into(),
        failed_last_24h,
        days: days.iter().map(|(day, figures)| DayView { day: *day, figures: figures.into() }).collect(),
        workflows: workflows.iter().map(of_workflow).collect(),
    }
}
