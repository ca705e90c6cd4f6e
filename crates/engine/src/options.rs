//! Option generators: no record, a short deadline, the same walls and the same masking. Their answers are kept for as long
//! as they allow, and equal questions share one run.

mod answers;
mod asking;
mod question;

pub(crate) use answers::Answers;

use crate::{
    engine::{OptionsAnswer, OptionsError, OptionsRequest, RunError},
    runtime::Runtime,
};
use answers::{Answered, Found};
use asking::Asking;
use msp_domain::{BundleMetadata, FieldFault, OptionGenerator, workflow::nearest};
use question::Question;
use serde_json::Value;
use std::sync::Arc;

/// Asks a generator, or finds what it answered before.
pub(crate) async fn options(runtime: Arc<Runtime>, request: OptionsRequest) -> Result<OptionsAnswer, OptionsError> {
    let edition = runtime.pool.edition();
    let generator = find(&edition.metadata(), &request.generator)?;
    check_inputs(&generator, &request)?;
    runtime.pauses.refuse(&request.access, None).await?;
    let OptionsRequest { access, inputs, search, limit, fresh, .. } = request;
    let (name, keep_seconds) = (generator.name.clone(), generator.cache_seconds);
    let masker = runtime.masker(access.scope());
    let caller = access.caller().clone();
    let question = Question::new(edition.bundle(), &generator.name, &access, &inputs);
    let asking = Asking { edition, generator, access, inputs };
    let (json, age_seconds) = if keep_seconds == 0 {
        (asking.ask(&runtime).await.result, None)
    } else {
        let ask = |number| asking.clone().ask_and_keep(runtime.clone(), question.clone(), number);
        match runtime.answers.seek(&question, &caller, keep_seconds, fresh, ask) {
            Found::Kept { json, age_seconds } => (Ok(json), Some(age_seconds)),
            Found::Underway(run) => {
                let answered: Answered = run.await;
                // Somebody else's answer, which may be about them: this caller is asked for separately.
                let answered = if answered.is_for(&caller) {
                    answered
                } else {
                    runtime.answers.seek_own(&question, &caller, ask).await
                };
                (answered.result, None)
            }
        }
    };
    let failed = |failure: asking::Failure| failure.into_error(&name);
    // Once more: the organization's workers may have received a secret since the answer was kept.
    let items = asking::items(&masker.json(&json.map_err(failed)?)).map_err(failed)?;
    let ttl_seconds = keep_seconds.saturating_sub(age_seconds.unwrap_or_default());
    Ok(select(items, search.as_deref(), limit, ttl_seconds, age_seconds))
}

fn find(metadata: &BundleMetadata, name: &str) -> Result<OptionGenerator, RunError> {
    metadata.option_generator(name).cloned().ok_or_else(|| RunError::Unknown {
        kind: "option generator",
        name: name.to_owned(),
        nearest: nearest(name, metadata.option_generators.iter().map(|generator| generator.name.as_str()))
            .map(str::to_owned),
    })
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

fn select(
    items: Vec<Value>,
    search: Option<&str>,
    limit: usize,
    ttl_seconds: u64,
    age_seconds: Option<u64>,
) -> OptionsAnswer {
    let wanted = search.map(str::to_lowercase);
    let mut matching = items.into_iter().filter(|item| {
        wanted.as_ref().is_none_or(|wanted| {
            item.get("label").and_then(Value::as_str).is_some_and(|label| label.to_lowercase().contains(wanted))
        })
    });
    let items: Vec<Value> = matching.by_ref().take(limit).collect();
    OptionsAnswer { items, truncated: matching.next().is_some(), ttl_seconds, age_seconds }
}
