//! What a caller wants a rule to say, checked.

use super::view::ChannelKind;
use crate::http::{Problem, ProblemKind as Kind};
use msp_domain::{
    ExecutionStatus, FieldFault, NotificationRule, naming,
    notification::{Channel, DEFAULT_QUIET_MINUTES, DEFAULT_STATUSES, MAX_RECIPIENTS, QUIET_MINUTES, TELLABLE},
};
use msp_integrations::Webhook;
use msp_storage::SecretValue;
use serde::Deserialize;

/// A rule to be stored.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Service desk", "channel": "webhook", "quiet_minutes": 15,
    "url": "https://prod-12.westeurope.logic.azure.com/workflows/a1/triggers/manual/paths/invoke?sig=written-once"
}))]
pub struct PutNotificationRule {
    /// What people call it: 1 to 200 characters in one line.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whether it tells anything. Switched off, what waited to be told is dropped.
    #[serde(default = "enabled_by_default")]
    enabled: bool,
    /// The only workflow it is about; left out: every one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    workflow: Option<String>,
    /// The endings it is about: `Failed`, `TimedOut`, `Interrupted`, `Cancelled`; left out: the first three.
    #[serde(default = "default_statuses")]
    #[schema(min_items = 1)]
    statuses: Vec<ExecutionStatus>,
    /// Minutes for which further failures of the same kind are gathered after a message, 1 to 1440.
    #[serde(default = "default_quiet_minutes")]
    #[schema(minimum = 1, maximum = 1440, default = 15)]
    quiet_minutes: u32,
    /// By what its messages go.
    channel: ChannelKind,
    /// The address a `webhook` posts to, `https`. It is kept as a secret and never answered; left out, a stored one stays.
    #[serde(default)]
    #[schema(write_only, max_length = 2000)]
    url: Option<String>,
    /// The addresses that receive an `email`, 1 to 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    recipients: Vec<String>,
}

fn enabled_by_default() -> bool {
    true
}

fn default_statuses() -> Vec<ExecutionStatus> {
    DEFAULT_STATUSES.to_vec()
}

fn default_quiet_minutes() -> u32 {
    DEFAULT_QUIET_MINUTES
}

/// What is to be stored.
pub(super) struct RuleDraft {
    pub(super) rule: NotificationRule,
    /// The address it posts to; `None`: the stored one stays, if it posts.
    pub(super) url: Option<SecretValue>,
}

impl PutNotificationRule {
    /// Checks everything at once. `before` is the channel that is stored.
    pub(super) fn checked(self, before: Option<&Channel>, may_mail: bool) -> Result<RuleDraft, Problem> {
        let mut faults = Vec::new();
        let name = taken(naming::name(&self.name), "name", &mut faults);
        let workflow = self.workflow.as_deref().map(|name| taken(naming::name(name), "workflow", &mut faults));
        let statuses: Vec<_> = TELLABLE.into_iter().filter(|status| self.statuses.contains(status)).collect();
        if statuses.is_empty() || self.statuses.iter().any(|status| !TELLABLE.contains(status)) {
            let tellable = TELLABLE.map(|status| format!("`{status}`")).join(", ");
            faults.push(FieldFault::at("statuses", format!("expected one or more of {tellable}")));
        }
        if !QUIET_MINUTES.contains(&self.quiet_minutes) {
            let (least, most) = (QUIET_MINUTES.start(), QUIET_MINUTES.end());
            faults.push(FieldFault::at("quiet_minutes", format!("expected a number from {least} to {most}")));
        }
        let (channel, url) = match self.channel {
            ChannelKind::Webhook => posting(self.url.as_deref(), &self.recipients, before, &mut faults),
            ChannelKind::Email => (mailing(&self.recipients, self.url.as_deref(), &mut faults), None),
        };
        if !faults.is_empty() {
            return Err(Problem::new(Kind::BodyInvalid).errors(faults));
        }
        if self.channel == ChannelKind::Email && !may_mail {
            return Err(Problem::new(Kind::EmailNotConfigured).detail(
                "This server has no mail server to send by. Its operator sets `MSP_SMTP_URL` and `MSP_SMTP_FROM`; a \
                 `webhook` needs neither.",
            ));
        }
        let (enabled, quiet_minutes) = (self.enabled, self.quiet_minutes);
        Ok(RuleDraft { rule: NotificationRule { name, enabled, workflow, statuses, quiet_minutes, channel }, url })
    }
}

fn taken(checked: Result<&str, String>, field: &str, faults: &mut Vec<FieldFault>) -> String {
    checked.map(str::to_owned).unwrap_or_else(|fault| {
        faults.push(FieldFault::at(field, fault));
        String::new()
    })
}

fn posting(
    url: Option<&str>,
    recipients: &[String],
    before: Option<&Channel>,
    faults: &mut Vec<FieldFault>,
) -> (Channel, Option<SecretValue>) {
    if !recipients.is_empty() {
        faults.push(FieldFault::at("recipients", "a `webhook` has a `url` and no recipients"));
    }
    let (host, secret) = match (url.map(Webhook::parse), before) {
        (Some(Ok(webhook)), _) => (webhook.host(), Some(webhook.secret())),
        (None, Some(Channel::Webhook { host })) => (host.clone(), None),
        (Some(Err(fault)), _) => {
            faults.push(FieldFault::at("url", fault));
            (String::new(), None)
        }
        (None, _) => {
            faults.push(FieldFault::at("url", "expected the address to post to, such as Teams shows it"));
            (String::new(), None)
        }
    };
    (Channel::Webhook { host }, secret)
}

fn mailing(recipients: &[String], url: Option<&str>, faults: &mut Vec<FieldFault>) -> Channel {
    if url.is_some() {
        faults.push(FieldFault::at("url", "an `email` has `recipients` and no address to post to"));
    }
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        faults.push(FieldFault::at("recipients", format!("expected 1 to {MAX_RECIPIENTS} addresses")));
        return Channel::Email { recipients: Vec::new() };
    }
    let mut known: Vec<String> = Vec::new();
    for (index, recipient) in recipients.iter().enumerate() {
        match naming::email(recipient) {
            Ok(recipient) if known.iter().any(|known| known.eq_ignore_ascii_case(recipient)) => {}
            Ok(recipient) => known.push(recipient.to_owned()),
            Err(detail) => faults.push(FieldFault { pointer: format!("#/recipients/{index}"), detail }),
        }
    }
    Channel::Email { recipients: known }
}
