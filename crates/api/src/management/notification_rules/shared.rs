//! What is done with the rules of a scope, whoever asks for it.

use super::{
    draft::{PutNotificationRule, RuleDraft},
    view::{NotificationRuleView, NotificationTestView, Shown, shown},
};
use crate::{
    http::{Problem, ProblemKind as Kind, attempts::TooMany, etag::or_current, paging::PageOf},
    state::Api,
};
use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
};
use futures::future::try_join_all;
use msp_domain::Scope;
use msp_storage::{
    Etag,
    repositories::{Actor, audit::AuditDraft, notifications::StoredRule},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// The part of the path that names a rule.
#[derive(Deserialize)]
pub struct RulePath {
    pub(super) id: Uuid,
}

pub(super) type Created = (StatusCode, [(HeaderName, String); 1], Shown);

pub(super) async fn list(api: &Api, scope: Scope) -> Result<Json<PageOf<NotificationRuleView>>, Problem> {
    let (rules, notices) = (&api.repositories.notification_rules, &api.repositories.notices);
    let (stored, mut deliveries) = futures::try_join!(rules.list(scope), rules.deliveries(scope))?;
    let untold = try_join_all(stored.iter().map(|stored| notices.untold(stored.id))).await?;
    let view = |(stored, untold): (StoredRule, u64)| {
        let delivery = deliveries.remove(&stored.id).unwrap_or_default();
        NotificationRuleView::new(stored, delivery, untold)
    };
    Ok(Json(PageOf::all(stored.into_iter().zip(untold).map(view).collect())))
}

pub(super) async fn create(
    api: &Api,
    scope: Scope,
    body: PutNotificationRule,
    actor: &Actor,
) -> Result<Created, Problem> {
    let RuleDraft { rule, url } = body.checked(None, api.notifications.sends_mail())?;
    let stored = api.repositories.notification_rules.create(scope, rule, url, actor).await?;
    let location = match scope {
        Scope::Org(org) => format!("/api/organizations/{org}/notification-rules/{}", stored.id),
        Scope::Global => format!("/api/global/notification-rules/{}", stored.id),
    };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], with_delivery(api, stored).await?))
}

pub(super) async fn get(api: &Api, scope: Scope, id: Uuid) -> Result<Shown, Problem> {
    let stored = api.repositories.notification_rules.get(scope, id).await?.ok_or(Kind::NotFound)?;
    with_delivery(api, stored).await
}

pub(super) async fn put(
    api: &Api,
    (scope, id): (Scope, Uuid),
    body: PutNotificationRule,
    if_match: Option<Etag>,
    actor: &Actor,
) -> Result<Shown, Problem> {
    let rules = &api.repositories.notification_rules;
    let before = rules.get(scope, id).await?.ok_or(Kind::NotFound)?;
    let RuleDraft { rule, url } = body.checked(Some(&before.rule.channel), api.notifications.sends_mail())?;
    // Whether its address may stay was decided against this version, so the write is meant for this version.
    let meant_for = if_match.unwrap_or(before.etag);
    let put = rules.replace((scope, id), &rule, url, Some(&meant_for), actor).await;
    with_delivery(api, or_current(put, current(api, scope, id)).await?).await
}

pub(super) async fn delete(
    api: &Api,
    (scope, id): (Scope, Uuid),
    if_match: Option<Etag>,
    actor: &Actor,
) -> Result<StatusCode, Problem> {
    let deleted = api.repositories.notification_rules.delete((scope, id), if_match.as_ref(), actor).await;
    or_current(deleted, current(api, scope, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn test(
    api: &Api,
    (scope, id): (Scope, Uuid),
    asked_by: &str,
    actor: &Actor,
) -> Result<Json<NotificationTestView>, Problem> {
    let rules = &api.repositories.notification_rules;
    let stored = rules.get(scope, id).await?.ok_or(Kind::NotFound)?;
    api.messages.admit(scope).map_err(|TooMany { wait_seconds }| {
        let detail = format!("Rules were tested several times here within a minute. Wait {wait_seconds} seconds.");
        Problem::new(Kind::TooManyAttempts).detail(detail).retry_after(wait_seconds)
    })?;
    let error = api.notifications.test(&stored, asked_by).await.err().map(|failure| failure.message);
    let details = json!({ "delivered": error.is_none(), "error": error });
    let audit = AuditDraft::new(scope, actor, "NotificationRule.Test", id.to_string(), details);
    api.repositories.audit.record(audit).await?;
    rules.note(&stored, error.as_deref()).await?;
    Ok(Json(NotificationTestView { delivered: error.is_none(), error, tested_at: api.clock.now() }))
}

async fn with_delivery(api: &Api, stored: StoredRule) -> Result<Shown, Problem> {
    let (rules, notices) = (&api.repositories.notification_rules, &api.repositories.notices);
    let (delivery, untold) = futures::try_join!(rules.delivery(stored.scope, stored.id), notices.untold(stored.id))?;
    Ok(shown(stored, delivery, untold))
}

/// The rule as it is now, and its version.
async fn current(api: &Api, scope: Scope, id: Uuid) -> Result<Option<(NotificationRuleView, Etag)>, Problem> {
    let Some(stored) = api.repositories.notification_rules.get(scope, id).await? else { return Ok(None) };
    let etag = stored.etag.clone();
    let (_, Json(view)) = with_delivery(api, stored).await?;
    Ok(Some((view, etag)))
}
