//! Chosen options, checked against what their generators offer.
//!
//! An answer that was kept may admit a choice; only a new one may refuse it. So each question is put once, however many
//! submissions ask it, and once more before anything is refused.

use super::{attempts::Fault, engine};
use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use msp_auth::Access;
use msp_domain::form::{FormSchema, OptionInput, OptionSource, chosen_among, is_among};
use msp_engine::{OptionsAnswer, OptionsRequest};
use msp_storage::repositories::Actor;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// Option generators of one request that are asked at the same time: each takes a place among those that wait.
const ASKED_AT_ONCE: usize = 4;

/// How long all of them together may take: somebody waits for the answer. One that is asked twice may take a minute.
const ASKED_WITHIN: Duration = Duration::from_secs(120);

/// Until when the generators of a request that has just arrived must have answered, however often it is attempted.
pub(crate) fn deadline() -> Instant {
    Instant::now() + ASKED_WITHIN
}

/// How a submission writes an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// As its value.
    AsValue,
    /// Either way: by a person, in a cell.
    AsValueOrLabel,
}

/// What a generator is asked.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    generator: String,
    inputs: Map<String, Value>,
}

/// A value that was chosen from what a generator offers.
struct Choice {
    submission: usize,
    field: String,
    question: usize,
    chosen: Value,
}

/// What became of a choice.
#[derive(Debug, PartialEq)]
pub(super) struct Checked {
    /// Whose it is: its number among the submissions, from 0.
    pub submission: usize,
    /// The field it was made in.
    pub field: String,
    /// The value of what was chosen, or what to tell the person who chose it.
    pub outcome: Result<Value, String>,
}

/// Everything that was chosen from what generators offer, in some submissions of one form.
pub(super) struct Choices {
    questions: Vec<Question>,
    choices: Vec<Choice>,
    written: Written,
}

impl Choices {
    pub fn of<'a>(
        schema: &FormSchema,
        submissions: impl IntoIterator<Item = &'a Map<String, Value>>,
        written: Written,
    ) -> Self {
        let (mut questions, mut choices, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for (submission, values) in submissions.into_iter().enumerate() {
            for field in &schema.fields {
                let (Some(chosen), Some(options)) = (values.get(&field.name), &field.options) else { continue };
                let OptionSource::OptionGenerator { generator, inputs } = &options.source else { continue };
                if options.allow_custom || chosen.as_array().is_some_and(Vec::is_empty) {
                    continue;
                }
                let inputs = inputs.iter().filter_map(|(name, input)| match input {
                    OptionInput::Value { value } => Some((name.clone(), value.clone())),
                    OptionInput::Field { field } => Some((name.clone(), values.get(field)?.clone())),
                });
                let question = Question { generator: generator.clone(), inputs: inputs.collect() };
                let question =
                    *known.entry(json!([question.generator, question.inputs]).to_string()).or_insert_with(|| {
                        questions.push(question);
                        questions.len() - 1
                    });
                choices.push(Choice { submission, field: field.name.clone(), question, chosen: chosen.clone() });
            }
        }
        Self { questions, choices, written }
    }

    /// How many different questions they put.
    pub fn question_count(&self) -> usize {
        self.questions.len()
    }

    /// Asks the generators and says what became of each choice.
    pub async fn check(&self, api: &Api, who: (&Access, &Actor), deadline: Instant) -> Result<Vec<Checked>, Fault> {
        self.judged(deadline, |question, fresh| ask(api, who, question, fresh)).await
    }

    async fn judged<A>(&self, deadline: Instant, ask: impl Fn(Question, bool) -> A) -> Result<Vec<Checked>, Fault>
    where
        A: Future<Output = Result<OptionsAnswer, Fault>>,
    {
        let all: Vec<usize> = (0..self.questions.len()).collect();
        let asking = async {
            let mut answers = self.asked(&all, false, &ask).await?;
            let in_doubt = |choice: &&Choice| {
                let answer = &answers[choice.question];
                answer.age_seconds.is_some() && self.outcome(choice, &answer.items).is_err()
            };
            let again: BTreeSet<usize> = self.choices.iter().filter(in_doubt).map(|choice| choice.question).collect();
            let again: Vec<usize> = again.into_iter().collect();
            for (question, answer) in again.iter().zip(self.asked(&again, true, &ask).await?) {
                answers[*question] = answer;
            }
            Ok::<_, Fault>(answers)
        };
        let answers = timeout_at(deadline, asking).await.map_err(|_| too_slow(self.questions.len()))??;
        let checked = |choice: &Choice| Checked {
            submission: choice.submission,
            field: choice.field.clone(),
            outcome: self.outcome(choice, &answers[choice.question].items),
        };
        Ok(self.choices.iter().map(checked).collect())
    }

    async fn asked<A>(
        &self,
        questions: &[usize],
        fresh: bool,
        ask: impl Fn(Question, bool) -> A,
    ) -> Result<Vec<OptionsAnswer>, Fault>
    where
        A: Future<Output = Result<OptionsAnswer, Fault>>,
    {
        let asked: Vec<A> = questions.iter().map(|question| ask(self.questions[*question].clone(), fresh)).collect();
        stream::iter(asked).buffered(ASKED_AT_ONCE).try_collect().await
    }

    fn outcome(&self, choice: &Choice, items: &[Value]) -> Result<Value, String> {
        let chosen = match self.written {
            Written::AsValue => choice.chosen.clone(),
            Written::AsValueOrLabel => chosen_among(items, &choice.chosen),
        };
        is_among(items, &chosen).map(|()| chosen)
    }
}

async fn ask(
    api: &Api,
    (access, actor): (&Access, &Actor),
    question: Question,
    fresh: bool,
) -> Result<OptionsAnswer, Fault> {
    let request = OptionsRequest {
        generator: question.generator,
        access: access.clone(),
        actor: actor.clone(),
        inputs: question.inputs,
        search: None,
        limit: usize::MAX,
        fresh,
    };
    Ok(engine(api)?.options(request).await?)
}

fn too_slow(questions: usize) -> Problem {
    let (seconds, error_type) = (ASKED_WITHIN.as_secs(), "timed_out");
    let detail = format!(
        "The option generators did not answer within {seconds} seconds (different questions: {questions}), so nothing was \
         started. Send fewer rows at once, or try again when the generators answer faster."
    );
    Problem::new(Kind::OptionsFailed).detail(detail).with("error_type", error_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    fn schema() -> FormSchema {
        let options = json!({
            "source": "option_generator", "generator": "plans", "inputs": { "of": { "field": "of" } }
        });
        let fields = json!([
            { "name": "of", "label": "Of", "type": "number" },
            { "name": "plan", "label": "Plan", "type": "select", "options": options },
        ]);
        FormSchema::parse(&json!({ "name": "A", "workflow": "a", "fields": fields })).expect("a form")
    }

    fn rows(chosen: impl IntoIterator<Item = (usize, &'static str)>) -> Vec<Map<String, Value>> {
        let row = |(of, plan)| json!({ "of": of, "plan": plan }).as_object().cloned().expect("an object");
        chosen.into_iter().map(row).collect()
    }

    fn answer(values: &[&str], age_seconds: Option<u64>) -> OptionsAnswer {
        let items = values.iter().map(|value| json!({ "label": format!("The {value}"), "value": value })).collect();
        OptionsAnswer { items, truncated: false, ttl_seconds: 0, age_seconds }
    }

    async fn judged<A: Future<Output = Result<OptionsAnswer, Fault>>>(
        rows: &[Map<String, Value>],
        ask: impl Fn(Question, bool) -> A,
    ) -> Vec<Result<Value, String>> {
        let checked = Choices::of(&schema(), rows, Written::AsValueOrLabel).judged(deadline(), ask).await;
        let Ok(checked) = checked else { panic!("answered") };
        assert!(checked.iter().enumerate().all(|(row, one)| (one.submission, &*one.field) == (row, "plan")));
        checked.into_iter().map(|one| one.outcome).collect()
    }

    #[tokio::test]
    async fn each_question_is_put_once_and_once_more_where_a_kept_answer_would_refuse() {
        let asked = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let ask = |question: Question, fresh: bool| {
            asked[usize::from(fresh)].fetch_add(1, Ordering::SeqCst);
            let known: &[&str] = if fresh { &["old", "new"] } else { &["old"] };
            // What is asked about 2 was answered just now.
            let age_seconds = (!fresh && question.inputs["of"] == 1).then_some(7);
            async move { Ok(answer(known, age_seconds)) }
        };
        let chosen = [(1, "old"), (1, "the NEW"), (1, "none"), (1, "new"), (2, "new"), (3, "old")];

        let outcomes = judged(&rows(chosen), ask).await;

        let refused = |text: &str| Err(format!("`{text}` is not offered; choose from the list"));
        let new = || Ok(json!("new"));
        assert_eq!(outcomes, [Ok(json!("old")), new(), refused("none"), new(), refused("new"), Ok(json!("old"))]);
        assert_eq!(asked.map(AtomicUsize::into_inner), [3, 1]);
    }

    #[tokio::test]
    async fn a_few_are_asked_at_a_time() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ask = |_, _| async {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(answer(&["old"], None))
        };
        let outcomes = judged(&rows((0..50).map(|of| (of, "old"))), ask).await;
        assert_eq!((outcomes.len(), most.into_inner()), (50, ASKED_AT_ONCE));
    }

    #[tokio::test]
    async fn generators_that_do_not_answer_in_time_are_waited_for_no_longer() {
        let choices = Choices::of(&schema(), &rows([(1, "old")]), Written::AsValue);
        let never = |_, _| pending::<Result<OptionsAnswer, Fault>>();
        let Err(Fault::Final(problem)) = choices.judged(Instant::now(), never).await else { panic!("refused") };
        assert_eq!(problem.kind(), Kind::OptionsFailed);
    }
}
