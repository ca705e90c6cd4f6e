//! Reading batches and their rows.

use super::{
    find::{BatchAccess, find_batch, lanes},
    view::{BatchRowView, BatchView, rows_of},
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, list_fault, page_limit},
        params::{ApiPath, ApiQuery, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::{BatchId, ExecutionStatus};
use serde::Deserialize;

/// List batches, newest first.
///
/// With an organization, those of that organization; without, those of every organization the caller may view, and the
/// caller's own. Without `view_history` an organization shows only the caller's own. The counts of a batch that has not ended
/// may be a second old; reading it by its id counts anew. A page of one's own may be shorter, even empty, although more follow.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/batches", operation_id = "listBatches", tag = "batches",
    params(PageQuery, ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to list.")),
    responses((status = 200, body = PageOf<BatchView>, description = "A page of batches.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn list_batches(
    State(api): State<Api>,
    access: BatchAccess,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<BatchView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let (lanes, batches) = (lanes(&api, &access).await?, &api.repositories.batches);
    let page = batches.list(lanes, query.cursor.as_deref(), limit).await.map_err(list_fault)?;
    // Each is one row, however many it has: what is under way was counted about a second ago.
    let items = page.items.iter().map(|batch| BatchView::of(batch, batch.noted)).collect();
    Ok(Json(PageOf { items, next_cursor: page.next_cursor }))
}

/// Read a batch: how many of its rows stand where.
///
/// Without an organization it is looked for in every one the caller may view, and among the caller's own.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/batches/{id}", operation_id = "getBatch", tag = "batches",
    params(("id" = BatchId, Path, description = "The batch."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = BatchView, description = "The batch.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn get_batch(
    State(api): State<Api>,
    access: BatchAccess,
    ApiPath(id): ApiPath<BatchId>,
    _: NoQuery,
) -> Result<Json<BatchView>, Problem> {
    let batch = find_batch(&api, &access, id).await?;
    let counts = batch.count(&api.repositories.executions.of_batch(&batch).await?);
    Ok(Json(BatchView::of(&batch, counts)))
}

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RowQuery {
    /// Only of this status, or of several with commas between: `Failed,TimedOut`.
    #[param(
        pattern = "^(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted)(,(Pending|Running|Success|Failed|Cancelled|TimedOut|Interrupted))*$"
    )]
    status: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// List the rows of a batch, in the order of its file, with what became of each.
///
/// Problems: `not-found` (404), `path-invalid` (400), `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/batches/{id}/rows", operation_id = "listBatchRows", tag = "batches",
    params(("id" = BatchId, Path, description = "The batch."), RowQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = PageOf<BatchRowView>, description = "A page of rows.")),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn list_batch_rows(
    State(api): State<Api>,
    access: BatchAccess,
    ApiPath(id): ApiPath<BatchId>,
    ApiQuery(query): ApiQuery<RowQuery>,
) -> Result<Json<PageOf<BatchRowView>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let statuses = query.status.iter().flat_map(|list| list.split(','));
    let refused = |fault| Problem::new(Kind::QueryInvalid).detail(format!("`status`: {fault}."));
    let statuses: Vec<ExecutionStatus> =
        statuses.map(|name| name.parse().map_err(refused)).collect::<Result<_, _>>()?;
    let after: u32 = query.cursor.as_deref().map(decode_cursor).transpose()?.unwrap_or(0);
    let batch = find_batch(&api, &access, id).await?;
    let executions = api.repositories.executions.of_batch(&batch).await?;
    let all = rows_of(&api, &batch, executions).await?.into_iter().map(|(row, _)| row);
    let mut items: Vec<BatchRowView> = all
        .filter(|row| {
            row.row_number > after
                && (statuses.is_empty() || row.status.is_some_and(|status| statuses.contains(&status)))
        })
        .take(limit + 1)
        .collect();
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| is_more).map(|row| encode_cursor(&row.row_number));
    Ok(Json(PageOf { items, next_cursor }))
}
