//! Which executions a list shows.

use super::{Execution, StoredJson};
use chrono::{DateTime, Utc};
use msp_domain::ids::reverse_timestamp;
use msp_domain::{ExecutionId, ExecutionStatus, UserId};

/// Least of an id that names it: the client abbreviates ids to their last four characters.
const MIN_ID_PART: usize = 4;

/// What an execution must be to be listed. Looked at row by row; when it started is not part of it, see [`Started`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecutionFilter {
    /// Of one of these statuses; none means any.
    pub statuses: Vec<ExecutionStatus>,
    /// Only of this workflow.
    pub workflow_name: Option<String>,
    /// Only of this user.
    pub executed_by: Option<UserId>,
    /// Only what repeats this execution.
    pub retry_of: Option<ExecutionId>,
    /// Only what waits for a time it is to start at, or only what does not.
    pub scheduled: Option<bool>,
    /// Words that must all stand somewhere in it, in lower case.
    pub words: Vec<String>,
}

impl ExecutionFilter {
    pub(super) fn admits(&self, execution: &Execution) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&execution.status))
            && self.workflow_name.as_ref().is_none_or(|name| execution.workflow_name == *name)
            && self.executed_by.is_none_or(|user| execution.executed_by == user)
            && self.retry_of.is_none_or(|earlier| execution.retry_of == Some(earlier))
            && self.scheduled.is_none_or(|scheduled| scheduled == waits_for_its_time(execution))
            && self.words_stand_in(execution)
    }

    /// Looks at what a list shows and at the input, as far as it stands in the row itself.
    fn words_stand_in(&self, execution: &Execution) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let input = match &execution.input {
            StoredJson::Inline(text) => Some(text.as_str()),
            StoredJson::Blob { .. } => None,
        };
        let id = execution.id.key();
        let texts = [
            Some(execution.workflow_name.as_str()),
            Some(&execution.executed_by_name),
            execution.form_name.as_deref(),
            execution.error_type.as_deref(),
            execution.error_message.as_deref(),
            input,
        ];
        let texts: Vec<String> = texts.into_iter().flatten().map(str::to_lowercase).collect();
        self.words.iter().all(|word| names_id(word, &id) || texts.iter().any(|text| text.contains(word)))
    }
}

fn waits_for_its_time(execution: &Execution) -> bool {
    execution.status == ExecutionStatus::Pending && execution.scheduled_for.is_some()
}

/// Whether a word is an id as people copy or abbreviate it. Anywhere inside, "ada" would stand in every hundredth id.
fn names_id(word: &str, id: &str) -> bool {
    word.len() >= MIN_ID_PART && (id.starts_with(word) || id.ends_with(word))
}

/// When the executions of a list started, to the millisecond. Row keys begin with that time, so this is a range of rows,
/// however many there are outside of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Started {
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Earlier than this instant.
    pub before: Option<DateTime<Utc>>,
}

impl Started {
    /// The key all of them stand at or after: newest come first.
    pub(in crate::repositories) fn row_from(&self) -> Option<String> {
        self.before.map(just_before)
    }

    /// The key all of them stand before.
    pub(in crate::repositories) fn row_before(&self) -> Option<String> {
        self.from.map(just_before)
    }
}

/// The start of the keys of the last millisecond before an instant.
pub(super) fn just_before(instant: DateTime<Utc>) -> String {
    let nanos = instant.timestamp_subsec_nanos() % 1_000_000;
    let first_millis_not_before = instant.timestamp_millis() + i64::from(nanos > 0);
    reverse_timestamp(u64::try_from(first_millis_not_before - 1).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_by_the_whole_of_it_its_start_or_its_end_but_by_no_word_inside() {
        let id = "0197c1c8-ada0-7ada-8ada-000000cafe12";
        for (word, named) in
            [(id, true), ("0197c1c8", true), ("fe12", true), ("ada", false), ("7ada", false), ("e12", false)]
        {
            assert_eq!(names_id(word, id), named, "{word}");
        }
    }

    #[test]
    fn a_range_of_time_is_a_range_of_keys_that_holds_its_start_and_not_its_end() {
        let at = |millis| DateTime::from_timestamp_millis(millis).expect("an instant");
        let key = |millis| ExecutionId::at(at(millis)).row_key().expect("v7");
        let now = 1_763_800_000_000;
        let started = Started { from: Some(at(now)), before: Some(at(now + 10)) };
        let (first, end) = (started.row_from().expect("a bound"), started.row_before().expect("a bound"));
        let inside = |key: &String| *key >= first && *key < end;
        assert_eq!([-1, 0, 9, 10].map(|offset| inside(&key(now + offset))), [false, true, true, false]);
    }

    #[test]
    fn an_instant_between_two_milliseconds_takes_the_later_one() {
        let between = DateTime::from_timestamp(1_763_800_000, 500_000).expect("an instant");
        let started = Started { from: Some(between), before: None };
        let end = started.row_before().expect("a bound");
        let key = |millis| ExecutionId::at(DateTime::from_timestamp_millis(millis).expect("an instant")).row_key();
        assert!(key(1_763_800_000_001).expect("v7") < end);
        assert!(key(1_763_800_000_000).expect("v7") >= end);
    }
}
