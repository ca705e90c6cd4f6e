//! What a message says. Words of others (names, error messages) are one line each, cut, and free of what moves a cursor or
//! reorders a text.

use chrono::{DateTime, Utc};
use msp_domain::{ExecutionStatus, Scope, naming::is_showable};
use msp_storage::repositories::{
    executions::Execution,
    notifications::{Notice, StoredRule},
};
use url::form_urlencoded;

/// Longest error message that is told, in characters; the execution has the rest.
const MAX_ERROR_CHARS: usize = 500;
/// Longest of the other words of others.
const MAX_NAME_CHARS: usize = 200;

/// A message, as every channel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The whole of it in one line.
    pub(crate) title: String,
    /// What is known, each with what it is called.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// How many more there are.
    pub(crate) more: Option<String>,
    /// Where to look, each with what it is called.
    pub(crate) links: Vec<(&'static str, String)>,
}

impl Message {
    /// Of failures: `execution` is the first of them, if it is still there; `organization` is the name of theirs.
    pub(crate) fn of(
        notice: &Notice,
        execution: Option<&Execution>,
        organization: Option<&str>,
        base: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let workflow = shown(&notice.workflow, MAX_NAME_CHARS);
        let place = organization.map(|name| shown(name, MAX_NAME_CHARS));
        let ended = execution.map_or("failed", |execution| verb(execution.status));
        let title = match &place {
            Some(name) => format!("{workflow} {ended} for {name}"),
            None => format!("{workflow} {ended}"),
        };
        let mut facts = vec![("Workflow", workflow)];
        facts.extend(place.map(|name| ("Organization", name)));
        if let Some(execution) = execution {
            facts.extend(execution.form_name.as_deref().map(|name| ("Form", shown(name, MAX_NAME_CHARS))));
            facts.push(("Run by", shown(&execution.executed_by_name, MAX_NAME_CHARS)));
        }
        facts.push(("Ended", notice.since.format("%Y-%m-%d %H:%M:%S UTC").to_string()));
        facts.push(("Error", shown(&notice.error_type, MAX_NAME_CHARS)));
        let error = execution.and_then(|execution| execution.error_message.as_deref());
        facts.extend(error.map(|error| ("Message", shown(error, MAX_ERROR_CHARS))));
        let area = area(base, notice.scope);
        let mut links = Vec::new();
        if execution.is_some() {
            links.push(("Open the execution", format!("{area}/{}", notice.first)));
        }
        let others = notice.untold.saturating_sub(1);
        let more = (others > 0).then(|| {
            let kind = if notice.is_mixed { "more of several kinds" } else { "more" };
            format!("and {others} {kind} since {}", since(notice.since, now))
        });
        if more.is_some() || execution.is_none() {
            links.push(("Show all of them", history(base, &area, notice, execution)));
        }
        Self { title, facts, more, links }
    }

    /// That a rule works.
    pub(crate) fn test(stored: &StoredRule, asked_by: &str, base: &str, now: DateTime<Utc>) -> Self {
        let rule = shown(&stored.rule.name, MAX_NAME_CHARS);
        Self {
            title: format!("A test of the notifications of {rule}"),
            facts: vec![
                ("Rule", rule),
                ("Sent by", shown(asked_by, MAX_NAME_CHARS)),
                ("At", now.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
            ],
            more: Some("Nothing failed: messages about failures look like this one.".to_owned()),
            links: vec![("Open the history", area(base, stored.scope))],
        }
    }
}

fn verb(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::TimedOut => "ran out of time",
        ExecutionStatus::Interrupted => "was interrupted",
        ExecutionStatus::Cancelled => "was cancelled",
        _ => "failed",
    }
}

/// The executions of a scope, as the client addresses them; what ran without an organization is among all of them.
fn area(base: &str, scope: Scope) -> String {
    let place = scope.org().map_or_else(|| "all".to_owned(), |org| org.key());
    format!("{base}/o/{place}/executions")
}

fn history(base: &str, area: &str, notice: &Notice, execution: Option<&Execution>) -> String {
    if notice.is_mixed {
        // Perhaps of several organizations.
        return format!("{base}/o/all/executions");
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("workflow", &notice.workflow);
    if let Some(execution) = execution {
        query.append_pair("status", execution.status.name());
    }
    format!("{area}?{}", query.finish())
}

fn since(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if at.date_naive() == now.date_naive() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.format(format).to_string()
}

/// Words of others in one line.
fn shown(text: &str, max: usize) -> String {
    let plain: String = text.chars().map(|c| if is_showable(c) { c } else { ' ' }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    line.chars().take(max).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_one_line_that_reads_as_it_is_written() {
        assert_eq!(shown(" a\r\nBcc: b@c.de\u{202e}\u{1b}[2J  c ", 100), "a Bcc: b@c.de [2J c");
        let long = shown(&"ä".repeat(600), MAX_ERROR_CHARS);
        assert_eq!((long.chars().count(), long.ends_with('…')), (501, true));
    }

    #[test]
    fn the_day_is_named_when_it_is_another_one() {
        let at: DateTime<Utc> = "2026-07-01T23:50:00Z".parse().expect("an instant");
        assert_eq!(since(at, at), "23:50 UTC");
        assert_eq!(since(at, at + chrono::TimeDelta::hours(1)), "2026-07-01 23:50 UTC");
    }
}
