//! What an emergency stop holds.

use crate::{OrgId, Scope, config::MAX_NAME_LENGTH, naming::is_showable};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest reason of a pause, in characters: it is read in one glance by whoever is refused.
pub const MAX_REASON_CHARS: usize = 500;

const EVERYTHING: &str = "all";
const ORGANIZATION: &str = "organization:";
const WORKFLOW: &str = "workflow:";

/// What is paused. Written `all`, `organization:{id}` or `workflow:{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PauseTarget {
    /// Whatever runs for anyone.
    Everything,
    /// Whatever runs for one organization.
    Organization(OrgId),
    /// One workflow, for every organization.
    Workflow(String),
}

impl PauseTarget {
    /// Whether it holds a run of this workflow in this scope; `None`: an option generator, which no workflow's pause holds.
    pub fn covers(&self, scope: Scope, workflow: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Organization(org) => scope.org() == Some(*org),
            Self::Workflow(name) => workflow == Some(name),
        }
    }

    /// Where its changes are audited.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Organization(org) => Scope::Org(*org),
            Self::Everything | Self::Workflow(_) => Scope::Global,
        }
    }
}

impl fmt::Display for PauseTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str(EVERYTHING),
            Self::Organization(org) => write!(f, "{ORGANIZATION}{org}"),
            Self::Workflow(name) => write!(f, "{WORKFLOW}{name}"),
        }
    }
}

impl From<PauseTarget> for String {
    fn from(target: PauseTarget) -> Self {
        target.to_string()
    }
}

impl FromStr for PauseTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == EVERYTHING {
            return Ok(Self::Everything);
        }
        if let Some(org) = text.strip_prefix(ORGANIZATION) {
            return org.parse().map(Self::Organization).map_err(|fault| fault.to_string());
        }
        match text.strip_prefix(WORKFLOW) {
            Some(name) if is_workflow_name(name) => Ok(Self::Workflow(name.to_owned())),
            Some(_) => Err("a workflow's name has letters, digits, `_`, `-` and `.`".to_owned()),
            None => Err("expected `all`, `organization:{id}` or `workflow:{name}`".to_owned()),
        }
    }
}

impl TryFrom<String> for PauseTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the SDK takes as a name, which letters of every script may be part of.
fn is_workflow_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The reason of a pause without the blanks around it. Nobody may stop work without saying why.
///
/// # Errors
/// A phrase that says what was expected.
pub fn reason(text: &str) -> Result<&str, String> {
    let reason = text.trim();
    if (1..=MAX_REASON_CHARS).contains(&reason.chars().count()) && reason.chars().all(is_showable) {
        return Ok(reason);
    }
    Err(format!("expected 1 to {MAX_REASON_CHARS} characters in one line: people who are refused read it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_back_as_it_is_written() {
        let org = OrgId::random();
        for text in ["all", &format!("organization:{org}"), "workflow:user_onboarding", "workflow:\u{fc}bersicht.v2"] {
            assert_eq!(text.parse::<PauseTarget>().map(|target| target.to_string()), Ok(text.to_owned()));
        }
        for text in
            ["", "everything", "organization:", "organization:GLOBAL", "workflow:", "workflow:a b", "workflow:a/b"]
        {
            assert!(text.parse::<PauseTarget>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_target_covers_what_it_names_and_nothing_else() {
        let (org, other) = (OrgId::random(), OrgId::random());
        let workflow = PauseTarget::Workflow("rotate".to_owned());
        let cases = [
            (PauseTarget::Everything, Scope::Global, None, true),
            (PauseTarget::Organization(org), Scope::Org(org), None, true),
            (PauseTarget::Organization(org), Scope::Org(other), Some("rotate"), false),
            (PauseTarget::Organization(org), Scope::Global, Some("rotate"), false),
            (workflow.clone(), Scope::Org(other), Some("rotate"), true),
            (workflow.clone(), Scope::Org(org), Some("rotate_all"), false),
            (workflow, Scope::Org(org), None, false),
        ];
        for (target, scope, name, covered) in cases {
            assert_eq!(target.covers(scope, name), covered, "{target} {scope:?} {name:?}");
        }
    }

    #[test]
    fn a_pause_needs_a_reason_that_can_be_shown() {
        assert_eq!(reason("  Licences are assigned twice "), Ok("Licences are assigned twice"));
        for text in ["", "  ", "a\nb", "\u{1b}[2J", "\u{202e}", &"x".repeat(501)] {
            assert!(reason(text).is_err(), "{text:?}");
        }
    }
}
