//! Telling of failures where something is damaged, or the clock was wrong.

use chrono::Duration;
use msp_domain::{
    Clock, ExecutionStatus, NotificationRule, Scope,
    notification::{Channel, DEFAULT_STATUSES},
};
use msp_notifications::Notifications;
use msp_storage::{
    Entity, IfMatch, Table, Write,
    repositories::{
        Actor,
        executions::{Ended, Ending},
        notifications::{Notice, StoredRule},
        organizations::Organization,
    },
};
use msp_test_support::{PastExecution, TestApp};
use serde_json::json;
use std::time::{Duration as StdDuration, Instant};
use tokio_util::sync::CancellationToken;

/// A rule of this organization. There is no mail server: telling fails, and the rule says why.
async fn rule(app: &TestApp, org: &Organization) -> StoredRule {
    let rule = NotificationRule {
        name: "Desk".to_owned(),
        enabled: true,
        workflow: None,
        statuses: DEFAULT_STATUSES.to_vec(),
        quiet_minutes: 15,
        channel: Channel::Email { recipients: vec!["desk@msp.example".to_owned()] },
    };
    let rules = &app.repositories.notification_rules;
    rules.create(Scope::Org(org.id), rule, None, &Actor::PLATFORM).await.expect("a rule")
}

/// A run that fails, and is counted.
async fn failed(app: &TestApp, org: &Organization) {
    let past = PastExecution {
        scope: Scope::Org(org.id),
        workflow: "demo".into(),
        user: app.admin().user(),
        result: json!(1),
        log: "line".into(),
    };
    let running = app.running_execution(&past).await;
    let ending = Ending {
        status: ExecutionStatus::Failed,
        result_json: None,
        error_type: Some("Oops".to_owned()),
        error_message: None,
        completed_at: app.clock.now(),
        logs_through: 1,
    };
    let ended = app.repositories.executions.finish(&running, &ending).await.expect("ended");
    app.repositories.executions.count(&Ended::of(&ended).into_iter().collect::<Vec<_>>()).await.expect("counted");
}

/// Tells as a server does that starts now, until so many attempts are on record.
async fn tell(app: &TestApp, attempts: u32) -> Notice {
    let stop = CancellationToken::new();
    let base = "http://127.0.0.1:7071";
    let telling = Notifications::new(app.repositories.clone(), app.clock.clone(), base, None).expect("no mail server");
    let task = tokio::spawn(telling.run(stop.clone()));
    let give_up = Instant::now() + StdDuration::from_secs(30);
    let notice = loop {
        let notice = app.repositories.notices.all().await.expect("read").remove(0);
        if notice.attempts == attempts {
            break notice;
        }
        assert!(Instant::now() < give_up, "{notice:?}");
        tokio::time::sleep(StdDuration::from_millis(10)).await;
    };
    stop.cancel();
    task.await.expect("it ends");
    notice
}

#[tokio::test]
async fn a_failure_of_an_organization_that_cannot_be_read_is_told_without_its_name() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let rule = rule(&app, &org).await;
    failed(&app, &org).await;
    let damaged = Entity::new("ORG", org.id.key()).with("IsActive", 7.5);
    let tables = &app.repositories.stores.tables;
    tables.write(Table::Organizations, Write::Merge(damaged, IfMatch::Any)).await.expect("damaged");
    assert!(app.repositories.organizations.get(org.id).await.is_err());

    tell(&app, 1).await;

    let delivery = app.repositories.notification_rules.delivery(rule.scope, rule.id).await.expect("read");
    let error = delivery.last_error.expect("it was handed over");
    assert!(error.contains("no mail server"), "{error}");
}

#[tokio::test]
async fn what_was_put_off_while_the_clock_was_ahead_is_tried_when_it_is_right_again() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    rule(&app, &org).await;
    failed(&app, &org).await;
    app.clock.advance(Duration::days(10));
    let put_off = tell(&app, 1).await;
    app.clock.advance(-Duration::days(10));
    assert!(put_off.due_at > app.clock.now() + Duration::days(9), "{put_off:?}");

    let tried = tell(&app, 2).await;

    assert!(tried.due_at < app.clock.now() + Duration::hours(2), "{tried:?}");
}
