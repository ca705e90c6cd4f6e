//! The audit trail: lists, single rows, exports, the live stream and anchors.

pub(crate) mod anchors;
mod export;
mod follow;
pub(crate) mod list;
mod query;
pub(crate) mod read;
pub(crate) mod view;

use crate::{
    http::{
        Problem,
        access::administrator_required,
        caller::{Asking, authenticate},
        organization::requested_organization,
    },
    state::Api,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use msp_domain::{OrgId, Scope};
use msp_storage::{
    Repositories, StoreError,
    repositories::{
        MergedPage,
        audit::{AuditFilter, AuditRow},
        executions::Started,
    },
};

/// Somebody who may read the trail of every organization, and which of them is asked for. An organization that was deleted
/// can still be named: its rows stay.
pub struct AuditAccess {
    asking: Asking,
    org: Option<OrgId>,
}

impl FromRequestParts<Api> for AuditAccess {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let asking = authenticate(api, parts).await?;
        let org = requested_organization(parts).await?;
        if !asking.caller.may_review() {
            return Err(administrator_required(api, &asking, parts.uri.path()).await);
        }
        Ok(Self { asking, org })
    }
}

impl AuditAccess {
    /// A page of what is asked for.
    async fn search(
        &self,
        api: &Api,
        filter: &AuditFilter,
        happened: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<AuditRow>, StoreError> {
        let Repositories { audit, seals, .. } = &api.repositories;
        match self.org {
            Some(org) => audit.search(vec![Scope::Org(org)], filter, happened, cursor, limit).await,
            None => seals.search_over_all(filter, happened, cursor, limit).await,
        }
    }

    /// The one that is asked for, or all there are.
    async fn scopes(&self, api: &Api) -> Result<Vec<Scope>, Problem> {
        match self.org {
            Some(org) => Ok(vec![Scope::Org(org)]),
            None => Ok(api.repositories.seals.scopes().await?.into_iter().collect()),
        }
    }
}
