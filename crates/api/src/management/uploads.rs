//! Uploads: files that wait for the submission of a form.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::ScopeAccess,
        paging::PageOf,
        params::{ApiPath, ApiQuery, NoQuery, at_most_once},
        rights::ExecuteWorkflows,
    },
    state::Api,
};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};
use msp_domain::{
    UserId,
    file::{MAX_FILE_BYTES, UNKNOWN_TYPE, file_name, media_type},
};
use msp_storage::repositories::{
    Actor,
    files::{FileWriter, MAX_WAITING, MAX_WAITING_BYTES, NewUpload, Upload, UploadError, WriteError},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// How long nothing may arrive.
const SILENCE: Duration = Duration::from_secs(30);
/// How long an upload may take: the largest over a connection of 1 Mbit/s.
const ARRIVES_WITHIN: Duration = Duration::from_secs(8 * 60);

/// What an upload is called.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// The name of the file; of a path, the last part counts.
    #[param(example = "users.csv", max_length = 200)]
    name: String,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// A file that waits for the submission of a form.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "019a9c3e-5b7a-7c11-8f0e-2a6d1b9c4e10", "name": "users.csv", "size_bytes": 1832, "content_type": "text/csv",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "expires_at": "2026-03-02T09:30:00Z"
}))]
pub struct UploadView {
    /// Its id. An object with this and the three properties below is what a file field is submitted with.
    id: Uuid,
    /// What it is called.
    name: String,
    /// How large it is.
    size_bytes: u64,
    /// What its sender says it is.
    content_type: String,
    /// The SHA-256 of its bytes, hexadecimal.
    sha256: String,
    /// When it is removed unless it was submitted.
    expires_at: DateTime<Utc>,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        let Upload { file, expires_at, .. } = upload;
        Self {
            id: file.id,
            name: file.name,
            size_bytes: file.size_bytes,
            content_type: file.content_type,
            sha256: file.sha256,
            expires_at,
        }
    }
}

/// Upload a file for a form.
///
/// The body is the file itself, `Content-Type` says what it is. It is for the caller alone and for the organization that is
/// named, has at most 50 MiB, and is removed after 24 hours unless a form was submitted with it. At most 50 uploads of a
/// caller wait at a time, with 200 MiB together.
///
/// Problems: `uploads-full` (409), `streams-saturated` (503), `store-full` (507), `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    post, path = "/api/uploads", operation_id = "createUpload", tag = "forms",
    params(UploadQuery,
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header,
            description = "The organization the form will be submitted for; none for a workflow that needs none.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The file. Any type but `multipart/form-data`.", example = "name,email\nAda,ada@contoso.example\n"),
    responses((status = 201, body = UploadView, description = "The upload.")),
    extensions(("x-permission" = json!("execute_workflows")))
)]
pub async fn create_upload(
    State(api): State<Api>,
    scope: ScopeAccess<ExecuteWorkflows>,
    ApiQuery(query): ApiQuery<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<UploadView>), Problem> {
    let name = file_name(&query.name)
        .map_err(|expected| Problem::new(Kind::QueryInvalid).detail(format!("`name`: {expected}.")))?;
    let content_type = content_type(&headers)?;
    let announced = announced(&headers)?;
    if announced.is_some_and(|size| size > MAX_FILE_BYTES) {
        return Err(too_large(MAX_FILE_BYTES));
    }
    let user = scope.access.caller().user;
    let place = api.streams.take(user)?;
    let size_bytes = announced.unwrap_or(MAX_FILE_BYTES);
    let new = NewUpload { user, scope: scope.access.scope(), name, content_type, size_bytes };
    let writer = api.repositories.files.begin_upload(&new).await.map_err(refused)?;
    // In a task of its own: whoever hangs up ends the body, not what removes the half that has arrived.
    let actor = scope.actor();
    let task = tokio::spawn(async move {
        let upload = receive(&api, (user, &actor), writer, body).await;
        drop(place);
        upload
    });
    let upload = task.await.map_err(|error| Problem::new(Kind::Internal).caused_by(&error))??;
    Ok((StatusCode::CREATED, Json(upload.into())))
}

/// List the uploads of the caller that wait for a submission, oldest first. There are at most 50.
///
/// Problems: `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/uploads", operation_id = "listUploads", tag = "forms",
    params(("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization they are for.")),
    responses((status = 200, body = PageOf<UploadView>, description = "The uploads, all of them.")),
    extensions(("x-permission" = json!("execute_workflows")))
)]
pub async fn list_uploads(
    State(api): State<Api>,
    scope: ScopeAccess<ExecuteWorkflows>,
    _: NoQuery,
) -> Result<Json<PageOf<UploadView>>, Problem> {
    let uploads = api.repositories.files.uploads(scope.access.caller().user, scope.access.scope()).await?;
    Ok(Json(PageOf::all(uploads.into_iter().map(UploadView::from).collect())))
}

/// Remove an upload of the caller that was not submitted.
///
/// Problems: `not-found` (404), `path-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    delete, path = "/api/uploads/{id}", operation_id = "deleteUpload", tag = "forms",
    params(("id" = Uuid, Path, description = "The upload."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization it is for.")),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-permission" = json!("execute_workflows")))
)]
pub async fn delete_upload(
    State(api): State<Api>,
    scope: ScopeAccess<ExecuteWorkflows>,
    ApiPath(id): ApiPath<Uuid>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let files = &api.repositories.files;
    let upload = files.upload(scope.access.caller().user, scope.access.scope(), id).await?.ok_or(Kind::NotFound)?;
    files.remove_upload(&upload, &scope.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes what arrives, and removes it again if that is not all of it.
async fn receive(
    api: &Api,
    (user, actor): (UserId, &Actor),
    mut writer: FileWriter,
    body: Body,
) -> Result<Upload, Problem> {
    let (files, id) = (&api.repositories.files, writer.id());
    let outcome = match fill(&mut writer, body.into_data_stream(), (SILENCE, ARRIVES_WITHIN)).await {
        Ok(()) => files.complete_upload(user, writer, actor).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if outcome.is_err()
        && let Err(error) = files.abandon_upload(user, id).await
    {
        tracing::warn!(upload.id = %id, error = %error, "An interrupted upload could not be removed; the sweep does it later");
    }
    outcome
}

async fn fill<B: AsRef<[u8]>, E>(
    writer: &mut FileWriter,
    mut body: impl Stream<Item = Result<B, E>> + Unpin,
    (silence, within): (Duration, Duration),
) -> Result<(), Problem> {
    let late = |within: Duration| {
        let detail = format!(
            "The file did not arrive whole: nothing came for too long, or it took over {} seconds.",
            within.as_secs()
        );
        Problem::new(Kind::BodyUnreadable).detail(detail)
    };
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late(within));
        }
        let Ok(next) = timeout(silence.min(left), body.next()).await else { return Err(late(within)) };
        match next {
            None => return Ok(()),
            Some(Ok(bytes)) => writer.write(bytes.as_ref()).await.map_err(|error| match error {
                WriteError::TooLarge(limit) => too_large(limit),
                WriteError::Store(error) => error.into(),
            })?,
            Some(Err(_)) => {
                return Err(Problem::new(Kind::BodyUnreadable).detail("The file ended early or could not be received."));
            }
        }
    }
}

/// What the sender says it is. A form as HTML sends it is not a file but has one inside, with boundaries around it.
fn content_type(headers: &HeaderMap) -> Result<String, Problem> {
    let declared = at_most_once(headers, header::CONTENT_TYPE)?.and_then(|value| value.to_str().ok());
    let declared = media_type(declared.unwrap_or(UNKNOWN_TYPE));
    if declared.starts_with("multipart/") {
        let detail = "Send the file itself as the body, its name in the query: `curl --data-binary @users.csv \
                      -H 'Content-Type: text/csv' '.../api/uploads?name=users.csv'`.";
        return Err(Problem::new(Kind::ContentTypeUnsupported).detail(detail));
    }
    // What curl declares unless it is told otherwise.
    let is_known = declared != "application/x-www-form-urlencoded";
    Ok(if is_known { declared } else { UNKNOWN_TYPE.to_owned() })
}

/// How many bytes there will be, if the request says so.
fn announced(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = at_most_once(headers, header::CONTENT_LENGTH)? else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Problem::new(Kind::HeaderInvalid).detail("`Content-Length` is no number."))
}

fn too_large(limit: u64) -> Problem {
    Problem::new(Kind::BodyTooLarge).detail(format!("A file has at most {limit} bytes."))
}

fn refused(error: UploadError) -> Problem {
    match error {
        UploadError::TooMany => Problem::new(Kind::UploadsFull).detail(format!(
            "At most {MAX_WAITING} uploads of one person wait at a time, with {} MiB together. Submit a form with some of \
             them, or remove some.",
            MAX_WAITING_BYTES >> 20
        )),
        UploadError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use msp_domain::Scope;

    #[tokio::test]
    async fn a_file_that_stops_arriving_is_given_up() {
        let app = msp_test_support::TestApp::new().await;
        let files = &app.repositories.files;
        let new = NewUpload {
            user: UserId::random(),
            scope: Scope::Global,
            name: "users.csv".to_owned(),
            content_type: UNKNOWN_TYPE.to_owned(),
            size_bytes: 10,
        };
        let mut writer = files.begin_upload(&new).await.expect("begun");
        let some = stream::iter([Ok::<_, ()>("some")]).chain(stream::pending()).boxed();
        let problem = fill(&mut writer, some, (Duration::from_millis(10), ARRIVES_WITHIN)).await.expect_err("given up");
        assert_eq!(problem.kind(), Kind::BodyUnreadable);
        let slow = stream::unfold((), |()| async { Some((Ok::<_, ()>(""), ())) }).boxed();
        let problem = fill(&mut writer, slow, (SILENCE, Duration::from_millis(10))).await.expect_err("given up");
        assert_eq!(problem.kind(), Kind::BodyUnreadable);
    }
}
