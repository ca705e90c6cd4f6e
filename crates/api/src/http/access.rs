//! The extractors that stand between a request and a handler: signed in, administrator, access to an organization.

use super::{
    Problem, ProblemKind as Kind,
    caller::{Asking, authenticate, authenticate_at},
    organization::{organization_required, requested_organization},
    rights::{Opens, ViewHistory},
};
use crate::state::Api;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use msp_auth::{Access, Denied};
use msp_domain::{OrgId, Permission};
use msp_storage::repositories::{Actor, organizations::Organization, snapshot::Snapshot};
use serde_json::json;
use std::marker::PhantomData;

/// Any active caller.
pub struct SignedIn(pub Asking);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let asking = authenticate(&api, parts).await?;
        requested_organization(parts).await?;
        Ok(Self(asking))
    }
}

/// A platform administrator, with a credential for everything.
pub struct AdminAccess(pub Asking);

impl<S: Send + Sync> FromRequestParts<S> for AdminAccess
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let asking = authenticate(&api, parts).await?;
        requested_organization(parts).await?;
        if !asking.caller.is_administrator() {
            return Err(administrator_required(&api, &asking, parts.uri.path()).await);
        }
        Ok(Self(asking))
    }
}

/// A platform administrator or an auditor, with a credential for everything: for what only they may read, such as users,
/// grants and the audit trail. Nothing that changes anything stands behind it.
pub struct ReviewAccess(pub Asking);

impl<S: Send + Sync> FromRequestParts<S> for ReviewAccess
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let asking = authenticate(&api, parts).await?;
        requested_organization(parts).await?;
        if !asking.caller.may_review() {
            return Err(administrator_required(&api, &asking, parts.uri.path()).await);
        }
        Ok(Self(asking))
    }
}

/// The refusal of a caller who does not administer the platform, on record.
pub(crate) async fn administrator_required(api: &Api, asking: &Asking, path: &str) -> Problem {
    api.denials.of_caller(&asking.actor, "Platform", path.to_owned(), json!({ "right": "administrator" })).await;
    Kind::AdministratorRequired.into()
}

/// Access to one organization, opened by any of the permissions `P`.
pub struct OrgAccess<P> {
    /// Which organization.
    pub org: OrgId,
    /// The proof.
    pub access: Access,
    /// For the audit trail.
    pub actor: Actor,
    permissions: PhantomData<P>,
}

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for OrgAccess<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let (asking, snapshot) = authenticate_at(&api, parts).await?;
        let org = requested_organization(parts).await?.ok_or_else(organization_required)?;
        let access = open_at(&api, &snapshot, &asking, Some(org), P::ANY_OF).await?;
        Ok(Self { org, access, actor: asking.actor, permissions: PhantomData })
    }
}

/// The same for what is only read: an auditor gets in as well. Nothing that changes anything stands behind it, and no secret.
pub struct OrgReading<P> {
    /// Which organization.
    pub org: OrgId,
    permissions: PhantomData<P>,
}

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for OrgReading<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let (asking, snapshot) = authenticate_at(&api, parts).await?;
        let org = requested_organization(parts).await?.ok_or_else(organization_required)?;
        open_at(&api, &snapshot, &asking, Some(org), opened_for_reading::<P>(&asking)).await?;
        Ok(Self { org, permissions: PhantomData })
    }
}

/// What opens the gate for reading: an auditor holds `view_history` everywhere, and that is enough.
fn opened_for_reading<P: Opens>(asking: &Asking) -> &'static [Permission] {
    if asking.caller.audits() { ViewHistory::ANY_OF } else { P::ANY_OF }
}

impl<P> OrgAccess<P> {
    /// The organization as the gate read it.
    pub fn organization(&self) -> &Organization {
        self.access.organization().expect("the gate of an organization names it")
    }
}

/// Access to the organization the request names, or to what runs without one when it names none.
pub struct ScopeAccess<P> {
    /// The proof.
    pub access: Access,
    /// Who asks.
    pub asking: Asking,
    org: Option<OrgId>,
    permissions: PhantomData<P>,
}

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for ScopeAccess<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let (asking, snapshot) = authenticate_at(&api, parts).await?;
        let org = requested_organization(parts).await?;
        let access = open_at(&api, &snapshot, &asking, org, P::ANY_OF).await?;
        Ok(Self { access, asking, org, permissions: PhantomData })
    }
}

impl<P: Opens> ScopeAccess<P> {
    /// For the audit trail.
    pub fn actor(&self) -> Actor {
        self.asking.actor.clone()
    }

    /// Asks the gate again, after rights or settings have changed.
    pub(crate) async fn renewed(&self, api: &Api) -> Result<Access, Problem> {
        open(api, &self.asking, self.org, P::ANY_OF).await
    }
}

/// The same for what is only read: an auditor gets in as well.
pub struct ScopeReading<P> {
    /// The proof.
    pub access: Access,
    permissions: PhantomData<P>,
}

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for ScopeReading<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let (asking, snapshot) = authenticate_at(&api, parts).await?;
        let org = requested_organization(parts).await?;
        let access = open_at(&api, &snapshot, &asking, org, opened_for_reading::<P>(&asking)).await?;
        Ok(Self { access, permissions: PhantomData })
    }
}

/// Access for a handler that accepts a request with or without an organization and treats the two differently.
pub struct MaybeOrgAccess<P> {
    /// Who asks.
    pub asking: Asking,
    /// The proof, when an organization was named.
    pub access: Option<Access>,
    permissions: PhantomData<P>,
}

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for MaybeOrgAccess<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let asking = authenticate(&api, parts).await?;
        let access = match requested_organization(parts).await? {
            Some(org) => Some(open(&api, &asking, Some(org), P::ANY_OF).await?),
            None => None,
        };
        Ok(Self { asking, access, permissions: PhantomData })
    }
}

/// The same for what is only read: an auditor gets in as well.
pub struct MaybeOrgReading<P>(pub MaybeOrgAccess<P>);

impl<P: Opens, S: Send + Sync> FromRequestParts<S> for MaybeOrgReading<P>
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let asking = authenticate(&api, parts).await?;
        let access = match requested_organization(parts).await? {
            Some(org) => Some(open(&api, &asking, Some(org), opened_for_reading::<P>(&asking)).await?),
            None => None,
        };
        Ok(Self(MaybeOrgAccess { asking, access, permissions: PhantomData }))
    }
}

/// Asks the gate; a denial goes on record.
pub(crate) async fn open(
    api: &Api,
    asking: &Asking,
    org: Option<OrgId>,
    any_of: &[Permission],
) -> Result<Access, Problem> {
    open_at(api, &*api.repositories.snapshots.current().await?, asking, org, any_of).await
}

/// As [`open`], at the version at which the caller was authenticated.
async fn open_at(
    api: &Api,
    snapshot: &Snapshot,
    asking: &Asking,
    org: Option<OrgId>,
    any_of: &[Permission],
) -> Result<Access, Problem> {
    let answer = match org {
        Some(org) => api.gate.organization_at(snapshot, &asking.caller, org, any_of).await,
        None => api.gate.global(&asking.caller, any_of).await,
    };
    match answer {
        Ok(access) => Ok(access),
        Err(denied) => {
            if let Denied::Permission { permission } = &denied {
                denied_permission(api, &asking.actor, org, *permission).await;
            }
            Err(denied.into())
        }
    }
}

/// Puts on record that a caller lacks a permission.
async fn denied_permission(api: &Api, actor: &Actor, org: Option<OrgId>, permission: Permission) {
    let id = org.map_or_else(|| "GLOBAL".to_owned(), |org| org.key());
    api.denials.of_caller(actor, "Organization", id, json!({ "permission": permission.name() })).await;
}

/// The refusal of a caller who lacks a permission, on record.
pub(crate) async fn permission_required(
    api: &Api,
    actor: &Actor,
    org: Option<OrgId>,
    permission: Permission,
) -> Problem {
    denied_permission(api, actor, org, permission).await;
    Denied::Permission { permission }.into()
}
