//! Labels of an organization: tiers, regions, whatever groups clients.

use crate::naming::is_showable;
use serde::Serialize;
use std::collections::BTreeSet;

/// Most labels of one organization: more would group nothing.
pub const MAX_TAGS: usize = 20;
/// Longest label, in characters: it stands beside others in one line.
pub const MAX_TAG_CHARS: usize = 50;

/// Labels in lower case, each once, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tags(BTreeSet<String>);

/// What is wrong with labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFault {
    /// Which label, counted from zero; `None`: all of them together.
    pub index: Option<usize>,
    /// What was expected.
    pub detail: String,
}

impl Tags {
    /// Labels as somebody wrote them.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Vec<TagFault>> {
        let (mut tags, mut faults) = (BTreeSet::new(), Vec::new());
        for (index, text) in texts.into_iter().enumerate() {
            match tag(text.as_ref()) {
                Ok(tag) => {
                    tags.insert(tag);
                }
                Err(detail) => faults.push(TagFault { index: Some(index), detail }),
            }
        }
        if tags.len() > MAX_TAGS {
            let detail = format!("expected at most {MAX_TAGS} different tags, not {}", tags.len());
            faults.push(TagFault { index: None, detail });
        }
        if faults.is_empty() { Ok(Self(tags)) } else { Err(faults) }
    }

    /// The labels, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among them.
    pub fn contain(&self, wanted: &Self) -> bool {
        wanted.0.is_subset(&self.0)
    }
}

/// Commas and semicolons separate labels wherever they are written into one text.
fn tag(text: &str) -> Result<String, String> {
    let tag = text.trim().to_lowercase();
    let legal = |c: char| is_showable(c) && !matches!(c, ',' | ';');
    if (1..=MAX_TAG_CHARS).contains(&tag.chars().count()) && tag.chars().all(legal) {
        return Ok(tag);
    }
    Err(format!("expected 1 to {MAX_TAG_CHARS} characters in one line, without `,` and `;`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lower_case_once_and_in_order() {
        let tags = Tags::parse([" Gold ", "EU", "gold", "tier 1"]).expect("valid");
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["eu", "gold", "tier 1"]);
        assert!(tags.contain(&Tags::parse(["GOLD"]).expect("valid")));
        assert!(!tags.contain(&Tags::parse(["gold", "silver"]).expect("valid")));
        assert!(tags.contain(&Tags::default()));
    }

    #[test]
    fn every_wrong_label_is_named_and_too_many_are_refused() {
        let long = "x".repeat(MAX_TAG_CHARS + 1);
        let faults = Tags::parse(["", "fine", "a,b", "a;b", "a\nb", "a\u{202e}b", &long]).expect_err("wrong");
        assert_eq!(faults.iter().map(|fault| fault.index).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6].map(Some));
        let many = (0..=MAX_TAGS).map(|number| format!("tag {number}"));
        let faults = Tags::parse(many).expect_err("too many");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].index, None);
        assert!(Tags::parse((0..500).map(|_| "same")).is_ok());
    }
}
