//! Files: what they may be called, and how large they may be. What a browser or a workflow says about one is a hint for
//! people and never decides how it is served.

use crate::naming::is_showable;

/// Largest file, uploaded or written by a workflow, in bytes: a worker holds it whole in its memory.
pub const MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;
/// Most files of one submission: each is two of the hundred writes of the commit that records it.
pub const MAX_SUBMITTED_FILES: usize = 20;
/// Longest name, in characters: file systems end at 255 bytes.
pub const MAX_FILE_NAME_CHARS: usize = 200;
/// The type of a file nobody knows more about.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";
/// Longest media type (RFC 6838, section 4.2: 127 characters on each side of the slash).
const MAX_MEDIA_TYPE_CHARS: usize = 255;

/// The name of a file: the last part of a path, without characters that do not show what they are. It stands in lists and
/// in the header of a download, and never names a place on this machine.
///
/// # Errors
/// A phrase that says what was expected, when nothing is left of it or too much.
pub fn file_name(text: &str) -> Result<String, String> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| is_showable(*c)).collect();
    // Leading dots hide a file, trailing ones are dropped by Windows.
    let name = shown.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if (1..=MAX_FILE_NAME_CHARS).contains(&name.chars().count()) {
        return Ok(name.to_owned());
    }
    Err(format!("expected the name of a file, 1 to {MAX_FILE_NAME_CHARS} characters, such as `users.csv`"))
}

/// A media type without its parameters, in lower case; [`UNKNOWN_TYPE`] for what is none.
pub fn media_type(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let known = essence.len() <= MAX_MEDIA_TYPE_CHARS
        && essence.split_once('/').is_some_and(|(family, kind)| is_word(family) && is_word(kind));
    if known { essence } else { UNKNOWN_TYPE.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_what_is_left_of_a_path_and_reads_as_it_is_written() {
        for (given, name) in [
            ("users.csv", "users.csv"),
            ("Übersicht 2026.xlsx", "Übersicht 2026.xlsx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\fakepath\\users.csv", "users.csv"),
            (".bashrc", "bashrc"),
            ("report.pdf. . ", "report.pdf"),
            ("a\u{202e}fdp.exe\r\nX: y", "afdp.exeX: y"),
        ] {
            assert_eq!(file_name(given).as_deref(), Ok(name), "{given:?}");
        }
        for given in ["", "..", "a/", "\u{7}", " . ", &"x".repeat(201)] {
            assert!(file_name(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_media_type_is_two_words_and_anything_else_is_unknown() {
        assert_eq!(media_type("Text/CSV; charset=utf-8"), "text/csv");
        assert_eq!(media_type("application/vnd.ms-excel+x"), "application/vnd.ms-excel+x");
        for given in ["", "text", "text/", "/csv", "text/c sv", "text/csv\r\nX: y", "a/b/c"] {
            assert_eq!(media_type(given), UNKNOWN_TYPE, "{given:?}");
        }
    }
}
