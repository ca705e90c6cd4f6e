//! Which workflows a right to run them is about.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most categories one grant may name: a workspace has dozens.
pub const MAX_CATEGORIES: usize = 50;
/// Longest name of a category, in characters.
pub const MAX_CATEGORY_CHARS: usize = 100;

/// The categories of workflows that may be run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<String>>", into = "Option<BTreeSet<String>>")]
pub enum Categories {
    /// Whatever there is, also what has no category.
    #[default]
    Every,
    /// Workflows of these categories. One without a category is in none of them.
    Only(BTreeSet<String>),
}

impl Categories {
    /// Of no workflow at all.
    pub const NONE: Self = Self::Only(BTreeSet::new());

    /// Reads what a person named; blanks around a name do not count.
    ///
    /// # Errors
    /// A phrase that says what was expected.
    pub fn only(names: &[String]) -> Result<Self, String> {
        if names.is_empty() || names.len() > MAX_CATEGORIES {
            return Err(format!("expected 1 to {MAX_CATEGORIES} categories; leave it out to allow every workflow"));
        }
        let one = |name: &String| {
            let name = name.trim();
            let fits = (1..=MAX_CATEGORY_CHARS).contains(&name.chars().count());
            (fits && name.chars().all(crate::naming::is_showable)).then(|| name.to_owned())
        };
        let only: Option<BTreeSet<String>> = names.iter().map(one).collect();
        only.map(Self::Only).ok_or_else(|| format!("a category has 1 to {MAX_CATEGORY_CHARS} characters in one line"))
    }

    /// Whether a workflow of this category may be run; it is empty for one without.
    pub fn include(&self, category: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Only(names) => names.contains(category),
        }
    }

    /// Whether everything the other allows is allowed here too.
    pub fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Every, _) => true,
            (Self::Only(_), Self::Every) => false,
            (Self::Only(these), Self::Only(those)) => these.is_superset(those),
        }
    }

    /// What either allows.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(mut these), Self::Only(those)) => {
                these.extend(those.iter().cloned());
                Self::Only(these)
            }
            _ => Self::Every,
        }
    }

    /// Their names; `None` for every one.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::Every => None,
            Self::Only(names) => Some(names.iter().cloned().collect()),
        }
    }
}

impl From<Option<BTreeSet<String>>> for Categories {
    fn from(names: Option<BTreeSet<String>>) -> Self {
        names.map_or(Self::Every, Self::Only)
    }
}

impl From<Categories> for Option<BTreeSet<String>> {
    fn from(categories: Categories) -> Self {
        match categories {
            Categories::Every => None,
            Categories::Only(names) => Some(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Categories {
        Categories::only(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("categories")
    }

    #[test]
    fn a_workflow_without_a_category_is_outside_of_every_list() {
        let helpdesk = only(&[" password reset ", "mailbox"]);
        assert!(helpdesk.include("password reset") && helpdesk.include("mailbox"));
        assert!(!helpdesk.include("") && !helpdesk.include("Password Reset") && !helpdesk.include("offboarding"));
        assert!(Categories::Every.include("") && !Categories::NONE.include(""));
    }

    #[test]
    fn a_list_is_named_in_full_and_bounded() {
        for names in [vec![], vec![String::new()], vec!["a\u{202e}b".to_owned()], vec!["x".repeat(101)]] {
            assert!(Categories::only(&names).is_err(), "{names:?}");
        }
        let many: Vec<String> = (0..=MAX_CATEGORIES).map(|number| number.to_string()).collect();
        assert!(Categories::only(&many).is_err());
    }

    #[test]
    fn what_covers_what_and_what_either_allows() {
        let (both, one) = (only(&["a", "b"]), only(&["a"]));
        assert!(both.cover(&one) && !one.cover(&both) && Categories::Every.cover(&both));
        assert!(!both.cover(&Categories::Every) && one.cover(&Categories::NONE));
        assert_eq!(only(&["a"]).or(&only(&["b"])), both);
        assert_eq!(one.or(&Categories::Every), Categories::Every);
    }
}
