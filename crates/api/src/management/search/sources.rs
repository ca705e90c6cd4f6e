//! Where is looked. Each source shows exactly what the list of the same things shows, by the same functions.

use super::{
    SearchHit, SearchType,
    wanted::{Fit, Wanted},
};
use crate::{
    http::{Problem, access::MaybeOrgAccess, rights::AnyRight},
    management::{
        executions::{find::anywhere, list},
        forms::find::{Sight, scopes},
    },
    state::Api,
};
use msp_auth::{Access, Denied};
use msp_domain::{ExecutionId, OrgId, Permission, Scope};
use msp_storage::repositories::executions::{Execution, ExecutionFilter, Started};
use std::collections::{BTreeSet, HashMap};

/// Executions that are looked at, the latest first.
const LATEST: usize = 200;

/// What fits, and how well.
pub(super) type Hits = Vec<(Fit, SearchHit)>;

/// One search.
pub(super) struct Searching<'a> {
    api: &'a Api,
    access: &'a MaybeOrgAccess<AnyRight>,
    wanted: &'a Wanted,
    /// Names of the organizations the caller sees; with one named, only of that one.
    organizations: HashMap<OrgId, String>,
}

impl<'a> Searching<'a> {
    pub(super) async fn new(
        api: &'a Api,
        access: &'a MaybeOrgAccess<AnyRight>,
        wanted: &'a Wanted,
    ) -> Result<Self, Problem> {
        let organizations = match access.access.as_ref().and_then(Access::organization) {
            Some(organization) => HashMap::from([(organization.id, organization.name.clone())]),
            None => {
                let opened = api.gate.organizations_of(&access.asking.caller).await?;
                opened.into_iter().map(|(organization, _)| (organization.id, organization.name.clone())).collect()
            }
        };
        Ok(Self { api, access, wanted, organizations })
    }

    pub(super) async fn all(&self, types: &BTreeSet<SearchType>) -> Result<Vec<(SearchType, Hits)>, Problem> {
        let wants = |kind| types.contains(&kind);
        let organizations = if wants(SearchType::Organizations) { self.of_organizations() } else { Hits::default() };
        let (forms, workflows, executions, users) = tokio::try_join!(
            async { if wants(SearchType::Forms) { self.of_forms().await } else { Ok(Hits::default()) } },
            async { if wants(SearchType::Workflows) { self.of_workflows().await } else { Ok(Hits::default()) } },
            async { if wants(SearchType::Executions) { self.of_executions().await } else { Ok(Hits::default()) } },
            async { if wants(SearchType::Users) { self.of_users().await } else { Ok(Hits::default()) } },
        )?;
        Ok(vec![
            (SearchType::Organizations, organizations),
            (SearchType::Forms, forms),
            (SearchType::Workflows, workflows),
            (SearchType::Executions, executions),
            (SearchType::Users, users),
        ])
    }

    fn of_organizations(&self) -> Hits {
        let fit = |(id, name): (&OrgId, &String)| {
            let fit = self.wanted.fits(name, "")?;
            Some((fit, hit(id.key(), name.clone(), String::new(), Some((*id, name.clone())))))
        };
        self.organizations.iter().filter_map(fit).collect()
    }

    async fn of_forms(&self) -> Result<Hits, Problem> {
        let scopes = scopes(self.api, &self.access.asking, self.access.access.as_ref()).await?;
        let sight = Sight::new(self.api, &self.access.asking, &scopes);
        let keys: Vec<Scope> = scopes.iter().map(|of| of.scope).collect();
        let index = self.api.repositories.forms.index(&keys).await?;
        let mut hits = Vec::new();
        for (of, forms) in scopes.iter().zip(index) {
            for form in forms.iter().filter(|form| sight.includes(of, form.is_active, &form.workflow)) {
                if let Some(fit) = self.wanted.fits(&form.name, &form.about) {
                    let organization = self.organization(of.scope.org());
                    hits.push((fit, hit(form.id.to_string(), form.name.clone(), form.about.clone(), organization)));
                }
            }
        }
        Ok(hits)
    }

    /// Those the caller may run or make forms for, and for an auditor all. While the first bundle loads there are none.
    async fn of_workflows(&self) -> Result<Hits, Problem> {
        let Some(engine) = self.api.engine.get() else { return Ok(Vec::new()) };
        let caller = &self.access.asking.caller;
        let any_of = [Permission::ExecuteWorkflows, Permission::ManageForms, Permission::ViewHistory];
        let anywhere;
        let access = match &self.access.access {
            Some(access) => access,
            None => match self.api.gate.global(caller, &any_of).await {
                Ok(access) => {
                    anywhere = access;
                    &anywhere
                }
                Err(Denied::Permission { .. }) => return Ok(Vec::new()),
                Err(denied) => return Err(denied.into()),
            },
        };
        let held = access.permissions();
        let bundle = engine.metadata();
        let sees_all = held.manage_forms || caller.audits();
        let shown = bundle.workflows.iter().filter(|workflow| sees_all || access.may_run(&workflow.category));
        let fit = shown.filter_map(|workflow| {
            let about = workflow.description.clone();
            let fit = self.wanted.fits(&workflow.name, &format!("{about} {}", workflow.category))?;
            Some((fit, hit(workflow.name.clone(), workflow.name.clone(), about, None)))
        });
        Ok(fit.collect())
    }

    async fn of_executions(&self) -> Result<Hits, Problem> {
        let asking = &self.access.asking;
        let scopes = match &self.access.access {
            Some(access) => vec![(access.scope(), *access.permissions())],
            None => list::every_scope(self.api, asking).await?,
        };
        let filter = ExecutionFilter::default();
        let of_caller = |(scope, held): (Scope, _)| list::visible(scope, &held, &filter, asking.caller.user);
        let lanes: Vec<_> = scopes.into_iter().filter_map(of_caller).collect();
        if let Ok(id) = self.wanted.text().parse::<ExecutionId>() {
            let found = self.by_id(id, &lanes).await?;
            return Ok(found.iter().map(|execution| (Fit::Beginning, self.execution(execution))).collect());
        }
        let latest = self.api.repositories.executions.list(lanes, Started::default(), None, LATEST).await?;
        let fit = latest.items.iter().filter_map(|execution| {
            let shown = self.execution(execution);
            Some((self.wanted.fits(&shown.name, &shown.about)?, shown))
        });
        Ok(fit.collect())
    }

    /// The execution with this id, however old it is.
    async fn by_id(&self, id: ExecutionId, lanes: &[(Scope, ExecutionFilter)]) -> Result<Option<Execution>, Problem> {
        if self.access.access.is_none() {
            return anywhere(self.api, &self.access.asking, id).await;
        }
        let Some((scope, filter)) = lanes.first() else { return Ok(None) };
        let execution = self.api.repositories.executions.get(*scope, id).await?;
        Ok(execution.filter(|execution| filter.executed_by.is_none_or(|user| user == execution.executed_by)))
    }

    fn execution(&self, execution: &Execution) -> SearchHit {
        let name = execution.form_name.as_ref().unwrap_or(&execution.workflow_name).clone();
        let about = format!("{} · {} · {}", execution.workflow_name, execution.executed_by_name, execution.status);
        let shown = hit(execution.id.key(), name, about, self.organization(execution.scope.org()));
        SearchHit { status: Some(execution.status), started_at: Some(execution.started_at), ..shown }
    }

    async fn of_users(&self) -> Result<Hits, Problem> {
        if !self.access.asking.caller.may_review() {
            return Ok(Vec::new());
        }
        let users = self.api.repositories.snapshots.current().await?.all_users().await?;
        let fit = users.iter().filter_map(|user| {
            let fit = self.wanted.fits(&user.display_name, &user.email)?;
            Some((fit, hit(user.id.key(), user.display_name.clone(), user.email.clone(), None)))
        });
        Ok(fit.collect())
    }

    fn organization(&self, org: Option<OrgId>) -> Option<(OrgId, String)> {
        let org = org?;
        Some((org, self.organizations.get(&org).cloned().unwrap_or_default()))
    }
}

fn hit(id: String, name: String, about: String, organization: Option<(OrgId, String)>) -> SearchHit {
    let (org_id, org_name) = organization.unzip();
    SearchHit { id, name, about, org_id, org_name, status: None, started_at: None }
}
