//! A rule as it is answered. Of the address it posts to only the host is ever shown.

use crate::http::etag::etag_header;
use axum::{
    Json,
    http::{HeaderName, HeaderValue},
};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionStatus, OrgId, notification::Channel};
use msp_storage::repositories::notifications::{Delivery, StoredRule};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// By what a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A card, posted to an address such as a "Workflows" webhook of Microsoft Teams.
    Webhook,
    /// E-mail.
    Email,
}

/// Who is told of which failures, and how that went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "3b0f8a52-6c1e-4b8e-9a3e-5f3f0f6f1b22", "org_id": "6f1c2a90-3c55-4b0e-8a7e-0b9b6f0f5c01",
    "name": "Service desk", "enabled": true, "workflow": null, "statuses": ["Failed", "TimedOut", "Interrupted"],
    "quiet_minutes": 15, "channel": "webhook", "host": "prod-12.westeurope.logic.azure.com", "recipients": [],
    "created_at": "2026-07-01T08:30:00Z", "updated_at": "2026-07-01T08:30:00Z",
    "updated_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "untold": 0,
    "last_delivered_at": "2026-07-02T10:12:04Z", "last_error": null, "last_failed_at": null
}))]
pub struct NotificationRuleView {
    /// Its id.
    id: Uuid,
    /// Whose failures it is about; `null`: everybody's.
    org_id: Option<OrgId>,
    /// What people call it.
    name: String,
    /// Whether it tells anything.
    enabled: bool,
    /// The only workflow it is about; `null`: every one.
    workflow: Option<String>,
    /// The endings it is about.
    statuses: Vec<ExecutionStatus>,
    /// Minutes for which further failures of the same workflow, organization and error type are gathered into one message.
    quiet_minutes: u32,
    /// By what its messages go.
    channel: ChannelKind,
    /// The host it posts to; the rest of the address is never shown.
    host: Option<String>,
    /// Who receives its e-mail.
    recipients: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last written.
    updated_at: DateTime<Utc>,
    /// By whom: a user id, or `platform`.
    updated_by: String,
    /// Failures that are gathered, or could not be told yet.
    untold: u64,
    /// When a message was last delivered.
    last_delivered_at: Option<DateTime<Utc>>,
    /// Why the latest attempt failed, and what to do; `null`: it did not.
    last_error: Option<String>,
    /// When that was.
    last_failed_at: Option<DateTime<Utc>>,
}

impl NotificationRuleView {
    pub(super) fn new(stored: StoredRule, delivery: Delivery, untold: u64) -> Self {
        let (channel, host, recipients) = match stored.rule.channel {
            Channel::Webhook { host } => (ChannelKind::Webhook, Some(host), Vec::new()),
            Channel::Email { recipients } => (ChannelKind::Email, None, recipients),
        };
        Self {
            id: stored.id,
            org_id: stored.scope.org(),
            name: stored.rule.name,
            enabled: stored.rule.enabled,
            workflow: stored.rule.workflow,
            statuses: stored.rule.statuses,
            quiet_minutes: stored.rule.quiet_minutes,
            channel,
            host,
            recipients,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            updated_by: stored.updated_by,
            untold,
            last_delivered_at: delivery.last_delivered_at,
            last_error: delivery.last_error,
            last_failed_at: delivery.last_failed_at,
        }
    }
}

/// What came of a test message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "delivered": false, "tested_at": "2026-07-01T08:30:00Z",
    "error": "hooks.example.com cannot be reached. Check the address of the rule, and whether the service runs."
}))]
pub struct NotificationTestView {
    /// Whether it was taken.
    pub(super) delivered: bool,
    /// Why it was not, and what to do.
    pub(super) error: Option<String>,
    /// When.
    pub(super) tested_at: DateTime<Utc>,
}

/// A rule and its version.
pub(super) type Shown = ([(HeaderName, HeaderValue); 1], Json<NotificationRuleView>);

pub(super) fn shown(stored: StoredRule, delivery: Delivery, untold: u64) -> Shown {
    (etag_header(&stored.etag), Json(NotificationRuleView::new(stored, delivery, untold)))
}
