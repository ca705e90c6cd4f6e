//! Submitting a form with a file of rows.

use super::{csv::CsvBody, view::BatchView};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{ScopeAccess, open},
        caller::Asking,
        params::{ApiPath, ApiQuery},
        rights::{ExecuteWorkflows, Opens},
    },
    state::Api,
    workflows::{
        engine,
        idempotency::IdempotencyKey,
        run::permitted,
        submission::{self, checked_rows},
    },
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use msp_auth::Access;
use msp_domain::{BatchId, FieldFault, form::Columns};
use msp_engine::{BatchRequest, RowFault, RowInput, RunError};
use msp_storage::repositories::{batches::Batch, forms::StoredForm};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How often the gate is asked again when rights or settings change meanwhile.
const MAX_ATTEMPTS: usize = 5;
/// Faults that are told at once: more do not help.
const MAX_FAULTS: usize = 200;

/// What to do with the rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SubmitQuery {
    /// `true`: check every row and run none.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// Rows that could be run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "row_count": 3, "columns": ["email", "license"] }))]
pub struct CheckedRows {
    row_count: usize,
    /// The fields that the columns fill, in their order.
    columns: Vec<String>,
}

/// Submit a form with a file of rows.
///
/// The body is comma-separated values in UTF-8 (semicolons or tabs between cells are fine too), at most 1,000 rows and 1 MiB.
/// The first line names fields of the form, or their labels; an empty cell is a field that was not filled in; several values
/// of one cell have `|` between them. Every row is checked against the whole form and the workflow before any of them runs:
/// either all are accepted, at once and for good, or none. Then each becomes an execution when its turn comes, a few at a
/// time, with rights checked again when it starts. With `dry_run=true` the rows are only checked. With an `Idempotency-Key`,
/// the same file sent again within 24 hours is answered by the batch it started the first time.
///
/// Problems: `rows-invalid` (422), `csv-unreadable` (400), `batches-full` (409), `form-inactive` (409),
/// `options-failed` (424), `organization-required` (400), `organization-inactive` (409), `paused` (409), `not-found` (404),
/// `path-invalid` (400), `idempotency-key-reused` (422), `engine-starting` (503), `engine-saturated` (503),
/// `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    post, path = "/api/forms/{id}/batches", operation_id = "submitBatch", tag = "batches",
    params(("id" = Uuid, Path, description = "The form."), SubmitQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to run for."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "A name of the request, chosen by the caller, so that sending it again starts nothing.")),
    request_body(content = String, content_type = "text/csv",
        example = json!("email,license\nada@contoso.example,SPE_E3\ngrace@contoso.example,SPE_E5\n")),
    responses(
        (status = 200, description = "With `dry_run=true`: every row could be run.", body = CheckedRows),
        (status = 202, description = "Every row is on record.", body = BatchView, headers(
            ("Location" = String, description = "Where to follow it."))),
    ),
    extensions(("x-permission" = json!("execute_workflows")))
)]
pub async fn submit_batch(
    State(api): State<Api>,
    scope: ScopeAccess<ExecuteWorkflows>,
    ApiPath(form): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<SubmitQuery>,
    idempotency_key: IdempotencyKey,
    CsvBody { header, rows }: CsvBody,
) -> Result<Response, Problem> {
    let form = submission::find(&api, scope.access.scope(), form).await?.ok_or(Kind::NotFound)?;
    let schema = form.schema()?;
    let columns = Columns::of(&schema, &header).map_err(|faults| Problem::new(Kind::RowsInvalid).errors(faults))?;
    let rows = rows.iter().zip(1..);
    let rows: Vec<RowInput> =
        rows.map(|(cells, row)| RowInput { row, input: columns.submission(cells.iter()), retry_of: None }).collect();
    if query.dry_run {
        let checked = CheckedRows { row_count: rows.len(), columns: columns.names() };
        let submission = Submission { form, rows, idempotency_key, retry_of: None };
        submission.check(&api, &scope.asking, scope.access.clone()).await?;
        return Ok(Json(checked).into_response());
    }
    let submission = Submission { form, rows, idempotency_key, retry_of: None };
    submission.submit(&api, &scope.asking, scope.access.clone()).await
}

/// Rows to be run with a form.
pub(super) struct Submission {
    pub form: StoredForm,
    pub rows: Vec<RowInput>,
    pub idempotency_key: IdempotencyKey,
    /// The batch whose failed rows they are.
    pub retry_of: Option<BatchId>,
}

impl Submission {
    async fn check(self, api: &Api, asking: &Asking, access: Access) -> Result<(), Problem> {
        let request = self.request(api, asking, access).await?;
        Ok(engine(api)?.check_batch(&request).await?)
    }

    /// Puts them on record. When rights or settings change meanwhile, the gate is asked again.
    pub async fn submit(self, api: &Api, asking: &Asking, access: Access) -> Result<Response, Problem> {
        let org = access.scope().org();
        let mut request = self.request(api, asking, access).await?;
        for _ in 0..MAX_ATTEMPTS {
            let again = BatchRequest {
                workflow: request.workflow.clone(),
                access: request.access.clone(),
                actor: request.actor.clone(),
                form: request.form.clone(),
                rows: request.rows.clone(),
                idempotency_key: request.idempotency_key.clone(),
                retry_of: request.retry_of,
            };
            match engine(api)?.submit(again).await {
                Ok(batch) => return answered(api, &batch).await,
                Err(RunError::Changed) => request.access = open(api, asking, org, ExecuteWorkflows::ANY_OF).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Kind::SettingsChanging.into())
    }

    async fn request(self, api: &Api, asking: &Asking, access: Access) -> Result<BatchRequest, Problem> {
        // Before the form's option generators are asked. The engine looks once more.
        permitted(api, asking, &access, &self.form.workflow).await?;
        let (form, rows) = checked_rows(api, (&access, &asking.actor), &self.form, self.rows).await?;
        Ok(BatchRequest {
            workflow: self.form.workflow,
            access,
            actor: asking.actor.clone(),
            form,
            rows,
            idempotency_key: self.idempotency_key.0,
            retry_of: self.retry_of,
        })
    }
}

async fn answered(api: &Api, batch: &Batch) -> Result<Response, Problem> {
    let counts = batch.count(&api.repositories.executions.of_batch(batch).await?);
    let location = format!("/api/batches/{}", batch.id);
    let view = Json(BatchView::of(batch, counts));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], view).into_response())
}

/// The refusal of rows: each fault points at its row and field.
pub(crate) fn invalid_rows(rows: &[RowFault]) -> Problem {
    let total: usize = rows.iter().map(|row| row.faults.len()).sum();
    let fault = |row: u32, fault: &FieldFault| FieldFault {
        pointer: format!("#/rows/{row}{}", fault.pointer.strip_prefix('#').unwrap_or_default()),
        detail: fault.detail.clone(),
    };
    let all = rows.iter().flat_map(|of| of.faults.iter().map(move |one| fault(of.row, one)));
    let detail = format!("Rows that are not valid: {}. None was run.", rows.len());
    Problem::new(Kind::RowsInvalid).detail(detail).errors(all.take(MAX_FAULTS).collect()).with("error_count", total)
}
