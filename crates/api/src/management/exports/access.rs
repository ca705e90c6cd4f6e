//! Who may read exports, and who may change them.
//!
//! Reading asks for the right to read what is exported: `view_history` for executions, to be administrator or auditor for the
//! audit trail and for all organizations together. Changing asks for `manage_config` as well, and for all organizations
//! together to be administrator.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{administrator_required, open, permission_required},
        caller::{Asking, authenticate},
        organization::requested_organization,
        rights::{Opens, ViewHistory},
    },
    state::Api,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use msp_domain::{ExportSubject, Permission, Permissions, Scope};
use msp_storage::repositories::exports::ExportSchedule;
use uuid::Uuid;

/// Somebody who may read exports of an organization, or of all of them when none is named.
pub struct ExportAccess {
    pub(super) asking: Asking,
    pub(super) scope: Scope,
    held: Permissions,
    path: String,
}

impl FromRequestParts<Api> for ExportAccess {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let asking = authenticate(api, parts).await?;
        let org = requested_organization(parts).await?;
        let path = parts.uri.path().to_owned();
        let held = match org {
            Some(_) => *open(api, &asking, org, ViewHistory::ANY_OF).await?.permissions(),
            None if asking.caller.may_review() => Permissions::NONE,
            None => return Err(administrator_required(api, &asking, &path).await),
        };
        Ok(Self { asking, scope: org.into(), held, path })
    }
}

impl ExportAccess {
    /// Whether the caller may read what such a schedule exports.
    pub(super) fn reads(&self, subject: ExportSubject) -> bool {
        match subject {
            ExportSubject::Executions => true,
            ExportSubject::AuditLogs => self.asking.caller.may_review(),
        }
    }

    /// Refuses a caller who may not change exports of this.
    pub(super) async fn changes(&self, api: &Api, subject: ExportSubject) -> Result<(), Problem> {
        let (asking, org) = (&self.asking, self.scope.org());
        if org.is_some() && !self.held.manage_config {
            return Err(permission_required(api, &asking.actor, org, Permission::ManageConfig).await);
        }
        if !self.reads(subject) || (org.is_none() && !asking.caller.is_administrator()) {
            return Err(administrator_required(api, asking, &self.path).await);
        }
        Ok(())
    }

    /// The schedule with this id, if the caller may read what it exports.
    pub(super) async fn schedule(&self, api: &Api, id: Uuid) -> Result<ExportSchedule, Problem> {
        let schedule = api.repositories.exports.get(self.scope, id).await?;
        let schedule = schedule.filter(|schedule| self.reads(schedule.subject));
        schedule.ok_or_else(|| Problem::new(Kind::NotFound).detail("There is no such export schedule here."))
    }

    /// The same, if the caller may change it.
    pub(super) async fn changeable(&self, api: &Api, id: Uuid) -> Result<ExportSchedule, Problem> {
        let schedule = self.schedule(api, id).await?;
        self.changes(api, schedule.subject).await?;
        Ok(schedule)
    }
}
