//! Rules about the failures of one organization.

use super::{
    draft::PutNotificationRule,
    shared::{self, Created, RulePath},
    view::{NotificationRuleView, NotificationTestView, Shown},
};
use crate::{
    http::{
        Problem,
        access::{OrgAccess, OrgReading, permission_required},
        etag::IfMatch,
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
        rights::ManageConfig,
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use msp_domain::{OrgId, Permission, Scope};

/// List the rules by which failures of an organization are told.
///
/// Rules of everybody hold as well; only administrators and auditors see those.
#[utoipa::path(
    get, path = "/api/organizations/{org}/notification-rules", operation_id = "listNotificationRules",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization.")),
    responses((status = 200, body = PageOf<NotificationRuleView>, description = "Every rule, by name.")),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn list_notification_rules(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    _: NoQuery,
) -> Result<Json<PageOf<NotificationRuleView>>, Problem> {
    shared::list(&api, Scope::Org(access.org)).await
}

/// Refuses whoever may not read others' runs: a rule tells of them.
async fn sees_what_is_told(api: &Api, access: &OrgAccess<ManageConfig>) -> Result<(), Problem> {
    if access.access.permissions().view_history {
        return Ok(());
    }
    Err(permission_required(api, &access.actor, Some(access.org), Permission::ViewHistory).await)
}

/// Have failures of an organization told.
///
/// Whoever makes a rule must hold both rights: it tells of the runs of others, and goes on when those rights end.
///
/// The first failure of a workflow, organization and error type is told at once; further ones within `quiet_minutes` are
/// counted and told in one later message. Messages link to the execution; parameters and results are never in them. There
/// may be 20 rules here.
///
/// Problems: `body-invalid` (422), `email-not-configured` (409), `limit-exceeded` (422).
#[utoipa::path(
    post, path = "/api/organizations/{org}/notification-rules", operation_id = "createNotificationRule",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization.")),
    request_body = PutNotificationRule,
    responses((status = 201, body = NotificationRuleView, description = "The new rule.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("manage_config and view_history")))
)]
pub async fn create_notification_rule(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    _: NoQuery,
    ApiJson(body): ApiJson<PutNotificationRule>,
) -> Result<Created, Problem> {
    sees_what_is_told(&api, &access).await?;
    shared::create(&api, Scope::Org(access.org), body, &access.actor).await
}

/// Read a rule of an organization, and how telling went.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/organizations/{org}/notification-rules/{id}", operation_id = "getNotificationRule",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization."),
        ("id" = Uuid, Path, description = "The rule.")),
    responses((status = 200, body = NotificationRuleView, description = "The rule.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_config, or auditor")))
)]
pub async fn get_notification_rule(
    State(api): State<Api>,
    access: OrgReading<ManageConfig>,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    shared::get(&api, Scope::Org(access.org), id).await
}

/// Replace a rule of an organization. As for a new one, it takes both rights.
///
/// What is left out is as for a new rule, but for `url`: the address it posts to stays. A refusal for a stale version carries
/// what is there as `current`.
///
/// Problems: `not-found` (404), `body-invalid` (422), `email-not-configured` (409), `stale-version` (412),
/// `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/organizations/{org}/notification-rules/{id}", operation_id = "putNotificationRule",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization."),
        ("id" = Uuid, Path, description = "The rule."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = PutNotificationRule,
    responses((status = 200, body = NotificationRuleView, description = "The rule as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("manage_config and view_history")))
)]
pub async fn put_notification_rule(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<PutNotificationRule>,
) -> Result<Shown, Problem> {
    sees_what_is_told(&api, &access).await?;
    shared::put(&api, (Scope::Org(access.org), id), body, if_match, &access.actor).await
}

/// Delete a rule of an organization, its address, and what waited to be told by it.
///
/// Problems: `not-found` (404), `stale-version` (412), `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/organizations/{org}/notification-rules/{id}", operation_id = "deleteNotificationRule",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization."),
        ("id" = Uuid, Path, description = "The rule."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Deleted.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn delete_notification_rule(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    shared::delete(&api, (Scope::Org(access.org), id), if_match, &access.actor).await
}

/// Send a test message by a rule of an organization, now, also while it is switched off.
///
/// A message that is not taken is no problem of this request: the answer says what is wrong and what to do. At most 6 by
/// the rules of one organization within a minute.
///
/// Problems: `not-found` (404), `path-invalid` (400), `too-many-attempts` (429).
#[utoipa::path(
    post, path = "/api/organizations/{org}/notification-rules/{id}/test", operation_id = "testNotificationRule",
    tag = "notifications",
    params(("org" = OrgId, Path, description = "The organization."),
        ("id" = Uuid, Path, description = "The rule.")),
    responses((status = 200, body = NotificationTestView, description = "What came of it.")),
    extensions(("x-permission" = json!("manage_config")))
)]
pub async fn test_notification_rule(
    State(api): State<Api>,
    access: OrgAccess<ManageConfig>,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    _: NoQuery,
) -> Result<Json<NotificationTestView>, Problem> {
    let name = &access.access.caller().display_name;
    shared::test(&api, (Scope::Org(access.org), id), name, &access.actor).await
}
