//! What the bundle offers.

use super::engine;
use crate::{
    http::{
        Problem,
        access::ScopeAccess,
        params::NoQuery,
        rights::{ExecuteWorkflows, ManageForms},
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::BundleMetadata;
use std::sync::Arc;

/// Read which workflows and option generators the bundle offers, and which files could not be used.
///
/// Problems: `engine-starting` (503), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/admin/metadata", operation_id = "getMetadata", tag = "workflows",
    responses((status = 200, body = BundleMetadata, description = "What the bundle offers.")),
    extensions(("x-permission" = json!("execute_workflows or manage_forms")))
)]
pub async fn get_metadata(
    State(api): State<Api>,
    _: ScopeAccess<(ExecuteWorkflows, ManageForms)>,
    _: NoQuery,
) -> Result<Json<Arc<BundleMetadata>>, Problem> {
    Ok(Json(engine(&api)?.metadata()))
}
