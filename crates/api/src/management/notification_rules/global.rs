//! Rules about the failures of every organization, and of what runs without one. Only administrators and auditors see them.

use super::{
    draft::PutNotificationRule,
    shared::{self, Created, RulePath},
    view::{NotificationRuleView, NotificationTestView, Shown},
};
use crate::{
    http::{
        Problem,
        access::{AdminAccess, ReviewAccess},
        etag::IfMatch,
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use msp_domain::Scope;

/// List the rules by which failures everywhere are told.
#[utoipa::path(
    get, path = "/api/global/notification-rules", operation_id = "listGlobalNotificationRules",
    tag = "notifications",
    responses((status = 200, body = PageOf<NotificationRuleView>, description = "Every rule, by name.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_global_notification_rules(
    State(api): State<Api>,
    _: ReviewAccess,
    _: NoQuery,
) -> Result<Json<PageOf<NotificationRuleView>>, Problem> {
    shared::list(&api, Scope::Global).await
}

/// Have failures of every organization told, and those of what runs without one.
///
/// The first failure of a workflow, organization and error type is told at once; further ones within `quiet_minutes` are
/// counted and told in one later message. Messages link to the execution; parameters and results are never in them. There
/// may be 20 rules here.
///
/// Problems: `body-invalid` (422), `email-not-configured` (409), `limit-exceeded` (422).
#[utoipa::path(
    post, path = "/api/global/notification-rules", operation_id = "createGlobalNotificationRule",
    tag = "notifications",
    request_body = PutNotificationRule,
    responses((status = 201, body = NotificationRuleView, description = "The new rule.",
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn create_global_notification_rule(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    _: NoQuery,
    ApiJson(body): ApiJson<PutNotificationRule>,
) -> Result<Created, Problem> {
    shared::create(&api, Scope::Global, body, &asking.actor).await
}

/// Read a rule of everybody, and how telling went.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/global/notification-rules/{id}", operation_id = "getGlobalNotificationRule",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The rule.")),
    responses((status = 200, body = NotificationRuleView, description = "The rule.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_global_notification_rule(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    shared::get(&api, Scope::Global, id).await
}

/// Replace a rule of everybody.
///
/// What is left out is as for a new rule, but for `url`: the address it posts to stays. A refusal for a stale version carries
/// what is there as `current`.
///
/// Problems: `not-found` (404), `body-invalid` (422), `email-not-configured` (409), `stale-version` (412),
/// `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    put, path = "/api/global/notification-rules/{id}", operation_id = "putGlobalNotificationRule",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The rule."),
        ("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = PutNotificationRule,
    responses((status = 200, body = NotificationRuleView, description = "The rule as it is now.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn put_global_notification_rule(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(body): ApiJson<PutNotificationRule>,
) -> Result<Shown, Problem> {
    shared::put(&api, (Scope::Global, id), body, if_match, &asking.actor).await
}

/// Delete a rule of everybody, its address, and what waited to be told by it.
///
/// Problems: `not-found` (404), `stale-version` (412), `path-invalid` (400), `header-invalid` (400).
#[utoipa::path(
    delete, path = "/api/global/notification-rules/{id}", operation_id = "deleteGlobalNotificationRule",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The rule."),
        ("If-Match" = Option<String>, Header, description = "The version that is meant.")),
    responses((status = 204, description = "Deleted.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn delete_global_notification_rule(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    shared::delete(&api, (Scope::Global, id), if_match, &asking.actor).await
}

/// Send a test message by a rule of everybody, now, also while it is switched off.
///
/// A message that is not taken is no problem of this request: the answer says what is wrong and what to do. At most 6 by
/// these rules within a minute.
///
/// Problems: `not-found` (404), `path-invalid` (400), `too-many-attempts` (429).
#[utoipa::path(
    post, path = "/api/global/notification-rules/{id}/test", operation_id = "testGlobalNotificationRule",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The rule.")),
    responses((status = 200, body = NotificationTestView, description = "What came of it.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn test_global_notification_rule(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(RulePath { id }): ApiPath<RulePath>,
    _: NoQuery,
) -> Result<Json<NotificationTestView>, Problem> {
    shared::test(&api, (Scope::Global, id), &asking.caller.display_name, &asking.actor).await
}
