//! Text captured from a worker's descriptors 1 and 2, split into lines.

use std::collections::VecDeque;

/// Longest line handed on (docs/worker-protocol.md, `log`); a longer one becomes several.
pub(super) const MAX_LINE_BYTES: usize = 32 * 1024;
/// How many last lines of standard error are kept for messages about a lost worker.
const LAST_WORDS: usize = 20;
/// How much of each is kept.
const WORD_CHARS: usize = 500;

/// Splits bytes into lines, keeping an unfinished one until more comes or it is flushed.
#[derive(Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes bytes in and gives whole lines out. Bytes that are not UTF-8 are replaced.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            while self.partial.len() > MAX_LINE_BYTES && self.partial.last() != Some(&b'\n')
                || self.partial.len() > MAX_LINE_BYTES + 1
            {
                let cut = boundary(&self.partial, MAX_LINE_BYTES);
                let rest = self.partial.split_off(cut);
                lines.push(text(&std::mem::replace(&mut self.partial, rest)));
            }
            if self.partial.last() == Some(&b'\n') {
                self.partial.pop();
                lines.push(text(&std::mem::take(&mut self.partial)));
            }
        }
        lines
    }

    /// The unfinished line, if there is one.
    pub fn flush(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| text(&std::mem::take(&mut self.partial)))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

/// A place to cut at or shortly before `at` that splits no character.
fn boundary(bytes: &[u8], at: usize) -> usize {
    const CONTINUATION: u8 = 0b1000_0000;
    (at.saturating_sub(3)..=at).rev().find(|cut| bytes[*cut] & 0b1100_0000 != CONTINUATION).unwrap_or(at)
}

/// A message the worker framed itself, in pieces of permitted length.
pub(super) fn pieces(message: String) -> Vec<String> {
    if message.len() <= MAX_LINE_BYTES {
        return vec![message];
    }
    let mut pieces = Vec::new();
    let mut rest = message.as_str();
    while rest.len() > MAX_LINE_BYTES {
        let (piece, more) = rest.split_at(boundary(rest.as_bytes(), MAX_LINE_BYTES));
        pieces.push(piece.to_owned());
        rest = more;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// The beginning of a line, ending with a whole word: what is cut here is masked later, and half a secret would not be
/// found.
fn whole_words(line: &str) -> String {
    match line.char_indices().nth(WORD_CHARS) {
        None => line.to_owned(),
        Some((end, _)) => match line[..end].rfind(char::is_whitespace) {
            Some(blank) => format!("{} ...", &line[..blank]),
            None => format!("(a line of {} bytes)", line.len()),
        },
    }
}

/// The end of what a worker wrote to standard error.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    lines: VecDeque<String>,
}

impl LastWords {
    pub fn keep(&mut self, line: &str) {
        if self.lines.len() == LAST_WORDS {
            self.lines.pop_front();
        }
        self.lines.push_back(whole_words(line));
    }

    /// A sentence to append to a message; empty when nothing was written.
    pub fn sentence(&self) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        format!("; its last words on standard error: {}", lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_kept_until_whole_and_cut_between_characters() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"one\r\ntwo\nthr"), ["one", "two"]);
        assert_eq!(lines.feed(b"ee\n\xff\n"), ["three", "\u{fffd}"]);
        assert_eq!(lines.flush(), None);

        let long = format!("{}{}", "x".repeat(MAX_LINE_BYTES - 1), "é".repeat(10));
        let cut = lines.feed(long.as_bytes());
        assert_eq!(cut.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE_BYTES - 1]);
        assert_eq!(lines.flush().expect("the rest"), "é".repeat(10));
        assert_eq!(pieces(long).concat().chars().filter(|c| *c == 'é').count(), 10);
    }

    #[test]
    fn a_flood_without_newline_is_bounded() {
        let mut lines = Lines::default();
        let got: usize = (0..64).map(|_| lines.feed(&[b'y'; 10_000]).iter().map(String::len).sum::<usize>()).sum();
        assert_eq!(got + lines.flush().map_or(0, |rest| rest.len()), 640_000);
    }
}
