//! Many grants at once: to many people in many organizations, or as somebody else holds them.

use super::grants::{GrantView, SetGrant};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::AdminAccess,
        json::ApiJson,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use msp_domain::{FieldFault, OrgId, UserId};
use msp_storage::{
    StoreError,
    repositories::{
        Actor,
        grants::{Grant, GrantTerms},
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most pairs of one request: each is a change with its own row of the audit trail.
const MOST_PAIRS: usize = 1_000;
/// Changes under way at once: one wait for the disk serves several commits.
const AT_ONCE: usize = 16;

/// One grant for many.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "user_ids": ["b9bb3ad1-6687-4eb2-9413-a2bbe7263003"], "org_ids": ["6f9619ff-8b86-d011-b42d-00cf4fc964ff"],
    "grant": { "execute_workflows": true, "categories": ["password_reset"] }
}))]
pub struct GrantMany {
    /// Whom to grant.
    user_ids: BTreeSet<UserId>,
    /// Where. Users times organizations are at most 1,000.
    org_ids: BTreeSet<OrgId>,
    /// What each shall be able to do in each of them: exactly this.
    grant: SetGrant,
}

/// What became of one user's grant in one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is as was asked for.
    Set,
    /// It was as wide already.
    Kept,
    /// It was taken away.
    Revoked,
    /// Both end at different times: what either gives cannot be one grant, so nothing was changed.
    DifferentEnd,
    /// The store failed at it; sending the request again is safe.
    Failed,
}

/// One pair of an answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user_id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "outcome": "kept", "grant": null
}))]
pub struct PairView {
    /// Whose.
    user_id: UserId,
    /// Where.
    org_id: OrgId,
    /// What became of it.
    outcome: Outcome,
    /// The grant as it is now, where it was set.
    grant: Option<GrantView>,
}

/// The pairs of an answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Pairs {
    /// One for each pair.
    items: Vec<PairView>,
}

/// What is to be done about one grant.
enum Step {
    Set(GrantTerms),
    /// What this user holds there when it is written.
    Copy(UserId, CopyMode),
    Revoke,
}

type Pair = (UserId, OrgId, Step);

/// Grant the same to many users in many organizations.
///
/// Everything is checked before anything is written: unknown users or organizations refuse the whole request. Then each pair is
/// a change of its own, audited in its organization; should the store fail at some, the others stand, and sending the request
/// again finishes it.
///
/// Problems: `body-invalid` (422).
#[utoipa::path(
    post, path = "/api/permissions/bulk", operation_id = "grantMany", tag = "permissions",
    request_body = GrantMany,
    responses((status = 200, body = Pairs, description = "What became of each pair.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn grant_many(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<GrantMany>,
) -> Result<Json<Pairs>, Problem> {
    let mut faults = Vec::new();
    let pairs = body.user_ids.len() * body.org_ids.len();
    if !(1..=MOST_PAIRS).contains(&pairs) {
        let detail = format!("expected users and organizations that make 1 to {MOST_PAIRS} pairs; these make {pairs}");
        faults.push(FieldFault::at("user_ids", detail));
        return Err(Problem::new(Kind::BodyInvalid).errors(faults));
    }
    for (index, user) in body.user_ids.iter().enumerate() {
        if api.repositories.users.get(*user).await?.is_none() {
            faults.push(unknown("user_ids", index, "user", &user.key()));
        }
    }
    for (index, org) in body.org_ids.iter().enumerate() {
        let found = api.repositories.organizations.get(*org).await?;
        if found.is_none_or(|organization| organization.deletion.is_some()) {
            faults.push(unknown("org_ids", index, "organization", &org.key()));
        }
    }
    let terms = body.grant.terms(api.clock.now()).unwrap_or_else(|of_grant| {
        faults.extend(
            of_grant
                .into_iter()
                .map(|fault| FieldFault { pointer: fault.pointer.replacen('#', "#/grant", 1), ..fault }),
        );
        GrantTerms::default()
    });
    if !faults.is_empty() {
        return Err(Problem::new(Kind::BodyInvalid).errors(faults));
    }
    let orgs = &body.org_ids;
    let pairs = body.user_ids.iter().flat_map(|user| orgs.iter().map(|org| (*user, *org, Step::Set(terms.clone()))));
    Ok(Json(carry_out(&api, pairs.collect(), &asking.actor).await))
}

fn unknown(field: &str, index: usize, kind: &str, id: &str) -> FieldFault {
    FieldFault { pointer: format!("#/{field}/{index}"), detail: format!("there is no {kind} {id}") }
}

/// How to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CopyMode {
    /// The user holds exactly what the other holds.
    Replace,
    /// The user keeps what it holds, and gets what the other holds besides.
    Add,
}

/// Whose grants to copy.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "0d5c8f0e-6a0b-4a55-9d0e-2f0b6f0f4a11", "mode": "add" }))]
pub struct CopyGrants {
    /// Who holds them.
    from: UserId,
    /// Whether they take the place of what the user holds.
    mode: CopyMode,
}

/// Give a user the grants of another one. Grants whose time is over are not copied.
///
/// `replace` also takes away what the other does not hold. `add` never takes anything away: where both hold something and it
/// ends at different times, nothing is changed and the pair says `different_end`.
///
/// Problems: `not-found` (404), `body-invalid` (422), `path-invalid` (400).
#[utoipa::path(
    post, path = "/api/users/{id}/permissions/copy", operation_id = "copyUserPermissions", tag = "permissions",
    params(("id" = UserId, Path, description = "Who gets them.")),
    request_body = CopyGrants,
    responses((status = 200, body = Pairs, description = "What became of each organization.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn copy_user_permissions(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
    ApiJson(body): ApiJson<CopyGrants>,
) -> Result<Json<Pairs>, Problem> {
    let invalid = |detail: String| Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("from", detail)]);
    api.repositories.users.get(id).await?.ok_or(Kind::NotFound)?;
    if body.from == id {
        return Err(invalid("expected another user than the one who gets the grants".to_owned()));
    }
    api.repositories.users.get(body.from).await?.ok_or_else(|| invalid(format!("there is no user {}", body.from)))?;
    let (now, grants) = (api.clock.now(), &api.repositories.grants);
    let mut source = grants.of_user(body.from).await?;
    source.retain(|grant| !grant.is_expired(now));
    for deleted in api.repositories.deletions().await? {
        source.retain(|grant| grant.org != deleted.id);
    }
    let held = grants.of_user(id).await?;
    if source.len() + held.len() > MOST_PAIRS {
        return Err(invalid(format!("more than {MOST_PAIRS} grants cannot be copied at once")));
    }
    let copy = |grant: &Grant| (id, grant.org, Step::Copy(body.from, body.mode));
    let mut pairs: Vec<Pair> = source.iter().map(copy).collect();
    if body.mode == CopyMode::Replace {
        let is_gone = |own: &&Grant| !source.iter().any(|grant| grant.org == own.org);
        pairs.extend(held.iter().filter(is_gone).map(|own| (id, own.org, Step::Revoke)));
    }
    Ok(Json(carry_out(&api, pairs, &asking.actor).await))
}

/// Why nothing is copied.
enum NotCopied {
    /// What the user holds stays, and this is the word for it.
    Left(Outcome),
    /// The other does not hold anything there any more.
    Gone,
}

/// What a user shall hold, given what the other one and the user hold now.
fn copied(
    (mode, now): (CopyMode, DateTime<Utc>),
    source: Option<&Grant>,
    own: Option<&Grant>,
) -> Result<GrantTerms, NotCopied> {
    let source = source.filter(|grant| !grant.is_expired(now)).ok_or(NotCopied::Gone)?;
    match mode {
        CopyMode::Replace if own.is_some_and(|own| own.terms == source.terms) => Err(NotCopied::Left(Outcome::Kept)),
        CopyMode::Replace => Ok(source.terms.clone()),
        CopyMode::Add => added(own.filter(|own| !own.is_expired(now)), &source.terms).map_err(NotCopied::Left),
    }
}

/// What a user holds who holds something already and gets this besides.
fn added(own: Option<&Grant>, more: &GrantTerms) -> Result<GrantTerms, Outcome> {
    let Some(own) = own.map(|own| &own.terms) else { return Ok(more.clone()) };
    if own.cover(more) {
        return Err(Outcome::Kept);
    }
    if own.expires_at != more.expires_at {
        return Err(Outcome::DifferentEnd);
    }
    let categories = match (own.permissions.execute_workflows, more.permissions.execute_workflows) {
        (true, true) => own.categories.clone().or(&more.categories),
        (true, false) => own.categories.clone(),
        (false, _) => more.categories.clone(),
    };
    Ok(GrantTerms { permissions: own.permissions.or(&more.permissions), categories, expires_at: own.expires_at })
}

async fn carry_out(api: &Api, pairs: Vec<Pair>, actor: &Actor) -> Pairs {
    let changes = pairs.into_iter().map(|(user, org, step)| async move {
        let (outcome, grant) = match carry_out_one(api, (user, org), step, actor).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(error = %error, org.id = %org, "One of many grants could not be changed");
                (Outcome::Failed, None)
            }
        };
        PairView { user_id: user, org_id: org, outcome, grant }
    });
    Pairs { items: stream::iter(changes).buffered(AT_ONCE).collect().await }
}

async fn carry_out_one(
    api: &Api,
    (user, org): (UserId, OrgId),
    step: Step,
    actor: &Actor,
) -> Result<(Outcome, Option<GrantView>), StoreError> {
    let grants = &api.repositories.grants;
    match step {
        Step::Copy(from, mode) => {
            let terms = (mode, api.clock.now());
            let decide = |source: Option<&Grant>, own: Option<&Grant>| copied(terms, source, own);
            match grants.derive((from, user), org, decide, actor).await? {
                Ok(grant) => Ok((Outcome::Set, Some(GrantView::at(api.clock.now(), grant)))),
                Err(NotCopied::Left(outcome)) => Ok((outcome, None)),
                Err(NotCopied::Gone) if mode == CopyMode::Add => Ok((Outcome::Kept, None)),
                Err(NotCopied::Gone) => grants.revoke(user, org, actor).await.map(|()| (Outcome::Revoked, None)),
            }
        }
        Step::Revoke => grants.revoke(user, org, actor).await.map(|()| (Outcome::Revoked, None)),
        Step::Set(terms) => {
            let (grant, _) = grants.change(user, org, &terms, None, actor).await?;
            Ok((Outcome::Set, Some(GrantView::at(api.clock.now(), grant))))
        }
    }
}
