//! Texts without the backslashes that escapes add. Encoders differ in what they escape (`"`, `'` and `/`), and text
//! within text is escaped several times over: looked at without them, a secret is the same in all of these.

use std::ops::Range;

/// A text without the backslashes in front of quotes and slashes, and with one where several stand before anything else.
pub(super) struct Plain {
    /// The text.
    pub text: String,
    /// Where each of its bytes, and its end, is in the original.
    origins: Vec<usize>,
}

impl Plain {
    /// `None` for a text without backslashes: it is plain as it is.
    pub fn of(original: &str) -> Option<Self> {
        original.contains('\\').then(|| {
            let mut plain = Self { text: String::with_capacity(original.len()), origins: Vec::new() };
            let mut run: Option<usize> = None;
            for (at, c) in original.char_indices() {
                if c == '\\' {
                    run.get_or_insert(at);
                    continue;
                }
                match run.take() {
                    Some(start) if matches!(c, '"' | '\'' | '/') => plain.push(c, start),
                    Some(start) => {
                        plain.push('\\', start);
                        plain.push(c, at);
                    }
                    None => plain.push(c, at),
                }
            }
            plain.origins.push(run.unwrap_or(original.len()));
            plain
        })
    }

    fn push(&mut self, c: char, origin: usize) {
        self.text.push(c);
        self.origins.extend(std::iter::repeat_n(origin, c.len_utf8()));
    }

    /// A part of the plain text in the original.
    pub fn origin(&self, part: Range<usize>) -> Range<usize> {
        self.origins[part.start]..self.origins[part.end]
    }
}

/// A pattern to look for in plain texts. What follows its last backslashes is not known, so they do not count.
pub(super) fn of_pattern(pattern: &str) -> String {
    Plain::of(pattern).map_or_else(|| pattern.to_owned(), |plain| plain.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_any_depth_look_alike_and_lead_back_to_where_they_stood() {
        for original in [r#"a "b" c\n/"#, r#"a \"b\" c\\n\/"#, r#"a \\\"b\\\" c\\\\n\\\/"#] {
            let plain = Plain::of(original).expect("it has backslashes");
            assert_eq!(plain.text, r#"a "b" c\n/"#);
            assert_eq!(&original[plain.origin(3..4)], "b");
            assert!(original[plain.origin(2..5)].ends_with('"'));
        }
        assert!(Plain::of("no backslash").is_none());
        assert_eq!(of_pattern("ends with\\\\"), "ends with");
    }
}
