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
    responses((status = 200, body = BundleMetadata, description = "What the bundle offers.", example = json!({
        "bundle": "095b34e560135a62ade3c73b53942ba71daa150d11e983723e4d8c0a2c8bca82",
        "workflows": [{
            "name": "user_onboarding", "description": "Creates a user and assigns a license", "category": "user_management",
            "requires_org": true, "parameters": [{ "name": "email", "type": "email", "required": true }],
            "timeout_seconds": 1800, "exclusive": false, "forms_only": false,
            "file": "workflows/user_onboarding.py", "line": 12
        }],
        "option_generators": [],
        "errors": [{ "file": "workflows/report.py", "line": 3, "message": "No module named `request`; did you mean `requests`?" }],
        "warnings": []
    }))),
    extensions(("x-permission" = json!("execute_workflows or manage_forms")))
)]
pub async fn get_metadata(
    State(api): State<Api>,
    _: ScopeAccess<(ExecuteWorkflows, ManageForms)>,
    _: NoQuery,
) -> Result<Json<Arc<BundleMetadata>>, Problem> {
    Ok(Json(engine(&api)?.metadata()))
}
