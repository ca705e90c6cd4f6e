//! One run of a generator.

use super::{
    answers::{Answered, Run, RunNumber},
    question::Question,
};
use crate::{
    ending::masked_message,
    engine::{OptionsError, RunError},
    host::{Calls, Unrecorded},
    masking::Masker,
    run::context,
    runtime::Runtime,
    workers::{Assignment, Edition, NotStarted, Outcome, TargetKind},
};
use futures::FutureExt as _;
use msp_auth::Access;
use msp_domain::{ExecutionId, OptionGenerator};
use msp_storage::StoreError;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Somebody is looking at a spinner: a generator slower than this is of no use to a form.
const OPTIONS_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything a run needs.
#[derive(Clone)]
pub(super) struct Asking {
    pub edition: Arc<Edition>,
    pub generator: OptionGenerator,
    pub access: Access,
    pub inputs: Map<String, Value>,
}

/// Why there is no answer. Everyone who waited for it is told.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The generator's own fault: secrets are masked.
    Generator {
        error_type: String,
        message: String,
    },
    Saturated,
    Unavailable(String),
    Store(Arc<StoreError>),
}

impl Failure {
    fn of_generator(masker: &Masker, error_type: &str, message: &str) -> Self {
        Self::Generator { error_type: masker.text(error_type), message: masked_message(masker, message) }
    }

    pub fn into_error(self, generator: &str) -> OptionsError {
        match self {
            Self::Generator { error_type, message } => {
                OptionsError::Failed { generator: generator.to_owned(), error_type, message }
            }
            Self::Saturated => RunError::Saturated.into(),
            Self::Unavailable(reason) => RunError::Unavailable(reason).into(),
            Self::Store(error) => RunError::Store(StoreError::unavailable(error)).into(),
        }
    }
}

/// The options in the text of an answer.
pub(super) fn items(json: &str) -> Result<Vec<Value>, Failure> {
    serde_json::from_str(json).map_err(|_| Failure::Generator {
        error_type: "options_invalid".to_owned(),
        message: "The option generator did not return a list.".to_owned(),
    })
}

impl Asking {
    /// Asks, and keeps what is answered. The generator is cancelled with this future: when the last who waits for it has
    /// gone.
    pub fn ask_and_keep(self, runtime: Arc<Runtime>, question: Question, number: RunNumber) -> Run {
        let ask = async move {
            let answered = self.ask(&runtime).await;
            runtime.answers.keep(question, number, &answered);
            answered
        };
        ask.boxed().shared()
    }

    /// Asks. The generator is cancelled with this future: a form that is closed, or asks anew, drops it.
    pub async fn ask(&self, runtime: &Arc<Runtime>) -> Answered {
        let asked_by = self.access.caller().clone();
        let scope = self.access.scope();
        if runtime.pool.is_saturated(scope) {
            return Answered { result: Err(Failure::Saturated), asked_by, for_anyone: true, good_until: None };
        }
        let snapshot = runtime.repositories.snapshots.at(self.access.generation());
        let config = match snapshot.config(scope.org()).await {
            Ok(config) => config,
            Err(error) => {
                return Answered {
                    result: Err(Failure::Store(Arc::new(error))),
                    asked_by,
                    for_anyone: true,
                    good_until: None,
                };
            }
        };
        let execution_id = ExecutionId::at(runtime.clock.now());
        let masker = runtime.masker(scope);
        let cancel = CancellationToken::new();
        let _cancelled_on_drop = cancel.clone().drop_guard();
        let assignment = Assignment {
            edition: self.edition.clone(),
            scope,
            execution_id,
            kind: TargetKind::Options,
            name: self.generator.name.clone(),
            arguments: self.inputs.clone(),
            context: context(&self.access, &config),
            exclusive: self.generator.exclusive,
            timeout: OPTIONS_TIMEOUT,
            cancel,
        };
        let calls = Calls {
            runtime: runtime.clone(),
            access: self.access.clone(),
            config,
            masker: masker.clone(),
            execution_id,
            category: None,
        };
        let host = Arc::new(Unrecorded::new(calls, self.generator.name.clone()));
        let outcome = runtime.pool.run(assignment, host.clone()).await;
        let started = !matches!(outcome, Outcome::NotStarted(_));
        let result = usable(outcome, &masker).map(Arc::from);
        let for_anyone = !started || host.answers_anyone();
        Answered { result, asked_by, for_anyone, good_until: host.good_until() }
    }
}

/// The masked list, as text.
fn usable(outcome: Outcome, masker: &Masker) -> Result<String, Failure> {
    let failed = |error_type: &str, message: &str| Failure::of_generator(masker, error_type, message);
    match outcome {
        Outcome::Returned(json) => {
            let masked = masker.json(&json);
            items(&masked).map(|_| masked)
        }
        Outcome::Raised { error_type, message, .. } => Err(failed(&error_type, &message)),
        Outcome::WorkerLost { error_type, message } => Err(failed(error_type, &message)),
        Outcome::TimedOut => {
            let limit = OPTIONS_TIMEOUT.as_secs();
            Err(failed("timed_out", &format!("The option generator took longer than {limit} seconds.")))
        }
        Outcome::Cancelled | Outcome::NotStarted(NotStarted::Cancelled) => {
            Err(failed("cancelled", "The request was withdrawn."))
        }
        Outcome::NotStarted(NotStarted::Saturated) => Err(Failure::Saturated),
        Outcome::NotStarted(reason @ (NotStarted::ShuttingDown | NotStarted::SpawnFailed(_))) => {
            Err(Failure::Unavailable(reason.to_string()))
        }
    }
}
