//! What the bundle offers.

use super::engine;
use crate::{
    http::{
        Problem,
        access::ScopeReading,
        params::NoQuery,
        rights::{ExecuteWorkflows, ManageForms},
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_domain::BundleMetadata;
use serde::Serialize;
use std::sync::Arc;

/// What the bundle offers, and what of it the caller may run.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Metadata {
    #[serde(flatten)]
    #[schema(value_type = BundleMetadata)]
    bundle: Arc<BundleMetadata>,
    /// The names of the workflows the caller may run in the organization that was named, or without one somewhere.
    may_run: Vec<String>,
}

/// Read which workflows and option generators the bundle offers, which of them the caller may run, and which files could not
/// be used.
///
/// Problems: `engine-starting` (503), `organization-inactive` (409).
#[utoipa::path(
    get, path = "/admin/metadata", operation_id = "getMetadata", tag = "workflows",
    responses((status = 200, body = Metadata, description = "What the bundle offers.", example = json!({
        "bundle": "095b34e560135a62ade3c73b53942ba71daa150d11e983723e4d8c0a2c8bca82",
        "workflows": [{
            "name": "user_onboarding", "description": "Creates a user and assigns a license", "category": "user_management",
            "requires_org": true, "parameters": [{ "name": "email", "type": "email", "required": true }],
            "timeout_seconds": 1800, "exclusive": false, "forms_only": false,
            "file": "workflows/user_onboarding.py", "line": 12
        }],
        "option_generators": [],
        "errors": [{ "file": "workflows/report.py", "line": 3, "message": "No module named `request`; did you mean `requests`?" }],
        "warnings": [], "may_run": ["user_onboarding"]
    }))),
    extensions(("x-permission" = json!("execute_workflows, or manage_forms, or auditor")))
)]
pub async fn get_metadata(
    State(api): State<Api>,
    scope: ScopeReading<(ExecuteWorkflows, ManageForms)>,
    _: NoQuery,
) -> Result<Json<Metadata>, Problem> {
    let bundle = engine(&api)?.metadata();
    let permitted = bundle.workflows.iter().filter(|workflow| scope.access.may_run(&workflow.category));
    let may_run = permitted.map(|workflow| workflow.name.clone()).collect();
    Ok(Json(Metadata { bundle, may_run }))
}
