//! Figures of what ended.

use chrono::{DateTime, Duration, Utc};
use msp_domain::{Clock, Permission, Scope};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{Duration as StdDuration, Instant};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
from shared.decorators import workflow

@workflow(name="quick", description="Returns at once", category="demo", minutes_saved=20)
async def quick(context):
    return "done"

@workflow(name="broken", description="Fails at once", category="demo", minutes_saved=20)
async def broken(context):
    raise RuntimeError("broken")
"#;

async fn past(app: &TestApp, org: &Organization, workflow: &str) {
    let (scope, user) = (Scope::Org(org.id), app.admin().user());
    let past = PastExecution { scope, workflow: workflow.into(), user, result: json!(1), log: "a line".into() };
    let _ = app.past_execution(&past).await;
}

async fn statistics(caller: &TestCaller, org: Option<&Organization>, query: &str) -> Value {
    let path = format!("/api/statistics{query}");
    caller.get(org.map(|org| org.id), &path).await.expect(200).json()
}

fn day(at: DateTime<Utc>) -> String {
    at.date_naive().to_string()
}

#[tokio::test]
async fn everybody_sees_the_figures_of_the_organizations_they_may_view_and_of_no_other() {
    let app = TestApp::new().await;
    let (one, two, three) = (app.org("Contoso").await, app.org("Fabrikam").await, app.org("Litware").await);
    for (org, count) in [(&one, 1), (&two, 2), (&three, 4)] {
        for _ in 0..count {
            past(&app, org, "demo").await;
        }
    }
    let viewer = app.user_with(&one, [Permission::ViewHistory]).await;
    app.grant(&viewer, two.id, [Permission::ViewHistory].into_iter().collect()).await;
    app.grant(&viewer, three.id, [Permission::ExecuteWorkflows].into_iter().collect()).await;
    let succeeded = async |caller: &TestCaller, org: Option<&Organization>| {
        statistics(caller, org, "").await["total"]["succeeded"].clone()
    };
    assert_eq!(succeeded(&viewer, None).await, 3);
    assert_eq!(succeeded(&viewer, Some(&two)).await, 2);
    viewer.get(Some(three.id), "/api/statistics").await.assert_problem(403, "permission-denied");
    viewer.get(None, &format!("/api/statistics?org_id={}", three.id)).await.assert_problem(403, "permission-denied");
    assert_eq!(succeeded(&app.admin(), None).await, 7);
    assert_eq!(succeeded(&app.admin(), Some(&three)).await, 4);
    assert_eq!(succeeded(&app.user("nobody@msp.example").await, None).await, 0);
    app.stranger().get(None, "/api/statistics").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn days_are_shown_without_gap_and_workflows_by_how_often_they_ended() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let first = app.clock.now();
    past(&app, &org, "rare").await;
    app.clock.advance(Duration::days(2));
    for _ in 0..3 {
        past(&app, &org, "frequent").await;
    }
    let admin = app.admin();
    let seen = statistics(&admin, Some(&org), &format!("?from={}&to={}", day(first), day(app.clock.now()))).await;
    let days: Vec<(&Value, &Value)> =
        seen["days"].as_array().expect("days").iter().map(|day| (&day["day"], &day["succeeded"])).collect();
    let expected = [0, 1, 2].map(|days| json!(day(first + Duration::days(days))));
    assert_eq!(days, [(&expected[0], &json!(1)), (&expected[1], &json!(0)), (&expected[2], &json!(3))]);
    let names: Vec<&Value> =
        seen["workflows"].as_array().expect("workflows").iter().map(|workflow| &workflow["workflow_name"]).collect();
    assert_eq!(names, ["frequent", "rare"]);
    assert_eq!((&seen["total"]["succeeded"], &seen["failed_last_24h"]), (&json!(4), &json!(0)));
    let usual = statistics(&admin, None, "").await;
    assert_eq!(usual["days"].as_array().map(Vec::len), Some(30));
    for query in
        ["?from=2026-02-30", "?to=yesterday", "?from=2026-03-02&to=2026-03-01", "?from=2024-01-01&to=2026-01-01"]
    {
        admin.get(None, &format!("/api/statistics{query}")).await.assert_problem(400, "query-invalid");
    }
}

#[tokio::test]
async fn the_engine_counts_what_it_ends_with_the_time_that_successes_save() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let (org, admin) = (app.org("Contoso").await, app.admin());
    for (workflow, status) in [("quick", 200), ("quick", 200), ("broken", 424)] {
        let path = format!("/workflows/{workflow}");
        let _ = admin.post(Some(org.id), &path, json!({})).await.expect(status);
    }
    let give_up = Instant::now() + StdDuration::from_secs(60);
    let seen = loop {
        let seen = statistics(&admin, Some(&org), "").await;
        if seen["total"]["succeeded"] == 2 && seen["total"]["failed"] == 1 {
            break seen;
        }
        assert!(Instant::now() < give_up, "they are not counted: {seen}");
        tokio::task::yield_now().await;
    };
    assert_eq!((&seen["total"]["minutes_saved"], &seen["failed_last_24h"]), (&json!(40), &json!(1)));
    assert!(app.repositories.executions.active().await.expect("read").is_empty());
    app.clock.advance(Duration::hours(25));
    assert_eq!(statistics(&app.admin(), Some(&org), "").await["failed_last_24h"], 0, "that was the day before");
}
