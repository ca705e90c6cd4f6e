//! A batch with its results as a file for spreadsheets.

use super::{
    find::{BatchAccess, find_batch},
    view::rows_of,
};
use crate::{
    http::{
        Problem, csv,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use msp_domain::{BatchId, ExecutionStatus};
use msp_storage::repositories::executions::{Execution, StoredJson};
use serde_json::Value;

/// Columns about the run; the row's own values follow.
const COLUMNS: [&str; 7] =
    ["row_number", "status", "error_type", "error_message", "execution_id", "completed_at", "result"];

/// Download the rows of a batch with what became of each, as comma-separated values.
///
/// Cells that a spreadsheet would take for a formula begin with an apostrophe. Results of more than about 30,000 characters
/// are left out; read them at their executions.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/batches/{id}/rows.csv", operation_id = "downloadBatchRows", tag = "batches",
    params(("id" = BatchId, Path, description = "The batch."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, description = "The rows.", content_type = "text/csv", body = String,
        example = json!("row_number,status,error_type,error_message,execution_id,completed_at,result,email\n"))),
    extensions(("x-permission" = json!("view_history, or execute_workflows for one's own")))
)]
pub async fn download_batch_rows(
    State(api): State<Api>,
    access: BatchAccess,
    ApiPath(id): ApiPath<BatchId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let batch = find_batch(&api, &access, id).await?;
    let executions = api.repositories.executions.of_batch(&batch).await?;
    let rows = rows_of(&api, &batch, executions).await?;
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|(row, _)| row.input.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut file = csv::head(COLUMNS.into_iter().chain(names.iter().copied()));
    for (row, execution) in &rows {
        let completed_at = row.completed_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let mut cells = vec![
            row.row_number.to_string(),
            row.status.map(ExecutionStatus::name).unwrap_or_default().to_owned(),
            row.error_type.clone().unwrap_or_default(),
            row.error_message.clone().unwrap_or_default(),
            row.execution_id.map(|id| id.key()).unwrap_or_default(),
            completed_at.unwrap_or_default(),
            execution.as_ref().map(result).unwrap_or_default(),
        ];
        cells.extend(names.iter().map(|name| row.input.get(*name).map(text).unwrap_or_default()));
        file += &csv::line(cells.iter().map(String::as_str));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"batch-{id}.csv\"")),
    ];
    Ok((headers, file).into_response())
}

fn result(execution: &Execution) -> String {
    match &execution.result {
        Some(StoredJson::Inline(json)) => json.clone(),
        Some(StoredJson::Blob { .. }) | None => String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
