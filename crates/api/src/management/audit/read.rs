//! One audit row.

use super::{AuditAccess, query::row_id, view::AuditView};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State};

/// Read one row of the audit trail.
///
/// With an organization, only if it is that organization's.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/audit-logs/{id}", operation_id = "getAuditLog", tag = "audit",
    params(("id" = uuid::Uuid, Path, description = "The row."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to look in.")),
    responses((status = 200, body = AuditView, description = "The row.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_audit_log(
    State(api): State<Api>,
    access: AuditAccess,
    ApiPath(id): ApiPath<String>,
    _: NoQuery,
) -> Result<Json<AuditView>, Problem> {
    let row = api.repositories.audit.get(&access.scopes(&api).await?, row_id(&id)?).await?.ok_or(Kind::NotFound)?;
    let view = AuditView::all(&api.repositories, vec![row]).await?.pop().ok_or(Kind::NotFound)?;
    Ok(Json(view))
}
