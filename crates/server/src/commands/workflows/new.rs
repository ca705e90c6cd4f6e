//! `msp workflows new`.

use crate::failure::UsageError;
use anyhow::{Context, Result};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// What a new workflow, its test, and the first test's setting look like; `NAME` is replaced.
const WORKFLOW: &str = include_str!("templates/workflow.py.txt");
const TEST: &str = include_str!("templates/test.py.txt");
const CONFTEST: &str = include_str!("templates/conftest.py.txt");

/// Longer names do not fit a line with their decorator.
const LONGEST_NAME: usize = 64;
/// Words Python keeps to itself (docs.python.org, "Keywords"), in lower case as names are.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match", "nonlocal", "not",
    "or", "pass", "raise", "return", "try", "type", "while", "with", "yield", "none", "true", "false",
];

/// Writes a workflow and its test into the workspace.
pub fn new(workspace: &Path, name: &str) -> Result<()> {
    check(name)?;
    let workflow = workspace.join("workflows").join(format!("{name}.py"));
    let test = workspace.join("tests").join(format!("test_{name}.py"));
    let setting = workspace.join("tests/conftest.py");
    for file in [&workflow, &test] {
        if file.exists() {
            let file = file.display();
            return Err(UsageError(format!("{file} exists already; choose another name, or change that file")).into());
        }
    }
    let mut written =
        vec![write(workflow, &WORKFLOW.replace("NAME", name))?, write(test, &TEST.replace("NAME", name))?];
    if !setting.exists() {
        written.push(write(setting, CONFTEST)?);
    }
    for file in written {
        println!("{}", file.display());
    }
    Ok(())
}

/// Never over a file that somebody else has just made.
fn write(path: PathBuf, content: &str) -> Result<PathBuf> {
    let cannot = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    let opened = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    if matches!(&opened, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
        return Err(UsageError(format!("{} exists already; choose another name", path.display())).into());
    }
    opened.and_then(|mut file| file.write_all(content.as_bytes())).with_context(cannot)?;
    Ok(path)
}

fn check(name: &str) -> Result<(), UsageError> {
    let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    let holds_well = name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
    let advice = match advised(name) {
        Some(better) if better != name => format!("; try `{better}`"),
        _ => String::new(),
    };
    if !begins_well || !holds_well {
        return Err(UsageError(format!(
            "`{name}` cannot name a workflow: use lower-case letters, digits and underscores, a letter first{advice}"
        )));
    }
    if name.len() > LONGEST_NAME {
        return Err(UsageError(format!("the name is longer than {LONGEST_NAME} characters")));
    }
    if KEYWORDS.contains(&name) {
        return Err(UsageError(format!("`{name}` is a word of Python's own; try `{name}_workflow`")));
    }
    Ok(())
}

/// The name somebody probably meant.
fn advised(name: &str) -> Option<String> {
    let mut better = String::new();
    for (position, one) in name.chars().enumerate() {
        if one.is_ascii_alphanumeric() {
            let is_hump = one.is_ascii_uppercase()
                && position > 0
                && name.chars().nth(position - 1).is_some_and(|before| before.is_ascii_lowercase());
            if is_hump {
                better.push('_');
            }
            better.push(one.to_ascii_lowercase());
        } else if !better.is_empty() && !better.ends_with('_') {
            better.push('_');
        }
    }
    let better = better.trim_matches('_').trim_start_matches(|first: char| !first.is_ascii_lowercase());
    (!better.is_empty() && !KEYWORDS.contains(&better)).then(|| better.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_are_refused_with_the_nearest_that_can() {
        for (name, advice) in [
            ("Reset-Password", "try `reset_password`"),
            ("resetPassword", "try `reset_password`"),
            ("2fa_reset", "try `fa_reset`"),
            ("../escape", "try `escape`"),
            ("class", "try `class_workflow`"),
            ("", "a letter first"),
            ("\u{fc}ber", "try `ber`"),
        ] {
            let refused = check(name).expect_err(name).to_string();
            assert!(refused.contains(advice), "{name}: {refused}");
        }
        assert!(check(&"a".repeat(65)).is_err());
        check("reset_password_2").expect("a good name");
    }
}
