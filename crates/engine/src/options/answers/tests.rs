use super::*;
use chrono::Duration;
use futures::{FutureExt as _, channel::oneshot, poll};
use msp_domain::{CallerKind, TokenScopes, UserId};
use uuid::Uuid;

const KEEP_SECONDS: u64 = 60;

struct TurnedClock(Mutex<DateTime<Utc>>);

impl TurnedClock {
    fn turn(&self, by: Duration) {
        *self.0.lock().expect("not poisoned") += by;
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("not poisoned")
    }
}

struct Fixture {
    clock: Arc<TurnedClock>,
    answers: Answers,
    question: Question,
    ada: Caller,
    bob: Caller,
}

fn fixture() -> Fixture {
    let clock = Arc::new(TurnedClock(Mutex::new(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"))));
    let caller = |email: &str| Caller {
        tid: Uuid::nil(),
        user: UserId::random(),
        email: email.to_owned(),
        display_name: email.to_owned(),
        is_platform_admin: false,
        is_auditor: false,
        records_executions: false,
        scopes: TokenScopes::ALL,
        kind: CallerKind::Token,
    };
    let (ada, bob) = (caller("ada@msp.example"), caller("bob@msp.example"));
    Fixture { answers: Answers::new(clock.clone()), clock, question: Question::named("get_colours"), ada, bob }
}

fn answer(by: &Caller, text: &str, for_anyone: bool) -> Answered {
    Answered { result: Ok(text.into()), asked_by: by.clone(), for_anyone, good_until: None }
}

/// A run that ends when the test says so; the receiver's end of the test sees when it is dropped.
fn run_of(answered: Answered) -> (Run, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel();
    let run = async move {
        let _ = ended.await;
        answered
    };
    (run.boxed().shared(), end)
}

fn never(_: RunNumber) -> Run {
    panic!("nothing is to be asked")
}

impl Fixture {
    fn keep(&self, number: RunNumber, answered: &Answered) {
        self.answers.keep(self.question.clone(), number, answered);
    }

    /// What is kept for a caller, and how old it is.
    fn kept(&self, caller: &Caller) -> Option<(String, u64)> {
        let (run, _end) = run_of(answer(caller, "new", true));
        match self.answers.seek(&self.question, caller, KEEP_SECONDS, false, |_| run) {
            Found::Kept { json, age_seconds } => Some((json.to_string(), age_seconds)),
            Found::Underway(_) => None,
        }
    }

    fn joined(&self, caller: &Caller, fresh: bool, ask: impl FnOnce(RunNumber) -> Run) -> Run {
        match self.answers.seek(&self.question, caller, KEEP_SECONDS, fresh, ask) {
            Found::Underway(run) => run,
            Found::Kept { json, .. } => panic!("{json} is kept"),
        }
    }
}

#[test]
fn an_answer_is_kept_for_as_long_as_the_generator_allows_and_not_across_a_clock_set_back() {
    let fixture = fixture();
    fixture.keep(1, &answer(&fixture.ada, "red", true));
    assert_eq!(fixture.kept(&fixture.bob), Some(("red".to_owned(), 0)));
    fixture.clock.turn(Duration::milliseconds(59_999));
    assert_eq!(fixture.kept(&fixture.bob), Some(("red".to_owned(), 59)));
    fixture.clock.turn(Duration::milliseconds(1));
    assert_eq!(fixture.kept(&fixture.bob), None);
    fixture.clock.turn(-Duration::hours(1));
    assert_eq!(fixture.kept(&fixture.bob), None);
}

#[test]
fn an_answer_about_the_caller_is_for_that_caller_with_those_scopes_and_takes_the_common_one_away() {
    let fixture = fixture();
    fixture.keep(1, &answer(&fixture.bob, "common", true));
    fixture.keep(2, &answer(&fixture.ada, "of ada", false));
    assert_eq!(fixture.kept(&fixture.ada), Some(("of ada".to_owned(), 0)));
    assert_eq!(fixture.kept(&fixture.bob), None);
    let narrower = Caller { scopes: TokenScopes::parse("Forms.Manage"), ..fixture.ada.clone() };
    assert_eq!(fixture.kept(&narrower), None);
}

#[test]
fn failures_are_not_kept_and_an_earlier_run_does_not_replace_the_answer_of_a_later_one() {
    let fixture = fixture();
    let failure = Failure::Generator { error_type: "ValueError".to_owned(), message: "no".to_owned() };
    fixture
        .keep(1, &Answered { result: Err(failure), asked_by: fixture.ada.clone(), for_anyone: true, good_until: None });
    assert_eq!(fixture.kept(&fixture.ada), None);
    fixture.keep(3, &answer(&fixture.ada, "late", true));
    fixture.keep(2, &answer(&fixture.ada, "early", true));
    assert_eq!(fixture.kept(&fixture.ada), Some(("late".to_owned(), 0)));
    fixture.keep(4, &answer(&fixture.ada, "later", true));
    assert_eq!(fixture.kept(&fixture.ada), Some(("later".to_owned(), 0)));
}

#[test]
fn an_answer_that_rests_on_a_right_that_ends_is_not_kept_beyond_its_end() {
    let fixture = fixture();
    let good_until = Some(fixture.clock.now() + Duration::seconds(10));
    fixture.keep(1, &Answered { good_until, ..answer(&fixture.ada, "red", false) });
    fixture.clock.turn(Duration::milliseconds(9_999));
    assert_eq!(fixture.kept(&fixture.ada), Some(("red".to_owned(), 9)));
    fixture.clock.turn(Duration::milliseconds(1));
    assert_eq!(fixture.kept(&fixture.ada), None);
}

#[tokio::test]
async fn equal_questions_share_one_run_which_ends_with_the_last_who_waits() {
    let fixture = fixture();
    let (begun, end) = run_of(answer(&fixture.ada, "red", true));
    let (of_ada, of_bob) = (fixture.joined(&fixture.ada, false, |_| begun), fixture.joined(&fixture.bob, false, never));
    let (mut waits, mut waits_too) = (Box::pin(of_ada), Box::pin(of_bob));
    assert!(poll!(&mut waits).is_pending() && poll!(&mut waits_too).is_pending());
    drop(waits);
    assert!(!end.is_canceled(), "the other one still waits");
    end.send(()).expect("it still runs");
    let answered = waits_too.await;
    assert_eq!(answered.result.expect("an answer").as_ref(), "red");

    let (begun, end) = run_of(answer(&fixture.ada, "blue", true));
    let (first, second) = (fixture.joined(&fixture.ada, false, |_| begun), fixture.joined(&fixture.bob, false, never));
    drop(first);
    assert!(!end.is_canceled());
    drop(second);
    assert!(end.is_canceled(), "nobody waits any more");
    let (begun, _end) = run_of(answer(&fixture.bob, "green", true));
    let mut asked_anew = false;
    let _run = fixture.joined(&fixture.bob, false, |_| {
        asked_anew = true;
        begun
    });
    assert!(asked_anew);
}

#[tokio::test]
async fn a_fresh_question_joins_no_run_that_began_before_it_and_later_ones_join_its_own() {
    let fixture = fixture();
    let (begun, _end) = run_of(answer(&fixture.ada, "old", true));
    let _old = fixture.joined(&fixture.ada, false, |_| begun);
    fixture.keep(0, &answer(&fixture.ada, "kept", true));
    let (begun, end) = run_of(answer(&fixture.bob, "new", true));
    let fresh = fixture.joined(&fixture.bob, true, |_| begun);
    let joined = fixture.answers.lock().run(Key { question: fixture.question.clone(), caller: None }, false, never);
    end.send(()).expect("it runs");
    for run in [fresh, joined] {
        assert_eq!(run.await.result.expect("an answer").as_ref(), "new");
    }
}

#[tokio::test]
async fn a_run_for_one_caller_is_joined_by_nobody_else() {
    let fixture = fixture();
    let (begun, _end) = run_of(answer(&fixture.ada, "of ada", false));
    let _of_ada = fixture.answers.seek_own(&fixture.question, &fixture.ada, |_| begun);
    let _of_ada_again = fixture.answers.seek_own(&fixture.question, &fixture.ada, never);
    let (begun, end) = run_of(answer(&fixture.bob, "of bob", false));
    let of_bob = fixture.answers.seek_own(&fixture.question, &fixture.bob, |_| begun);
    end.send(()).expect("it runs");
    let answered = of_bob.await;
    assert!(answered.is_for(&fixture.bob) && !answered.is_for(&fixture.ada));
}

#[test]
fn what_is_kept_is_bounded_in_number_and_size_and_the_oldest_go_first() {
    let fixture = fixture();
    let question = |number: usize| Question::named(&format!("generator {number}"));
    let is_kept = |number: usize| {
        let key = Key { question: question(number), caller: None };
        fixture.answers.lock().kept.contains_key(&key)
    };
    for number in 0..MOST_ANSWERS + 10 {
        fixture.answers.keep(question(number), number as RunNumber, &answer(&fixture.ada, "[]", true));
    }
    assert!(!is_kept(9) && is_kept(10) && is_kept(MOST_ANSWERS + 9));

    let large = "x".repeat(LARGEST_BYTES);
    for number in 10_000..10_000 + MOST_BYTES / LARGEST_BYTES + 1 {
        fixture.answers.keep(question(number), number as RunNumber, &answer(&fixture.ada, &large, true));
    }
    assert!(!is_kept(10_000) && is_kept(10_001), "the newest fill what there is");
    let state = fixture.answers.lock();
    assert_eq!(state.kept_bytes, state.kept.values().map(|kept| kept.json.len()).sum::<usize>());
    assert!(state.kept_bytes <= MOST_BYTES);
    drop(state);
    fixture.answers.keep(question(1), 20_000, &answer(&fixture.ada, &"x".repeat(LARGEST_BYTES + 1), true));
    assert!(!is_kept(1) && is_kept(10_001), "one that is too large takes no other's place");
}
