//! Asking again what was asked with rights or settings that have changed meanwhile.

use crate::http::{Problem, ProblemKind as Kind};
use msp_auth::Access;
use msp_engine::{OptionsError, RunError};

/// How often the gate is asked again when rights or settings change between its answer and the record. Each change is
/// somebody's edit, so more than a few in a row means an import is under way.
const MAX_ATTEMPTS: usize = 5;

/// Why an attempt did not succeed.
pub(crate) enum Fault {
    /// What the gate read has changed since.
    Changed,
    /// Asking again would change nothing.
    Final(Problem),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Final(problem)
    }
}

impl From<RunError> for Fault {
    fn from(error: RunError) -> Self {
        if matches!(error, RunError::Changed) { Self::Changed } else { Self::Final(error.into()) }
    }
}

impl From<OptionsError> for Fault {
    fn from(error: OptionsError) -> Self {
        match error {
            OptionsError::Refused(error) => error.into(),
            failed @ OptionsError::Failed { .. } => Self::Final(failed.into()),
        }
    }
}

/// Attempts something with what the gate answered, and asks the gate again as long as that has changed meanwhile.
pub(crate) async fn attempts<T, A, R>(
    mut access: Access,
    renew: impl Fn() -> R,
    attempt: impl Fn(Access) -> A,
) -> Result<T, Problem>
where
    A: Future<Output = Result<T, Fault>>,
    R: Future<Output = Result<Access, Problem>>,
{
    for _ in 0..MAX_ATTEMPTS {
        match attempt(access).await {
            Ok(done) => return Ok(done),
            Err(Fault::Changed) => access = renew().await?,
            Err(Fault::Final(problem)) => return Err(problem),
        }
    }
    Err(Kind::SettingsChanging.into())
}
