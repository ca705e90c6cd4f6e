//! The question whether something is allowed.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{SignedIn, open},
        caller::Asking,
        json::ApiJson,
        organization::NamedOrganization,
        params::NoQuery,
    },
    state::Api,
};
use axum::{Json, extract::State};
use msp_auth::Access;
use msp_domain::{Categories, FieldFault, OrgId, Permission, naming};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A question about a right.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "permission": "execute_workflows", "workflow": "user_onboarding"
}))]
pub struct CheckPermission {
    /// Where.
    org_id: OrgId,
    /// Which right.
    permission: Permission,
    /// With `execute_workflows`: to run this workflow.
    #[serde(default)]
    workflow: Option<String>,
    /// With `execute_workflows`, instead of `workflow`: to run any workflow of this category.
    #[serde(default)]
    category: Option<String>,
}

impl CheckPermission {
    /// What the right to run things is asked for, or every fault.
    fn wanted(&self) -> Result<Wanted<'_>, Vec<FieldFault>> {
        let mut faults = Vec::new();
        for (name, given) in [("workflow", &self.workflow), ("category", &self.category)] {
            if given.is_some() && self.permission != Permission::ExecuteWorkflows {
                faults.push(FieldFault::at(name, "goes with the permission `execute_workflows`: leave it out"));
            }
        }
        let wanted = match (&self.workflow, &self.category) {
            (Some(_), Some(_)) => {
                faults.push(FieldFault::at("category", "follows from `workflow`: name one of the two"));
                Wanted::Everything
            }
            (Some(workflow), None) => {
                if let Err(detail) = naming::name(workflow) {
                    faults.push(FieldFault::at("workflow", detail));
                }
                Wanted::Workflow(workflow)
            }
            (None, Some(category)) => {
                if let Err(detail) = Categories::only(std::slice::from_ref(category)) {
                    faults.push(FieldFault::at("category", detail));
                }
                Wanted::Category(category.trim())
            }
            (None, None) => Wanted::Everything,
        };
        if faults.is_empty() { Ok(wanted) } else { Err(faults) }
    }
}

/// What is to be run.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Everything,
    Workflow(&'a str),
    Category(&'a str),
}

/// The answer "yes". A "no" is a problem with `"allowed": false`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "allowed": true }))]
pub struct Allowed {
    /// Always `true`.
    allowed: bool,
}

/// Ask whether the caller holds a permission in an organization.
///
/// Denied is a 403 with `"allowed": false`, because some callers take any 200 for yes. A right to run workflows that is
/// limited to categories is a right to run what is named by `workflow` or `category`; where neither is named it is denied,
/// and so it is for a workflow that no loaded bundle holds. `categories` then says what may be run.
///
/// Problems: `permission-denied` (403), `body-invalid` (422), `organization-mismatch` (400).
#[utoipa::path(
    post, path = "/api/permissions/check", operation_id = "checkPermission", tag = "permissions",
    request_body = CheckPermission,
    responses((status = 200, body = Allowed, description = "Allowed.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn check_permission(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    named: NamedOrganization,
    _: NoQuery,
    ApiJson(body): ApiJson<CheckPermission>,
) -> Result<Json<Allowed>, Problem> {
    named.agrees_with(body.org_id)?;
    let wanted = body.wanted().map_err(|faults| Problem::new(Kind::BodyInvalid).errors(faults))?;
    match open(&api, &asking, Some(body.org_id), &[body.permission]).await {
        Ok(access) if body.permission != Permission::ExecuteWorkflows || reaches(&api, &access, wanted) => {
            Ok(Json(Allowed { allowed: true }))
        }
        Ok(access) => Err(outside_categories(&api, &asking, &access, wanted).await),
        Err(problem) => match problem.kind() {
            Kind::PermissionDenied | Kind::OrganizationInactive | Kind::OrganizationBeingDeleted | Kind::NotFound => {
                Err(Problem::new(Kind::PermissionDenied)
                    .detail(format!("The permission `{}` is missing there.", body.permission))
                    .with("permission", body.permission.name())
                    .with("allowed", false))
            }
            _ => Err(problem),
        },
    }
}

/// Whether the right to run workflows covers what is wanted: all of it.
fn reaches(api: &Api, access: &Access, wanted: Wanted<'_>) -> bool {
    if *access.categories() == Categories::Every {
        return true;
    }
    match wanted {
        Wanted::Everything => false,
        Wanted::Category(category) => access.may_run(category),
        Wanted::Workflow(name) => api.engine.get().is_some_and(|engine| {
            engine.metadata().workflow(name).is_some_and(|workflow| access.may_run(&workflow.category))
        }),
    }
}

/// The refusal of what a right that is limited to categories is not about, on record.
async fn outside_categories(api: &Api, asking: &Asking, access: &Access, wanted: Wanted<'_>) -> Problem {
    let permission = Permission::ExecuteWorkflows.name();
    let categories = access.categories().names().unwrap_or_default();
    let (workflow, category) = match wanted {
        Wanted::Everything => (None, None),
        Wanted::Workflow(name) => (Some(name), None),
        Wanted::Category(name) => (None, Some(name)),
    };
    let details =
        json!({ "permission": permission, "workflow": workflow, "category": category, "categories": categories });
    api.denials.of_caller(&asking.actor, "Organization", access.scope().key(), details).await;
    let shown = categories.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let why = match wanted {
        Wanted::Everything => "name the `workflow` or the `category` that is meant",
        Wanted::Workflow(_) => "the workflow is of none of them, or not known here",
        Wanted::Category(_) => "this is none of them",
    };
    Problem::new(Kind::PermissionDenied)
        .detail(format!("The right to run workflows there is limited to the categories {shown}: {why}."))
        .with("permission", permission)
        .with("categories", categories)
        .with("allowed", false)
}
