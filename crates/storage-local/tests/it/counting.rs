//! Counting what ended: each exactly once, whatever dies, whoever counts as well, and whatever is removed later.

use crate::dying::dying;
use crate::support::{TestHome, actor};
use chrono::{Duration, NaiveDate};
use msp_domain::{Clock, ExecutionStatus, OrgId, Scope, UserId};
use msp_storage::repositories::executions::{Ended, Ending, Entry, Execution, Figures};
use msp_storage::{Entity, IfMatch, Query, Table, Write};

/// More than one batch.
const MANY: usize = 120;

pub async fn end(home: &TestHome, scope: Scope, workflow: &str, status: ExecutionStatus) -> Execution {
    let mut new = home.new_execution(scope, UserId::random());
    workflow.clone_into(&mut new.workflow_name);
    new.minutes_saved = Some(15);
    let owner = Entry::Claimed { owner: "boot-1".into(), deadline_at: home.clock.now() };
    let run = home.insert(&new, &owner).await;
    let ending = Ending {
        status,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at: home.clock.now() + Duration::milliseconds(20),
        logs_through: 0,
    };
    home.repositories.executions.finish(&run, &ending).await.expect("ended")
}

fn today(home: &TestHome) -> NaiveDate {
    home.clock.now().date_naive()
}

async fn total(home: &TestHome, scope: Option<Scope>) -> Figures {
    let (from, to) = (today(home) - Duration::days(5), today(home) + Duration::days(5));
    let counters = home.repositories.executions.counted(scope, from, to).await.expect("read");
    counters.iter().fold(Figures::default(), |mut total, counter| {
        total.add(&counter.figures);
        total
    })
}

async fn count_the_rest(home: &TestHome) {
    let executions = &home.repositories.executions;
    executions.count(&executions.uncounted().await.expect("read")).await.expect("counted");
    assert!(executions.active().await.expect("read").is_empty(), "a pointer is left");
}

#[tokio::test]
async fn outcomes_are_counted_by_scope_day_and_workflow_and_over_all() {
    let home = TestHome::new().await;
    let (one, other) = (Scope::Org(OrgId::random()), Scope::Global);
    let mut ended = vec![end(&home, one, "Größe: 1/2", ExecutionStatus::Success).await];
    ended.push(end(&home, one, "Größe: 1/2", ExecutionStatus::Failed).await);
    ended.push(end(&home, one, "another", ExecutionStatus::TimedOut).await);
    ended.push(end(&home, other, "another", ExecutionStatus::Cancelled).await);
    let first_day = today(&home);
    home.clock.turn(Duration::days(1));
    ended.push(end(&home, one, "another", ExecutionStatus::Interrupted).await);
    let waiting: Vec<Ended> = ended.iter().filter_map(Ended::of).collect();
    let executions = &home.repositories.executions;
    executions.count(&waiting).await.expect("counted");
    executions.count(&waiting).await.expect("and not again");

    let figures = |succeeded, failed, cancelled, minutes_saved| Figures {
        succeeded,
        failed,
        cancelled,
        duration_ms: 20 * (succeeded + failed + cancelled),
        minutes_saved,
    };
    assert_eq!(total(&home, Some(one)).await, figures(1, 3, 0, 15));
    assert_eq!(total(&home, Some(other)).await, figures(0, 0, 1, 0));
    assert_eq!(total(&home, None).await, figures(1, 3, 1, 15));
    let day = executions.counted(Some(one), first_day, first_day).await.expect("read");
    let of_day: Vec<_> = day.iter().map(|counter| (counter.workflow_name.as_str(), counter.figures.ended())).collect();
    assert_eq!(of_day, [("Größe: 1/2", 2), ("another", 1)]);
    assert_eq!(day.iter().map(|counter| counter.failed_by_hour.iter().sum::<u64>()).collect::<Vec<_>>(), [1, 1]);
    assert!(executions.active().await.expect("read").is_empty(), "counters are no pointers");
}

#[tokio::test]
async fn wherever_counting_is_interrupted_each_is_counted_once() {
    let home = TestHome::new().await;
    let scope = Scope::Org(OrgId::random());
    let mut all = 0;
    for loses_only_the_answer in [false, true] {
        for at in 1..=3 {
            let mut waiting = Vec::new();
            for _ in 0..MANY {
                let ended = end(&home, scope, "demo", ExecutionStatus::Success).await;
                waiting.extend(Ended::of(&ended));
            }
            all += MANY as u64;
            let interrupted = dying(&home, at, loses_only_the_answer).executions.count(&waiting).await;
            assert_eq!(interrupted.is_ok(), at == 3, "dead at write {at}");
            // The same again, by whoever does not know how far it got, and by the next engine.
            home.repositories.executions.count(&waiting).await.expect("counted");
            count_the_rest(&home).await;
            assert_eq!(total(&home, Some(scope)).await.succeeded, all, "dead at write {at}");
            assert_eq!(total(&home, None).await.succeeded, all);
        }
    }
}

#[tokio::test]
async fn two_who_count_at_the_same_time_count_each_once() {
    let home = TestHome::new().await;
    let scopes = [Scope::Org(OrgId::random()), Scope::Org(OrgId::random())];
    let mut waiting = Vec::new();
    for number in 0..MANY {
        waiting.extend(Ended::of(&end(&home, scopes[number % 2], "demo", ExecutionStatus::Failed).await));
    }
    let executions = &home.repositories.executions;
    let (odd, rest) = waiting.split_at(MANY / 2);
    let counted = tokio::join!(executions.count(&waiting), executions.count(odd), executions.count(rest));
    assert!(counted.0.is_ok() && counted.1.is_ok() && counted.2.is_ok(), "{counted:?}");
    assert_eq!(total(&home, None).await.failed, MANY as u64);
    assert_eq!(total(&home, Some(scopes[0])).await.failed, MANY as u64 / 2);
}

#[tokio::test]
async fn what_is_removed_has_been_counted_and_stays_so() {
    let home = TestHome::new().await;
    let ended = end(&home, Scope::Global, "demo", ExecutionStatus::Success).await;
    let executions = &home.repositories.executions;
    executions.remove(Scope::Global, ended.id).await.expect("removed");
    executions.count(&Ended::of(&ended).into_iter().collect::<Vec<_>>()).await.expect("not again");
    assert_eq!(total(&home, None).await.succeeded, 1);
    count_the_rest(&home).await;
    assert_eq!(total(&home, Some(Scope::Global)).await.minutes_saved, 15);
}

#[tokio::test]
async fn a_repair_counts_anew_what_is_there_and_leaves_what_retention_has_removed() {
    let home = TestHome::new().await;
    let (one, other) = (Scope::Org(home.org().await), Scope::Org(home.org().await));
    let executions = &home.repositories.executions;
    let removed = end(&home, one, "demo", ExecutionStatus::Success).await;
    count_the_rest(&home).await;
    let day = today(&home);
    home.clock.turn(Duration::days(2));
    home.repositories.retention.begin(one, 1, home.clock.now() - Duration::days(1)).await.expect("begun");
    executions.remove(one, removed.id).await.expect("removed");
    for scope in [one, other] {
        end(&home, scope, "demo", ExecutionStatus::Failed).await;
    }
    count_the_rest(&home).await;
    end(&home, other, "demo", ExecutionStatus::Success).await;
    let before = [total(&home, Some(one)).await, total(&home, Some(other)).await, total(&home, None).await];
    assert_eq!((before[0].succeeded, before[0].failed, before[2].failed), (1, 1, 2));

    let repair = async |mend| {
        let mut found = Vec::new();
        let actor = actor(UserId::random());
        let tally = home.repositories.repair(mend, &actor, &mut |finding| found.push(finding.to_string())).await;
        (tally.expect("repaired").repairable, found)
    };
    assert_eq!(repair(true).await, (0, Vec::new()), "what is not counted yet is no damage");
    let tables = &home.home.stores.tables;
    let counters = Query::partition("ACTIVE").rows_with_prefix("~day_");
    for row in tables.query_all(Table::ActiveExecutions, counters).await.expect("read") {
        // Of the days that can be counted anew, one counter is wrong and the other is gone; the sum over both stays.
        let is_later = row.text("Day").expect("a day") != day.to_string();
        if is_later && row.row_key.contains(&one.key()) {
            let wrong = Write::UpsertMerge(Entity::new("ACTIVE", row.row_key.as_str()).with("Failed", 70_i64));
            tables.write(Table::ActiveExecutions, wrong).await.expect("written");
        } else if is_later && row.row_key.contains(&other.key()) {
            let gone = Write::delete("ACTIVE", row.row_key, IfMatch::Any);
            tables.write(Table::ActiveExecutions, gone).await.expect("deleted");
        }
    }
    let (damages, found) = repair(false).await;
    assert!(damages == 2 && found.iter().all(|finding| finding.contains("figures")), "{found:?}");
    assert_eq!(repair(true).await.0, 2);
    assert_eq!(repair(true).await.0, 0);
    assert_eq!([total(&home, Some(one)).await, total(&home, Some(other)).await], before[..2]);
    count_the_rest(&home).await;
    assert_eq!(total(&home, Some(other)).await.succeeded, 1, "what waited is counted");
}
