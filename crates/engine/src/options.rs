//! Option generators: no record, a short deadline, the same walls and the same masking.

use crate::{
    ending::masked_message,
    engine::{OptionsAnswer, OptionsError, OptionsRequest, RunError},
    host::{Calls, Unrecorded},
    run::context,
    runtime::Runtime,
    workers::{Assignment, NotStarted, Outcome, TargetKind},
};
use msp_domain::{ExecutionId, FieldFault, OptionGenerator, workflow::nearest};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Somebody is looking at a spinner: a generator slower than this is of no use to a form.
const OPTIONS_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks a generator.
pub(crate) async fn options(runtime: Arc<Runtime>, request: OptionsRequest) -> Result<OptionsAnswer, OptionsError> {
    let edition = runtime.pool.edition();
    let metadata = edition.metadata();
    let generator = metadata.option_generator(&request.generator).ok_or_else(|| RunError::Unknown {
        kind: "option generator",
        name: request.generator.clone(),
        nearest: nearest(
            &request.generator,
            metadata.option_generators.iter().map(|generator| generator.name.as_str()),
        )
        .map(str::to_owned),
    })?;
    check_inputs(generator, &request)?;
    runtime.pauses.refuse(&request.access, None).await?;
    let scope = request.access.scope();
    if runtime.pool.is_saturated(scope) {
        return Err(RunError::Saturated.into());
    }
    let snapshot = runtime.repositories.snapshots.at(request.access.generation());
    let config = snapshot.config(scope.org()).await.map_err(RunError::from)?;
    let execution_id = ExecutionId::at(runtime.clock.now());
    let masker = runtime.masker(scope);
    // A form that is closed, or asks anew, drops this future: the generator is cancelled with it.
    let cancel = CancellationToken::new();
    let _cancelled_on_drop = cancel.clone().drop_guard();
    let assignment = Assignment {
        edition,
        scope,
        execution_id,
        kind: TargetKind::Options,
        name: generator.name.clone(),
        arguments: request.inputs,
        context: context(&request.access, &config),
        exclusive: generator.exclusive,
        timeout: OPTIONS_TIMEOUT,
        cancel,
    };
    let calls =
        Calls { runtime: runtime.clone(), access: request.access, config, masker: masker.clone(), execution_id };
    let host = Arc::new(Unrecorded { calls, generator: generator.name.clone(), lines: Mutex::default() });
    let failed = |error_type: &str, message: &str| OptionsError::Failed {
        error_type: masker.text(error_type),
        message: masked_message(&masker, message),
    };
    let json = match runtime.pool.run(assignment, host).await {
        Outcome::Returned(json) => masker.json(&json),
        Outcome::Raised { error_type, message, .. } => return Err(failed(&error_type, &message)),
        Outcome::WorkerLost { error_type, message } => return Err(failed(error_type, &message)),
        Outcome::TimedOut => {
            let limit = OPTIONS_TIMEOUT.as_secs();
            return Err(failed("timed_out", &format!("The option generator took longer than {limit} seconds.")));
        }
        Outcome::Cancelled | Outcome::NotStarted(NotStarted::Cancelled) => {
            return Err(failed("cancelled", "The request was withdrawn."));
        }
        Outcome::NotStarted(NotStarted::Saturated) => return Err(RunError::Saturated.into()),
        Outcome::NotStarted(reason @ (NotStarted::ShuttingDown | NotStarted::SpawnFailed(_))) => {
            return Err(RunError::Unavailable(reason.to_string()).into());
        }
    };
    let Ok(items) = serde_json::from_str::<Vec<Value>>(&json) else {
        return Err(failed("options_invalid", "The option generator did not return a list."));
    };
    Ok(select(items, request.search.as_deref(), request.limit, generator.cache_seconds))
}

fn check_inputs(generator: &OptionGenerator, request: &OptionsRequest) -> Result<(), RunError> {
    let faults: Vec<FieldFault> = request
        .inputs
        .keys()
        .filter(|name| !generator.inputs.contains(name))
        .map(|name| {
            let hint = nearest(name, generator.inputs.iter().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            FieldFault::at(name, format!("`{}` takes no input `{name}`{hint}", generator.name))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(RunError::Invalid(faults)) }
}

fn select(items: Vec<Value>, search: Option<&str>, limit: usize, ttl_seconds: u64) -> OptionsAnswer {
    let wanted = search.map(str::to_lowercase);
    let mut matching = items.into_iter().filter(|item| {
        wanted.as_ref().is_none_or(|wanted| {
            item.get("label").and_then(Value::as_str).is_some_and(|label| label.to_lowercase().contains(wanted))
        })
    });
    let items: Vec<Value> = matching.by_ref().take(limit).collect();
    OptionsAnswer { items, truncated: matching.next().is_some(), ttl_seconds }
}
