//! From what became of a worker to what goes on record.

use crate::{
    masking::Masker,
    workers::{NotStarted, OUT_OF_MEMORY, Outcome},
};
use chrono::{DateTime, Utc};
use msp_domain::ExecutionStatus;
use msp_storage::repositories::executions::Ending;
use serde::Deserialize;

/// The part of a result the platform itself reads.
#[derive(Deserialize)]
struct ReportedFailure {
    success: bool,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<serde_json::Value>,
    #[serde(default)]
    reason: Option<serde_json::Value>,
}

/// The record of an outcome, secrets masked. `logs_through` is filled in once the logs are durable.
pub(crate) fn ending(outcome: &Outcome, masker: &Masker, completed_at: DateTime<Utc>) -> Ending {
    let failed = |status, error_type: &str, message: &str| Ending {
        status,
        result_json: None,
        error_type: Some(masker.text(error_type)),
        error_message: Some(masked_message(masker, message)),
        completed_at,
        logs_through: 0,
    };
    match outcome {
        Outcome::Returned(json) => returned(masker.json(json), completed_at),
        Outcome::Raised { error_type, message, .. } => failed(ExecutionStatus::Failed, error_type, message),
        Outcome::Cancelled => failed(ExecutionStatus::Cancelled, "cancelled", "The execution was cancelled."),
        Outcome::TimedOut => failed(
            ExecutionStatus::TimedOut,
            "timed_out",
            "The execution ran longer than its workflow allows (`timeout_seconds`) and was ended.",
        ),
        // What it did is known: too much. Running it again would end the same way.
        Outcome::WorkerLost { error_type: OUT_OF_MEMORY, message } => {
            failed(ExecutionStatus::Failed, OUT_OF_MEMORY, message)
        }
        Outcome::WorkerLost { error_type, message } => failed(ExecutionStatus::Interrupted, error_type, message),
        Outcome::NotStarted(NotStarted::Cancelled) => {
            failed(ExecutionStatus::Cancelled, "cancelled", "The execution was cancelled before any of its code ran.")
        }
        Outcome::NotStarted(NotStarted::ShuttingDown) => failed(
            ExecutionStatus::Interrupted,
            "engine_stopped",
            "The engine was shut down before any code of the execution ran.",
        ),
        Outcome::NotStarted(reason @ NotStarted::Saturated) => {
            failed(ExecutionStatus::Failed, "saturated", &format!("No code of the execution ran: {reason}."))
        }
        Outcome::NotStarted(reason @ NotStarted::SpawnFailed(_)) => {
            failed(ExecutionStatus::Failed, "worker_start_failed", &format!("No code of the execution ran: {reason}"))
        }
    }
}

/// Characters at which a worker cuts a message (docs/worker-protocol.md, `result`).
const CUT_MESSAGE_CHARS: usize = 8 * 1024;

/// The message of an error with secrets masked; half of one too, where the worker may have cut it.
pub(crate) fn masked_message(masker: &Masker, message: &str) -> String {
    if message.chars().count() >= CUT_MESSAGE_CHARS { masker.cut_text(message) } else { masker.text(message) }
}

/// A result that says `"success": false` is a failure (design section 3); its own words become the message.
fn returned(result_json: String, completed_at: DateTime<Utc>) -> Ending {
    let reported = serde_json::from_str::<ReportedFailure>(&result_json).ok().filter(|reported| !reported.success);
    let (status, error_type, error_message) = match reported {
        None => (ExecutionStatus::Success, None, None),
        Some(reported) => {
            let words = [reported.error, reported.message, reported.reason].into_iter().flatten().next();
            let message = match words {
                Some(serde_json::Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => "The workflow returned `\"success\": false`.".to_owned(),
            };
            (ExecutionStatus::Failed, Some("reported_failure".to_owned()), Some(message))
        }
    };
    Ending { status, result_json: Some(result_json), error_type, error_message, completed_at, logs_through: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(outcome: &Outcome) -> Ending {
        let masker = Masker::default();
        masker.add("hunter2-hunter2");
        ending(outcome, &masker, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_result_that_says_success_false_is_a_failure_in_its_own_words() {
        let ending = end(&Outcome::Returned(r#"{"success": false, "reason": "No MX records"}"#.into()));
        assert_eq!(ending.status, ExecutionStatus::Failed);
        assert_eq!(ending.error_message.as_deref(), Some("No MX records"));
        assert!(ending.result_json.is_some());
    }

    #[test]
    fn any_other_value_is_a_success() {
        for value in ["null", "false", "[]", r#"{"success": true}"#, r#"{"success": "no"}"#, r#"{"valid": false}"#] {
            assert_eq!(end(&Outcome::Returned(value.into())).status, ExecutionStatus::Success, "{value}");
        }
    }

    #[test]
    fn secrets_are_masked_in_errors_and_results() {
        let raised = Outcome::Raised {
            error_type: "ValueError".into(),
            message: "bad password hunter2-hunter2".into(),
            traceback: String::new(),
        };
        assert_eq!(end(&raised).error_message.as_deref(), Some("bad password ********"));
        let returned = end(&Outcome::Returned(r#"{"echo":"hunter2-hunter2"}"#.into()));
        assert_eq!(returned.result_json.as_deref(), Some(r#"{"echo":"********"}"#));
    }
}
