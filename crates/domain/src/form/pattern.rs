//! The regular expressions of forms: the part of their language that cannot be misread.
//!
//! What passes here means the same to this program's linear-time engine and to the browser's, which follows the same
//! grammar step by step. Whatever other engines read in different ways is refused: flags, named groups, look-around,
//! back-references, classes in classes, braces and brackets without a backslash, and escapes of letters with a second meaning.
//!
//! ```text
//! alternatives = sequence ("|" sequence)*          sequence = piece*
//! piece        = "^" | "$" | "\b" | "\B" | atom quantifier?
//! atom         = character | "." | class | escape | "(" alternatives ")" | "(?:" alternatives ")"
//! quantifier   = ("*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}") "?"?
//! ```

use regex_lite::{Regex, RegexBuilder};

/// Longest pattern, in characters.
const MAX_CHARS: usize = 500;
/// Most steps of a pattern once its repetitions are written out: what a check may cost per character.
const MAX_STEPS: usize = 2000;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 20;
/// What the engine counts as nesting: a group may hold alternatives, a sequence and a repetition.
const ENGINE_NESTING: u32 = 10 * MAX_DEPTH as u32;
/// Largest number of a counted repetition.
const MAX_COUNT: usize = 1000;

/// Compiles a pattern.
///
/// # Errors
/// A sentence that says what cannot be used and what to write instead.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let text: Vec<char> = pattern.chars().collect();
    if text.len() > MAX_CHARS {
        return Err(format!("a pattern has at most {MAX_CHARS} characters"));
    }
    let mut parser = Parser { text: &text, at: 0 };
    let steps = parser.alternatives(0)?;
    if parser.at < text.len() {
        return Err("`)` closes no group; write `\\)` for the character".to_owned());
    }
    if steps > MAX_STEPS {
        return Err("the repetitions of this pattern are too large".to_owned());
    }
    let built = RegexBuilder::new(pattern).nest_limit(ENGINE_NESTING).build();
    built.map_err(|fault| format!("this is not a regular expression: {fault}"))
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
}

/// What an escape stands for.
enum Escape {
    Character(char),
    Class,
    Boundary,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    /// Every function answers how many steps its part takes.
    fn alternatives(&mut self, depth: usize) -> Result<usize, String> {
        if depth > MAX_DEPTH {
            return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
        }
        let mut steps = 1usize;
        loop {
            match self.peek() {
                None | Some(')') => return Ok(steps),
                Some('|') => {
                    self.at += 1;
                    steps = steps.saturating_add(1);
                }
                Some(_) => steps = steps.saturating_add(self.piece(depth)?),
            }
        }
    }

    fn piece(&mut self, depth: usize) -> Result<usize, String> {
        let steps = match self.next().unwrap_or_default() {
            '^' | '$' => return self.no_quantifier(),
            '\\' => match self.escape()? {
                Escape::Boundary => return self.no_quantifier(),
                Escape::Character(_) | Escape::Class => 1,
            },
            '(' => self.group(depth)?,
            '[' => self.class()?,
            quantifier @ ('*' | '+' | '?' | '{') => {
                return Err(format!("`{quantifier}` repeats nothing; write `\\{quantifier}` for the character"));
            }
            bracket @ (']' | '}') => return Err(format!("write `\\{bracket}` for the character `{bracket}`")),
            _ => 1,
        };
        self.quantified(steps)
    }

    fn no_quantifier(&self) -> Result<usize, String> {
        match self.peek() {
            Some('*' | '+' | '?' | '{') => Err("a position such as `^` or `\\b` cannot be repeated".to_owned()),
            _ => Ok(1),
        }
    }

    fn quantified(&mut self, steps: usize) -> Result<usize, String> {
        let times = match self.peek() {
            Some('*' | '+' | '?') => {
                self.at += 1;
                1
            }
            Some('{') => {
                self.at += 1;
                self.counts()?
            }
            _ => return Ok(steps),
        };
        self.take('?');
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return Err("a repetition cannot be repeated; put it into a group".to_owned());
        }
        Ok(steps.saturating_mul(times).saturating_add(1))
    }

    fn counts(&mut self) -> Result<usize, String> {
        let fault = || format!("write a repetition as `{{2}}`, `{{2,}}` or `{{2,5}}`, up to {MAX_COUNT}");
        let least = self.count().ok_or_else(fault)?;
        let mut most = Some(least);
        if self.take(',') {
            most = if self.peek() == Some('}') { None } else { Some(self.count().ok_or_else(fault)?) };
        }
        if !self.take('}') || most.is_some_and(|most| most < least) {
            return Err(fault());
        }
        Ok(most.unwrap_or(least).max(1))
    }

    fn count(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) && self.at - start < 4 {
            self.at += 1;
        }
        let digits: String = self.text[start..self.at].iter().collect();
        digits.parse().ok().filter(|count| *count <= MAX_COUNT)
    }

    fn group(&mut self, depth: usize) -> Result<usize, String> {
        if self.take('?') && !self.take(':') {
            return Err(
                "only `(...)` and `(?:...)` are groups; look-around, names and flags are not supported".to_owned()
            );
        }
        let steps = self.alternatives(depth + 1)?;
        if self.take(')') { Ok(steps) } else { Err("a group is not closed; write `\\(` for the character".to_owned()) }
    }

    fn escape(&mut self) -> Result<Escape, String> {
        let unknown = |c: char| format!("`\\{c}` is not supported");
        match self.next() {
            None => Err("the pattern ends in a backslash".to_owned()),
            Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => Ok(Escape::Class),
            Some('b' | 'B') => Ok(Escape::Boundary),
            Some('t') => Ok(Escape::Character('\t')),
            Some('n') => Ok(Escape::Character('\n')),
            Some('r') => Ok(Escape::Character('\r')),
            Some('f') => Ok(Escape::Character('\u{c}')),
            Some('v') => Ok(Escape::Character('\u{b}')),
            Some(kind @ ('x' | 'u')) => self.code_point(kind).map(Escape::Character),
            // `\<` and `\>` are word boundaries elsewhere.
            Some(c @ ('<' | '>')) => Err(unknown(c)),
            Some(c) if c.is_ascii_punctuation() => Ok(Escape::Character(c)),
            Some('1'..='9') => Err("back-references are not supported".to_owned()),
            Some(c) => Err(unknown(c)),
        }
    }

    fn code_point(&mut self, kind: char) -> Result<char, String> {
        let fault = || "write a character code as `\\x41`, `\\u0041` or `\\u{41}`".to_owned();
        let mut digits = String::new();
        if kind == 'u' && self.take('{') {
            while !self.take('}') {
                digits.push(self.next().filter(char::is_ascii_hexdigit).ok_or_else(fault)?);
            }
        } else {
            for _ in 0..if kind == 'x' { 2 } else { 4 } {
                digits.push(self.next().filter(char::is_ascii_hexdigit).ok_or_else(fault)?);
            }
        }
        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() <= 6);
        code.and_then(char::from_u32).ok_or_else(fault)
    }

    fn class(&mut self) -> Result<usize, String> {
        self.take('^');
        let mut items = 0;
        loop {
            let first = items == 0;
            match self.peek() {
                None => return Err("`[` is not closed; write `\\[` for the character".to_owned()),
                Some(']') if first => return Err("a class is empty; write `\\]` for the character".to_owned()),
                Some(']') => {
                    self.at += 1;
                    return Ok(items);
                }
                Some(_) => {}
            }
            let low = self.class_item(first)?;
            items += 1;
            if self.peek() != Some('-') || self.text.get(self.at + 1) == Some(&']') {
                continue;
            }
            self.at += 1;
            let unescaped = self.peek() != Some('-');
            match (low, self.class_item(false)?) {
                (Some(low), Some(high)) if low <= high && unescaped => {}
                _ => return Err("`-` in a class stands first, last or between two characters in order".to_owned()),
            }
        }
    }

    /// One character of a class, or `None` for an escape that stands for several.
    fn class_item(&mut self, first: bool) -> Result<Option<char>, String> {
        match self.next() {
            None => Err("`[` is not closed; write `\\[` for the character".to_owned()),
            Some('\\') => match self.escape()? {
                Escape::Character(c) => Ok(Some(c)),
                Escape::Class => Ok(None),
                Escape::Boundary => Err("`\\b` and `\\B` have no meaning in a class".to_owned()),
            },
            Some('[') => Err("write `\\[` for the character `[` in a class".to_owned()),
            Some('-') if !first && self.peek() != Some(']') => {
                Err("`-` in a class stands first, last or between two characters in order".to_owned())
            }
            Some(c @ ('&' | '~' | '-')) if self.peek() == Some(c) => {
                Err(format!("write `\\{c}` for the character `{c}` in a class"))
            }
            Some(']') => Err("write `\\]` for the character `]` in a class".to_owned()),
            Some(c) => Ok(Some(c)),
        }
    }
}
