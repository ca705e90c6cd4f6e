//! Bringing forms in from elsewhere.

use super::{draft::checked, find::ChangeAccess, find::writable_scope};
use crate::{
    http::{Problem, ProblemKind as Kind, json::ApiJson, params::ApiQuery},
    state::Api,
};
use axum::{
    Json,
    extract::{OriginalUri, State},
};
use msp_domain::{FieldFault, OrgId, form::FormSchema};
use msp_storage::repositories::forms::Imported;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// How a form is imported.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Whether to say what would be done and do nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

/// What an import does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportAction {
    /// There was no form of this name.
    Created,
    /// The form of this name says something else now.
    Updated,
    /// The form of this name said exactly this already.
    Unchanged,
}

/// What became of an imported form.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "action": "updated", "id": "6f1f7c52-55f1-4d6f-9d55-1f1f3a3f0c01", "warnings": [] }))]
pub struct ImportedForm {
    /// What was done; of a dry run, what would be.
    action: ImportAction,
    /// The form; `null` where a dry run would create it.
    id: Option<Uuid>,
    /// What is probably not meant.
    warnings: Vec<FieldFault>,
}

/// Import a form from its document: the form of this name is replaced, or created if there is none.
///
/// Importing the same document again changes nothing, so what was exported from one place can be kept in step in another.
/// The document is checked as when a form is saved. A form that was switched off stays so.
///
/// Problems: `form-invalid` (422), `body-invalid` (422), `conflict` (409), `administrator-required` (403),
/// `organization-inactive` (409), `limit-exceeded` (422), `stale-version` (412), `engine-starting` (503).
#[utoipa::path(
    post, path = "/api/forms/import", operation_id = "importForm", tag = "forms",
    params(ImportQuery,
        ("X-Organization-Id" = Option<OrgId>, Header, description = "Whose form it is; none: everybody's.")),
    request_body = FormSchema,
    responses((status = 200, body = ImportedForm, description = "What was done.")),
    extensions(("x-permission" = json!("manage_forms; administrator for everybody's")))
)]
pub async fn import_form(
    State(api): State<Api>,
    access: ChangeAccess,
    OriginalUri(uri): OriginalUri,
    ApiQuery(query): ApiQuery<ImportQuery>,
    ApiJson(document): ApiJson<Map<String, Value>>,
) -> Result<Json<ImportedForm>, Problem> {
    let scope = writable_scope(&api, &access, uri.path()).await?;
    let (schema, warnings) = checked(&api, document)?;
    let (forms, actor) = (&api.repositories.forms, &access.asking.actor);
    let (action, id) = match forms.import(scope, &schema, query.dry_run, actor).await? {
        Imported::Created(id) => (ImportAction::Created, id),
        Imported::Updated(id) => (ImportAction::Updated, Some(id)),
        Imported::Unchanged(id) => (ImportAction::Unchanged, Some(id)),
        Imported::Ambiguous(several) => {
            let detail = format!("{several} forms here are called \"{}\": rename all but one.", schema.name);
            return Err(Problem::new(Kind::Conflict).detail(detail));
        }
    };
    Ok(Json(ImportedForm { action, id, warnings }))
}
