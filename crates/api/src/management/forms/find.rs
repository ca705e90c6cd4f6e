//! Which forms a caller may see, and which it may change.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{MaybeOrgAccess, MaybeOrgReading, administrator_required, permission_required},
        caller::Asking,
        rights::{ExecuteWorkflows, ManageForms},
    },
    state::Api,
};
use msp_domain::{Permission, Permissions, Scope};
use msp_storage::repositories::forms::StoredForm;
use uuid::Uuid;

/// What opens the forms of an organization: submitting them or making them, or being an auditor.
pub(super) type ReadAccess = MaybeOrgReading<(ExecuteWorkflows, ManageForms)>;
/// What a change of a form needs.
pub(super) type ChangeAccess = MaybeOrgAccess<ManageForms>;

/// The scopes whose forms the request is about, each with what the caller may do there: the organization that was named, or
/// every one in which the caller may do something with forms, and always those of everybody, which come last.
pub(in crate::management) async fn scopes(
    api: &Api,
    asking: &Asking,
    named: Option<(Scope, Permissions)>,
) -> Result<Vec<(Scope, Permissions)>, Problem> {
    let somewhere = api.gate.somewhere(&asking.caller).await?;
    let mut scopes = match named {
        Some(named) => vec![named],
        None => {
            let opened = api.gate.organizations_of(&asking.caller).await?;
            opened.into_iter().map(|(organization, held)| (Scope::Org(organization.id), held)).collect()
        }
    };
    let audits = audits(asking);
    scopes.retain(|(_, held)| audits || held.execute_workflows || held.manage_forms);
    if audits || somewhere.execute_workflows || somewhere.manage_forms {
        let manage_forms = asking.caller.is_administrator();
        scopes.push((Scope::Global, Permissions { manage_forms, execute_workflows: true, ..Permissions::NONE }));
    }
    Ok(scopes)
}

/// Whether the caller reads every form there is, and does nothing with it.
fn audits(asking: &Asking) -> bool {
    asking.caller.is_auditor && asking.caller.may_review()
}

/// The scope a request names, if it names one.
pub(in crate::management) fn named<P>(access: &MaybeOrgAccess<P>) -> Option<(Scope, Permissions)> {
    access.access.as_ref().map(|access| (access.scope(), *access.permissions()))
}

/// Whether somebody with these rights sees the form: inactive ones are for those who make them, and for auditors.
pub(super) fn may_see(asking: &Asking, held: &Permissions, form: &StoredForm) -> bool {
    form.is_active || held.manage_forms || audits(asking)
}

/// The form with this id among those the caller may see.
pub(super) async fn find_form(
    api: &Api,
    MaybeOrgReading(access): &ReadAccess,
    id: Uuid,
) -> Result<StoredForm, Problem> {
    for (scope, held) in scopes(api, &access.asking, named(access)).await? {
        if let Some(form) = api.repositories.forms.get(scope, id).await? {
            return if may_see(&access.asking, &held, &form) { Ok(form) } else { Err(Kind::NotFound.into()) };
        }
    }
    Err(Kind::NotFound.into())
}

/// The scope a new form would be of: that of the organization that is named, or, for an administrator, of everybody.
pub(super) async fn writable_scope(api: &Api, access: &ChangeAccess, path: &str) -> Result<Scope, Problem> {
    match &access.access {
        Some(access) => Ok(access.scope()),
        None if access.asking.caller.is_administrator() => Ok(Scope::Global),
        None => Err(administrator_required(api, &access.asking, path).await),
    }
}

/// The scope of the form with this id, if the caller may change it. Those of everybody are for administrators.
pub(super) async fn changeable(api: &Api, access: &ChangeAccess, id: Uuid, path: &str) -> Result<Scope, Problem> {
    for (scope, held) in scopes(api, &access.asking, named(access)).await? {
        if api.repositories.forms.get(scope, id).await?.is_none() {
            continue;
        }
        return match scope {
            _ if held.manage_forms => Ok(scope),
            Scope::Global => Err(administrator_required(api, &access.asking, path).await),
            Scope::Org(org) => {
                Err(permission_required(api, &access.asking.actor, Some(org), Permission::ManageForms).await)
            }
        };
    }
    Err(Kind::NotFound.into())
}
