//! Who am I, and what may I do where?

use crate::{
    http::{Problem, access::SignedIn, params::NoQuery},
    management::pauses::PauseView,
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use msp_domain::{CallerKind, OrgId, PauseTarget, Permissions, UserId};
use serde::Serialize;

/// The caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user": { "id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "email": "ada@example.com", "display_name": "Ada Lovelace" },
    "is_administrator": false, "is_auditor": false, "signed_in_with": "session",
    "organizations": [{
        "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "name": "Contoso", "is_active": true, "permissions": {
            "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true
        }, "categories": ["password_reset"], "expires_at": "2027-01-31T23:00:00Z"
    }],
    "pauses": []
}))]
pub struct Me {
    /// Who is signed in.
    pub user: MyAccount,
    /// Whether the caller manages the platform itself. A token for less than everything does not.
    pub is_administrator: bool,
    /// Whether the caller reads everything everywhere but secrets, and does nothing else.
    pub is_auditor: bool,
    /// How the caller signed in: `session`, `token` or `service`.
    pub signed_in_with: &'static str,
    /// The organizations the caller may do something in, by name.
    pub organizations: Vec<MyOrganization>,
    /// What is paused of that which the caller may do something with.
    pub pauses: Vec<PauseView>,
}

/// The account of the caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MyAccount {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address.
    pub email: String,
    /// Its name.
    pub display_name: String,
}

/// An organization as the caller sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MyOrganization {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Whether things run for it.
    pub is_active: bool,
    /// What the caller may do there, within the scopes of its token.
    pub permissions: Permissions,
    /// The categories of workflows that `execute_workflows` is about; `null`: every workflow.
    pub categories: Option<Vec<String>>,
    /// When these rights end; `null`: when they are revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Read who is signed in and with which rights.
#[utoipa::path(
    get, path = "/api/me", operation_id = "getMe", tag = "sign-in",
    responses((status = 200, body = Me, description = "The caller.")),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn get_me(State(api): State<Api>, SignedIn(asking): SignedIn, _: NoQuery) -> Result<Json<Me>, Problem> {
    let organizations = api.gate.opened(&asking.caller).await?;
    let mut pauses = api.repositories.pauses.list().await?;
    pauses.retain(|pause| match &pause.target {
        PauseTarget::Organization(org) => organizations.iter().any(|one| one.organization.id == *org),
        PauseTarget::Everything | PauseTarget::Workflow(_) => !organizations.is_empty(),
    });
    let is_administrator = asking.caller.is_administrator();
    let caller = asking.caller;
    Ok(Json(Me {
        is_administrator,
        is_auditor: caller.is_auditor,
        signed_in_with: match caller.kind {
            CallerKind::Session => "session",
            CallerKind::Token => "token",
            CallerKind::Service => "service",
        },
        user: MyAccount { id: caller.user, email: caller.email, display_name: caller.display_name },
        organizations: organizations
            .into_iter()
            .map(|one| MyOrganization {
                id: one.organization.id,
                name: one.organization.name.clone(),
                is_active: one.organization.is_active,
                permissions: one.permissions,
                categories: one.categories.names().filter(|_| one.permissions.execute_workflows),
                expires_at: one.expires_at,
            })
            .collect(),
        pauses: pauses.into_iter().map(Into::into).collect(),
    }))
}
