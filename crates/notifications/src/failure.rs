//! Why a message was not delivered, in words that help and give nothing away.

use msp_integrations::PostError;
use std::time::Duration;

/// A message that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The cause and the remedy. Never an address to post to, never a password.
    pub message: String,
    /// How long the service wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry_after: None }
    }
}

pub(crate) fn of_post(error: PostError, host: &str) -> Failure {
    const AGAIN: &str = "Make a new webhook there and store its address in this rule.";
    let (message, retry_after) = match error {
        PostError::Refused(why) => {
            (format!("Nothing was sent: {why}. Addresses that are not on the public internet must be allowed."), None)
        }
        PostError::NotConnected => {
            (format!("{host} cannot be reached. Check the address of the rule, and whether the service runs."), None)
        }
        PostError::AnswerLost => {
            (format!("{host} gave no answer in time. The message may have arrived all the same."), None)
        }
        PostError::Answered { status: 429, retry_after } => {
            (format!("{host} takes no more messages for now (HTTP 429)."), retry_after)
        }
        PostError::Answered { status, retry_after } => {
            let advice = match status {
                300..400 => "It sends elsewhere, which is not followed: store the address it names.".to_owned(),
                401 | 403 => format!("The signature in the address does not hold any more. {AGAIN}"),
                404 | 410 => format!("It does not know this address any more. {AGAIN}"),
                400 | 405 | 413 | 415 | 422 => {
                    "It does not take Adaptive Cards: make a webhook from the template of Teams for messages to a channel."
                        .to_owned()
                }
                _ => "It may be out of order; see whether it is.".to_owned(),
            };
            (format!("{host} did not take the message (HTTP {status}). {advice}"), retry_after)
        }
    };
    Failure { message, retry_after }
}
