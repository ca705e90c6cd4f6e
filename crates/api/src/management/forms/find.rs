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
use msp_auth::{Access, Opened};
use msp_domain::{Categories, Permission, Permissions, Scope};
use msp_storage::repositories::forms::StoredForm;
use std::collections::HashMap;
use uuid::Uuid;

/// What opens the forms of an organization: submitting them or making them, or being an auditor.
pub(super) type ReadAccess = MaybeOrgReading<(ExecuteWorkflows, ManageForms)>;
/// What a change of a form needs.
pub(super) type ChangeAccess = MaybeOrgAccess<ManageForms>;

/// The forms of one scope, and what the caller may do with them.
pub(in crate::management) struct FormScope {
    pub scope: Scope,
    pub held: Permissions,
    /// Which workflows `execute_workflows` is about there.
    pub categories: Categories,
}

/// The scopes whose forms the request is about: the organization that was named, or every one in which the caller may do
/// something with forms, and always those of everybody, which come last.
pub(in crate::management) async fn scopes(
    api: &Api,
    asking: &Asking,
    named: Option<&Access>,
) -> Result<Vec<FormScope>, Problem> {
    let (somewhere, everywhere) = api.gate.somewhere(&asking.caller).await?;
    let mut scopes = match named {
        Some(access) => {
            let (scope, held, categories) = (access.scope(), *access.permissions(), access.categories().clone());
            vec![FormScope { scope, held, categories }]
        }
        None => {
            let of = |one: Opened| FormScope {
                scope: Scope::Org(one.organization.id),
                held: one.permissions,
                categories: one.categories,
            };
            api.gate.opened(&asking.caller).await?.into_iter().map(of).collect()
        }
    };
    let audits = asking.caller.audits();
    scopes.retain(|FormScope { held, .. }| audits || held.execute_workflows || held.manage_forms);
    if audits || somewhere.execute_workflows || somewhere.manage_forms {
        let held = Permissions {
            manage_forms: asking.caller.is_administrator(),
            execute_workflows: true,
            ..Permissions::NONE
        };
        // With an organization they run there, without one wherever the right is held. Whoever makes forms sees them all.
        let (here, runs) = named.map_or((&somewhere, &everywhere), |access| {
            let held = access.permissions();
            (held, if held.execute_workflows { access.categories() } else { &everywhere })
        });
        let categories = if here.manage_forms { Categories::Every } else { runs.clone() };
        scopes.push(FormScope { scope: Scope::Global, held, categories });
    }
    Ok(scopes)
}

/// Which forms a caller sees: those it may submit or make, and as an auditor all.
pub(in crate::management) struct Sight {
    audits: bool,
    /// The category of each workflow, where that matters; `None` as long as nobody knows them.
    categories: Option<HashMap<String, String>>,
}

impl Sight {
    pub(in crate::management) fn new(api: &Api, asking: &Asking, scopes: &[FormScope]) -> Self {
        let audits = asking.caller.audits();
        let is_limited = !audits && scopes.iter().any(|of| of.categories != Categories::Every);
        let engine = api.engine.get().filter(|_| is_limited);
        let categories = engine.map(|engine| {
            let bundle = engine.metadata();
            bundle.workflows.iter().map(|workflow| (workflow.name.clone(), workflow.category.clone())).collect()
        });
        Self { audits, categories }
    }

    /// Whether a form of this scope that runs this workflow is seen. Inactive ones are for those who make them. A workflow
    /// that the bundle does not hold has no category, and whoever submits its form is told so.
    pub(in crate::management) fn includes(&self, of: &FormScope, is_active: bool, workflow: &str) -> bool {
        let may_run = || {
            let known = self.categories.as_ref();
            let is_in = |known: &HashMap<String, String>| {
                known.get(workflow).is_none_or(|category| of.categories.include(category))
            };
            of.categories == Categories::Every || known.is_some_and(is_in)
        };
        self.audits || of.held.manage_forms || (is_active && may_run())
    }
}

/// The form with this id among those the caller may see.
pub(super) async fn find_form(
    api: &Api,
    MaybeOrgReading(access): &ReadAccess,
    id: Uuid,
) -> Result<StoredForm, Problem> {
    let scopes = scopes(api, &access.asking, access.access.as_ref()).await?;
    let sight = Sight::new(api, &access.asking, &scopes);
    for of in &scopes {
        if let Some(form) = api.repositories.forms.get(of.scope, id).await? {
            let is_seen = sight.includes(of, form.is_active, &form.workflow);
            return if is_seen { Ok(form) } else { Err(Kind::NotFound.into()) };
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
    let scopes = scopes(api, &access.asking, access.access.as_ref()).await?;
    let sight = Sight::new(api, &access.asking, &scopes);
    for of in &scopes {
        let Some(form) = api.repositories.forms.get(of.scope, id).await? else { continue };
        return match of.scope {
            scope if of.held.manage_forms => Ok(scope),
            _ if !sight.includes(of, form.is_active, &form.workflow) => Err(Kind::NotFound.into()),
            Scope::Global => Err(administrator_required(api, &access.asking, path).await),
            Scope::Org(org) => {
                Err(permission_required(api, &access.asking.actor, Some(org), Permission::ManageForms).await)
            }
        };
    }
    Err(Kind::NotFound.into())
}
