//! What people, organizations and e-mail addresses may be called. One rule, because every way in leads to the same
//! lists, logs and terminals.

/// Longest name of a person or an organization, in characters: it stands in one line everywhere.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest e-mail address (RFC 5321 section 4.5.3.1.3, without the brackets).
pub const MAX_EMAIL_CHARS: usize = 254;

/// The name of a person or an organization without the blanks around it.
///
/// # Errors
/// A phrase that says what was expected, when the name is empty, too long or [cannot be shown](is_showable).
pub fn name(text: &str) -> Result<&str, String> {
    let name = text.trim();
    if (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && name.chars().all(is_showable) {
        return Ok(name);
    }
    Err(format!("expected 1 to {MAX_NAME_CHARS} characters in one line, without ones that reorder it"))
}

/// The e-mail address without the blanks around it: one `@` with something on both sides and a dot in the domain.
/// Loose on purpose: whoever writes to it finds out the rest.
///
/// # Errors
/// A phrase that says what was expected.
pub fn email(text: &str) -> Result<&str, String> {
    let email = text.trim();
    let valid = email.chars().count() <= MAX_EMAIL_CHARS
        && email.chars().all(|c| is_showable(c) && !c.is_whitespace())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        });
    if valid { Ok(email) } else { Err("expected an e-mail address, such as `ada@example.com`".to_owned()) }
}

/// Whether a character shows what it is: control characters move a terminal's cursor, and bidirectional overrides and
/// isolates make a text read as another one.
pub fn is_showable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_reads_as_it_is_written() {
        assert_eq!(name("  Ada Lovelace "), Ok("Ada Lovelace"));
        for text in ["שלום", "Zoë 🦀", "a"] {
            assert_eq!(name(text), Ok(text));
        }
        for text in ["", "  ", "a\nb", "a\u{1b}[2Jb", "a\u{202e}b", "a\u{2066}b", &"x".repeat(201)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_email_address_is_checked_loosely_and_cannot_disguise_itself() {
        assert_eq!(email(" ada@example.com "), Ok("ada@example.com"));
        for text in ["ada", "@example.com", "ada@", "ada@localhost", "a@b@c.example", "a b@c.example", "a@c..example"] {
            assert!(email(text).is_err(), "{text:?}");
        }
        for text in ["a\u{202e}b@c.example", "a\u{1b}b@c.example", "a@c.example\u{2069}"] {
            assert!(email(text).is_err(), "{text:?}");
        }
    }
}
