//! Lists of forms.

use super::{
    find::{ReadAccess, Sight, scopes},
    view::FormSummary,
};
use crate::{
    http::{
        Problem,
        access::MaybeOrgReading,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, PageQuery, decode_cursor, encode_cursor, page_limit},
        params::ApiQuery,
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::{OrgId, Scope};
use msp_storage::repositories::forms::StoredForm;
use uuid::Uuid;

/// Where a list stands: the last form of a page.
type Position = (Place, String, Uuid);
/// Where a scope stands: organizations by id, everybody's forms at the end. Not its key: thousands of comparisons of a sort
/// would each make two texts.
type Place = (bool, Option<OrgId>);

/// List forms: of one organization by name and then everybody's, or those of every organization.
///
/// Inactive ones, and those of workflows in categories the caller may not run, are shown to those who may manage forms
/// there, and to auditors.
///
/// Problems: `query-invalid` (400), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/api/forms", operation_id = "listForms", tag = "forms",
    params(PageQuery,
        ("X-Organization-Id" = Option<OrgId>, Header, description = "The organization to list.")),
    responses((status = 200, body = PageOf<FormSummary>, description = "A page of forms.")),
    extensions(("x-permission" = json!("execute_workflows, or manage_forms, or auditor")))
)]
pub async fn list_forms(
    State(api): State<Api>,
    MaybeOrgReading(access): ReadAccess,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<PageOf<FormSummary>>, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after: Option<Position> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let mut scopes = scopes(&api, &access.asking, access.access.as_ref()).await?;
    let sight = Sight::new(&api, &access.asking, &scopes);
    if let Some((reached, ..)) = &after {
        scopes.retain(|of| place(of.scope) >= *reached);
    }
    scopes.sort_unstable_by_key(|of| place(of.scope));
    let mut items: Vec<StoredForm> = Vec::new();
    for of in scopes {
        let mut forms = api.repositories.forms.list(of.scope).await?;
        forms.retain(|form| {
            sight.includes(&of, form.is_active, &form.workflow)
                && after.as_ref().is_none_or(|after| position(form) > *after)
        });
        items.extend(forms);
        // One more than asked for says that more follow; scopes behind that are not read.
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| encode_cursor(&position(last)));
    Ok(Json(PageOf { items: items.into_iter().map(Into::into).collect(), next_cursor }))
}

fn place(scope: Scope) -> Place {
    (scope == Scope::Global, scope.org())
}

fn position(form: &StoredForm) -> Position {
    (place(form.scope), form.name.to_lowercase(), form.id)
}
