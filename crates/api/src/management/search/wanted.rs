//! What is looked for, and how well something fits.

use crate::http::{Problem, ProblemKind as Kind};

/// Longest text to search for, in characters: a pasted id or a long name.
pub(super) const MAX_TEXT: usize = 100;

/// How well something fits; what fits better comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Its name begins with the whole text.
    Beginning,
    /// Each word begins a word of its name.
    Words,
    /// Each word stands somewhere in its name.
    Inside,
    /// Each word stands somewhere in its name or in what is said about it.
    About,
}

/// The text, letter case ignored.
pub(super) struct Wanted {
    whole: String,
    words: Vec<String>,
}

impl Wanted {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let refused = |fault: String| Problem::new(Kind::QueryInvalid).detail(format!("`q`: {fault}."));
        if text.chars().count() > MAX_TEXT {
            return Err(refused(format!("at most {MAX_TEXT} characters")));
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return Err(refused("expected a text to search for".to_owned()));
        }
        Ok(Self { whole: words.join(" "), words })
    }

    /// The text with single spaces.
    pub(super) fn text(&self) -> &str {
        &self.whole
    }

    /// How well a thing of this name fits; `None` if it does not.
    pub(super) fn fits(&self, name: &str, about: &str) -> Option<Fit> {
        let name = name.to_lowercase();
        if name.starts_with(&self.whole) {
            return Some(Fit::Beginning);
        }
        if self.words.iter().all(|word| name.contains(word)) {
            let begins = |word: &String| words_of(&name).any(|of_name| of_name.starts_with(word.as_str()));
            return Some(if self.words.iter().all(begins) { Fit::Words } else { Fit::Inside });
        }
        let about = about.to_lowercase();
        self.words.iter().all(|word| name.contains(word) || about.contains(word)).then_some(Fit::About)
    }
}

/// Names of workflows have their words between underscores, addresses theirs between dots.
fn words_of(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_with_the_text_fits_best_and_what_is_said_about_it_least() {
        for (text, name, about, fit) in [
            ("new", "New user", "", Some(Fit::Beginning)),
            ("  NEW   us", "new user", "", Some(Fit::Beginning)),
            ("user new", "New user", "", Some(Fit::Words)),
            ("onb", "user_onboarding", "", Some(Fit::Words)),
            ("ser", "New user", "", Some(Fit::Inside)),
            ("user entra", "New user", "In Entra ID", Some(Fit::About)),
            ("entra gone", "New user", "In Entra ID", None),
            ("É", "élan", "", Some(Fit::Beginning)),
        ] {
            assert_eq!(Wanted::parse(text).expect("a text").fits(name, about), fit, "{text} in {name}");
        }
        assert!(Wanted::parse("  ").is_err() && Wanted::parse(&"x".repeat(101)).is_err());
    }
}
