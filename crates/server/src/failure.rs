//! How a command ends when it does not succeed.

use std::process::ExitCode;

/// Exit code of a command that was used wrongly; the same that the argument parser uses.
pub const USAGE: u8 = 2;

/// The command line, or a value on it, asks for something that does not exist. Ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Something was reported already; only the exit code 1 is left to say.
#[derive(Debug, thiserror::Error)]
#[error("the command failed")]
pub struct Reported;

/// Prints an error with its causes and answers the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<Reported>() {
        return ExitCode::FAILURE;
    }
    eprintln!("error: {}", sentence(error));
    if error.is::<UsageError>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}

/// The error and its causes in one line; a cause that its error quotes already is not said twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut whole = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if whole.is_empty() {
            whole = cause;
        } else if !whole.contains(&cause) {
            whole += ": ";
            whole += &cause;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_that_was_quoted_is_not_repeated() {
        let error = anyhow!("disk full").context("the store accepts no writes: disk full").context("cannot seed");
        assert_eq!(sentence(&error), "cannot seed: the store accepts no writes: disk full");
    }
}
