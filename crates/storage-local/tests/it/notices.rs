//! Failures that are to be told: added exactly once, in the batch that counts them, and bounded whatever workflows raise.

use crate::dying::dying;
use crate::support::TestHome;
use chrono::{Duration, TimeDelta};
use msp_domain::notification::{Channel, DEFAULT_STATUSES};
use msp_domain::{Clock, ExecutionStatus, NotificationRule, Scope, UserId};
use msp_storage::repositories::Actor;
use msp_storage::repositories::executions::{Ended, Ending, Entry, Execution};
use msp_storage::repositories::notifications::{Notice, StoredRule};
use msp_storage::{Entity, Query, SecretNamespace, SecretValue, Table, Write};

/// More than one batch.
const MANY: usize = 120;

async fn rule(home: &TestHome, scope: Scope, workflow: Option<&str>) -> StoredRule {
    let rule = NotificationRule {
        name: "Service desk".to_owned(),
        enabled: true,
        workflow: workflow.map(str::to_owned),
        statuses: DEFAULT_STATUSES.to_vec(),
        quiet_minutes: 15,
        channel: Channel::Webhook { host: "hooks.example.com".to_owned() },
    };
    let url = SecretValue::new("https://hooks.example.com/signature");
    home.repositories.notification_rules.create(scope, rule, Some(url), &Actor::PLATFORM).await.expect("a rule")
}

async fn end(home: &TestHome, scope: Scope, workflow: &str, status: ExecutionStatus, error: &str) -> Execution {
    let mut new = home.new_execution(scope, UserId::random());
    workflow.clone_into(&mut new.workflow_name);
    let run = home.insert(&new, &Entry::Claimed { owner: "boot".into(), deadline_at: new.started_at }).await;
    let ending = Ending {
        status,
        result_json: None,
        error_type: Some(error.to_owned()),
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: 0,
    };
    home.repositories.executions.finish(&run, &ending).await.expect("ended")
}

async fn count(home: &TestHome, ended: &[Execution]) {
    let ended: Vec<Ended> = ended.iter().filter_map(Ended::of).collect();
    home.repositories.executions.count(&ended).await.expect("counted");
}

async fn all(home: &TestHome) -> Vec<Notice> {
    home.repositories.notices.all().await.expect("read")
}

#[tokio::test]
async fn equal_failures_are_one_notice_of_each_rule_that_wants_them() {
    let home = TestHome::new().await;
    let (org, other) = (Scope::Org(home.org().await), Scope::Org(home.org().await));
    let own = rule(&home, org, None).await;
    let everybodys = rule(&home, Scope::Global, Some("onboard")).await;
    let ended = [
        end(&home, org, "onboard", ExecutionStatus::Failed, "ValueError").await,
        end(&home, org, "onboard", ExecutionStatus::Failed, "ValueError").await,
        end(&home, org, "onboard", ExecutionStatus::Failed, "KeyError").await,
        end(&home, org, "onboard", ExecutionStatus::Success, "").await,
        end(&home, org, "onboard", ExecutionStatus::Cancelled, "cancelled").await,
        end(&home, other, "onboard", ExecutionStatus::TimedOut, "timed_out").await,
        end(&home, other, "offboard", ExecutionStatus::Failed, "ValueError").await,
    ];
    count(&home, &ended).await;
    count(&home, &ended).await;
    let mut told: Vec<_> = all(&home)
        .await
        .into_iter()
        .map(|notice| (notice.rule == own.id, notice.scope == org, notice.workflow, notice.error_type, notice.untold))
        .collect();
    told.sort();
    let line = |own, here, error: &str, untold| (own, here, "onboard".to_owned(), error.to_owned(), untold);
    let expected = [
        line(false, false, "timed_out", 1),
        line(false, true, "KeyError", 1),
        line(false, true, "ValueError", 2),
        line(true, true, "KeyError", 1),
        line(true, true, "ValueError", 2),
    ];
    assert_eq!(told, expected);
    let untold = async |rule: &StoredRule| home.repositories.notices.untold(rule.id).await.expect("read");
    assert_eq!((untold(&own).await, untold(&everybodys).await), (3, 4));
    assert!(home.repositories.executions.active().await.expect("read").is_empty(), "notices are no pointers");
    let tally = home.repositories.repair(false, &Actor::PLATFORM, &mut |finding| panic!("{finding}")).await;
    assert_eq!(tally.expect("looked").repairable, 0);
}

#[tokio::test]
async fn wherever_counting_is_interrupted_each_failure_is_told_once() {
    for loses_only_the_answer in [false, true] {
        for at in 1..=3 {
            let home = TestHome::new().await;
            let org = Scope::Org(home.org().await);
            rule(&home, org, None).await;
            let mut waiting = Vec::new();
            for _ in 0..MANY {
                waiting.extend(Ended::of(&end(&home, org, "demo", ExecutionStatus::Failed, "ValueError").await));
            }
            let interrupted = dying(&home, at, loses_only_the_answer).executions.count(&waiting).await;
            assert_eq!(interrupted.is_ok(), at == 3, "dead at write {at}");
            // By whoever does not know how far it got, and by the next engine.
            let executions = &home.repositories.executions;
            executions.count(&waiting).await.expect("counted");
            executions.count(&executions.uncounted().await.expect("read")).await.expect("counted");
            let untold: Vec<u64> = all(&home).await.iter().map(|notice| notice.untold).collect();
            assert_eq!(untold, [MANY as u64], "dead at write {at}");
        }
    }
}

#[tokio::test]
async fn more_kinds_than_a_rule_keeps_apart_are_told_together_and_many_rules_fit_into_a_batch() {
    let home = TestHome::new().await;
    let org = Scope::Org(home.org().await);
    for _ in 0..20 {
        rule(&home, org, None).await;
        rule(&home, Scope::Global, None).await;
    }
    let mut ended = Vec::new();
    for number in 0..60 {
        ended.push(end(&home, org, "demo", ExecutionStatus::Failed, &format!("Error{number}")).await);
    }
    count(&home, &ended).await;
    let notices = all(&home).await;
    assert_eq!(notices.len(), 40 * 51);
    let mixed: Vec<u64> = notices.iter().filter(|notice| notice.is_mixed).map(|notice| notice.untold).collect();
    assert_eq!(mixed, [10; 40]);
}

#[tokio::test]
async fn what_fails_after_a_message_waits_for_the_end_of_the_quiet_time() {
    let home = TestHome::new().await;
    let notices = &home.repositories.notices;
    rule(&home, Scope::Global, None).await;
    let first = end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await;
    count(&home, std::slice::from_ref(&first)).await;
    let notice = all(&home).await.remove(0);
    assert_eq!((notice.first, notice.due_at, notice.told_at), (first.id, home.clock.now(), None));
    // One more while the message is on its way.
    home.clock.turn(Duration::seconds(10));
    let second = end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await;
    count(&home, std::slice::from_ref(&second)).await;
    notices.told(&notice, TimeDelta::minutes(15)).await.expect("written");
    let told = all(&home).await.remove(0);
    let due_at = home.clock.now() + Duration::minutes(15);
    assert_eq!((told.untold, told.first, told.told_at, told.due_at), (1, second.id, Some(home.clock.now()), due_at));
    // Failing to tell keeps everything; success forgets how long it took.
    let later = due_at + Duration::minutes(5);
    notices.postpone(&told, later).await.expect("written");
    let postponed = all(&home).await.remove(0);
    assert_eq!((postponed.untold, postponed.attempts, postponed.due_at), (1, 1, later));
    assert_eq!(postponed.tried_since, Some(home.clock.now()));
    notices.told(&postponed, TimeDelta::minutes(15)).await.expect("written");
    let told = all(&home).await.remove(0);
    assert_eq!((told.untold, told.attempts, told.tried_since), (0, 0, None));
    // What was added meanwhile is not forgotten.
    let third = end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await;
    count(&home, &[third]).await;
    notices.forget(&told).await.expect("nothing");
    let grown = all(&home).await.remove(0);
    assert_eq!(grown.untold, 1);
    notices.forget(&grown).await.expect("forgotten");
    assert!(all(&home).await.is_empty());
}

#[tokio::test]
async fn what_waits_is_dropped_when_its_rule_is_switched_off() {
    let home = TestHome::new().await;
    let stored = rule(&home, Scope::Global, None).await;
    count(&home, &[end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await]).await;
    assert_eq!(all(&home).await.len(), 1);
    let off = NotificationRule { enabled: false, ..stored.rule };
    let rules = &home.repositories.notification_rules;
    rules.replace((Scope::Global, stored.id), &off, None, None, &Actor::PLATFORM).await.expect("switched off");
    assert!(all(&home).await.is_empty());
    count(&home, &[end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await]).await;
    assert!(all(&home).await.is_empty());
}

#[tokio::test]
async fn a_damaged_row_keeps_no_failure_from_being_counted_and_told() {
    let home = TestHome::new().await;
    let (stored, damaged) = (rule(&home, Scope::Global, None).await, rule(&home, Scope::Global, None).await);
    let failing = || end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError");
    count(&home, &[failing().await]).await;
    let tables = &home.home.stores.tables;
    let row = Entity::new("GLOBAL", format!("rule:{}", damaged.id)).with("Rule", "{");
    tables.write(Table::NotificationRules, Write::UpsertReplace(row)).await.expect("damaged");
    for notice in tables.query_all(Table::ActiveExecutions, Query::partition("ACTIVE")).await.expect("read") {
        if notice.row_key.starts_with("~notice_") {
            let row = Entity::new("ACTIVE", notice.row_key).with("Untold", "many");
            tables.write(Table::ActiveExecutions, Write::UpsertReplace(row)).await.expect("damaged");
        }
    }
    assert!(all(&home).await.is_empty());
    let mut named = Vec::new();
    home.repositories
        .repair(false, &Actor::PLATFORM, &mut |finding| named.push(finding.to_string()))
        .await
        .expect("ok");
    assert_eq!(named.len(), 3, "{named:#?}");
    count(&home, &[failing().await]).await;
    let told: Vec<_> = all(&home).await.iter().map(|notice| (notice.rule, notice.untold)).collect();
    assert_eq!(told, [(stored.id, 1)]);
}

#[tokio::test]
async fn what_a_rule_had_to_tell_goes_with_it() {
    let home = TestHome::new().await;
    let rules = &home.repositories.notification_rules;
    let (kept, gone) = (rule(&home, Scope::Global, None).await, rule(&home, Scope::Global, None).await);
    count(&home, &[end(&home, Scope::Global, "demo", ExecutionStatus::Failed, "ValueError").await]).await;
    rules.note(&gone, Some("nobody answers")).await.expect("noted");
    let delivery = rules.delivery(Scope::Global, gone.id).await.expect("read");
    assert_eq!(delivery.last_error.as_deref(), Some("nobody answers"));
    rules.delete((Scope::Global, gone.id), None, &Actor::PLATFORM).await.expect("deleted");
    assert_eq!(all(&home).await.iter().map(|notice| notice.rule).collect::<Vec<_>>(), [kept.id]);
    let secrets = home.home.stores.secrets.names(SecretNamespace::Notification, Scope::Global).await.expect("read");
    assert_eq!(secrets.len(), 1);
    // Whoever was telling meanwhile leaves nothing behind.
    rules.note(&gone, None).await.expect("nothing");
    assert!(rules.deliveries(Scope::Global).await.expect("read").is_empty());
}
