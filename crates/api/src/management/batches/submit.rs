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
        attempts::{Fault, attempts},
        choices, engine,
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
use csv::StringRecord;
use msp_auth::Access;
use msp_domain::{BatchId, FieldFault, form::Columns};
use msp_engine::{BatchRequest, Idempotency, RowFault, RowInput};
use msp_storage::repositories::{batches::Batch, forms::StoredForm};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

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
/// the same cells sent again within 24 hours are answered by the batch they started the first time, whatever has become of
/// the form.
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
    let idempotency = idempotency_key.names(|| json!({ "header": header, "rows": cells(&rows) }));
    if !query.dry_run
        && let Some(answer) = repeated(&api, &scope.asking, &scope.access, form, idempotency.as_ref()).await?
    {
        return Ok(answer);
    }
    let form = submission::find(&api, scope.access.scope(), form).await?.ok_or(Kind::NotFound)?;
    let schema = form.schema()?;
    let columns = Columns::of(&schema, &header).map_err(|faults| Problem::new(Kind::RowsInvalid).errors(faults))?;
    let rows = rows.iter().zip(1..);
    let rows: Vec<RowInput> =
        rows.map(|(cells, row)| RowInput { row, input: columns.submission(cells.iter()), retry_of: None }).collect();
    let checked = CheckedRows { row_count: rows.len(), columns: columns.names() };
    let submission = Submission { form, rows, idempotency, retry_of: None };
    if query.dry_run {
        submission.check(&api, &scope.asking, scope.access.clone()).await?;
        return Ok(Json(checked).into_response());
    }
    submission.submit(&api, &scope.asking, scope.access.clone()).await
}

fn cells(rows: &[StringRecord]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| row.iter().collect()).collect()
}

/// The answer, if this very request was sent before: it no longer matters what has become of the form.
pub(super) async fn repeated(
    api: &Api,
    asking: &Asking,
    access: &Access,
    form: Uuid,
    idempotency: Option<&Idempotency>,
) -> Result<Option<Response>, Problem> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    let Some(batch) = engine(api)?.repeated_batch(access, form, idempotency).await? else { return Ok(None) };
    permitted(api, asking, access, &batch.workflow_name).await?;
    answered(api, &batch).await.map(Some)
}

/// Rows to be run with a form.
pub(super) struct Submission {
    pub form: StoredForm,
    pub rows: Vec<RowInput>,
    /// What the caller names the request by.
    pub idempotency: Option<Idempotency>,
    /// The batch whose failed rows they are.
    pub retry_of: Option<BatchId>,
}

impl Submission {
    /// Checks them, and records nothing.
    async fn check(self, api: &Api, asking: &Asking, access: Access) -> Result<(), Problem> {
        let (submission, engine) = (&self, engine(api)?);
        let check = |request: BatchRequest| async move { Ok(engine.check_batch(&request).await?) };
        submission.attempted(api, asking, access, check).await
    }

    /// Puts them on record.
    pub async fn submit(self, api: &Api, asking: &Asking, access: Access) -> Result<Response, Problem> {
        let (submission, engine) = (&self, engine(api)?);
        let submit = |request| async move { Ok(engine.submit(request).await?) };
        answered(api, &submission.attempted(api, asking, access, submit).await?).await
    }

    /// When rights or settings change meanwhile, the gate is asked again, and every row is checked again.
    async fn attempted<T, D>(
        &self,
        api: &Api,
        asking: &Asking,
        access: Access,
        attempt: impl Fn(BatchRequest) -> D,
    ) -> Result<T, Problem>
    where
        D: Future<Output = Result<T, Fault>>,
    {
        let (org, deadline, attempt) = (access.scope().org(), choices::deadline(), &attempt);
        let renew = || open(api, asking, org, ExecuteWorkflows::ANY_OF);
        let attempt = |access| async move { attempt(self.request(api, asking, access, deadline).await?).await };
        attempts(access, renew, attempt).await
    }

    async fn request(
        &self,
        api: &Api,
        asking: &Asking,
        access: Access,
        deadline: Instant,
    ) -> Result<BatchRequest, Fault> {
        // Before the form's option generators are asked. The engine looks once more.
        permitted(api, asking, &access, &self.form.workflow).await?;
        let who = (&access, &asking.actor);
        let (form, rows) = checked_rows(api, who, &self.form, &self.rows, deadline).await?;
        Ok(BatchRequest {
            workflow: self.form.workflow.clone(),
            access,
            actor: asking.actor.clone(),
            form,
            rows,
            idempotency: self.idempotency.clone(),
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
