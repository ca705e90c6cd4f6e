//! Rules by which somebody is told that executions failed.

use crate::ExecutionStatus;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Most addresses one rule writes to: whoever needs more has a distribution list.
pub const MAX_RECIPIENTS: usize = 20;
/// Minutes for which equal failures are gathered, at least and at most: a day later nobody remembers the first one.
pub const QUIET_MINUTES: RangeInclusive<u32> = 1..=24 * 60;
/// The same where a rule says nothing.
pub const DEFAULT_QUIET_MINUTES: u32 = 15;
/// The endings a rule can be about.
pub const TELLABLE: [ExecutionStatus; 4] =
    [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Interrupted, ExecutionStatus::Cancelled];
/// The endings a rule is about where it says nothing: whoever cancels a run knows it.
pub const DEFAULT_STATUSES: [ExecutionStatus; 3] =
    [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Interrupted];

/// By what a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Channel {
    /// A POST to an address, which is kept as a secret: whoever knows it can post there.
    Webhook {
        /// The host of the address, all of it that is ever shown.
        host: String,
    },
    /// E-mail.
    Email {
        /// Who receives it.
        recipients: Vec<String>,
    },
}

/// Who is told of which failures, and how. The values are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRule {
    /// What people call it.
    pub name: String,
    /// Switched off, it tells nothing, and what waited is dropped.
    pub enabled: bool,
    /// The only workflow it is about; `None`: every one.
    pub workflow: Option<String>,
    /// The endings it is about.
    pub statuses: Vec<ExecutionStatus>,
    /// For how long further failures of the same kind are gathered after a message.
    pub quiet_minutes: u32,
    /// By what its messages go.
    #[serde(flatten)]
    pub channel: Channel,
}

impl NotificationRule {
    /// Whether this end of a run of this workflow is to be told.
    pub fn wants(&self, workflow: &str, status: ExecutionStatus) -> bool {
        self.enabled && self.statuses.contains(&status) && self.workflow.as_deref().is_none_or(|only| only == workflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_wants_the_endings_of_its_workflow_while_it_is_on() {
        let rule = NotificationRule {
            name: "Service desk".to_owned(),
            enabled: true,
            workflow: Some("onboard".to_owned()),
            statuses: DEFAULT_STATUSES.to_vec(),
            quiet_minutes: DEFAULT_QUIET_MINUTES,
            channel: Channel::Webhook { host: "example.webhook.office.com".to_owned() },
        };
        assert!(rule.wants("onboard", ExecutionStatus::Interrupted));
        for (workflow, status) in [
            ("onboard", ExecutionStatus::Cancelled),
            ("onboard", ExecutionStatus::Success),
            ("onboard2", ExecutionStatus::Failed),
        ] {
            assert!(!rule.wants(workflow, status), "{workflow} {status}");
        }
        assert!(NotificationRule { workflow: None, ..rule.clone() }.wants("offboard", ExecutionStatus::TimedOut));
        assert!(!NotificationRule { enabled: false, ..rule }.wants("onboard", ExecutionStatus::Failed));
    }

    #[test]
    fn a_rule_reads_back_as_it_is_written() {
        let text = r#"{"name":"n","enabled":true,"workflow":null,"statuses":["TimedOut"],"quiet_minutes":5,
            "channel":"email","recipients":["ada@example.com"]}"#;
        let rule: NotificationRule = serde_json::from_str(text).expect("a rule");
        assert_eq!(rule.channel, Channel::Email { recipients: vec!["ada@example.com".to_owned()] });
        let again = serde_json::to_string(&rule).expect("JSON");
        assert_eq!(serde_json::from_str::<NotificationRule>(&again).expect("a rule"), rule);
    }
}
