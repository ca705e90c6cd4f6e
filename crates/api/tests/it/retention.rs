//! How long executions are kept: who says so, and what is removed.

use chrono::Duration;
use msp_domain::{OrgId, Permission, Scope};
use msp_storage::repositories::executions::Execution;
use msp_storage::{Entity, Table, Write};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{Duration as StdDuration, Instant};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow

@workflow(name="endless", description="Waits until it is ended", category="demo")
async def endless(context):
    await asyncio.sleep(600)
"#;

async fn past(app: &TestApp, scope: Scope) -> Execution {
    let user = app.admin().user();
    let past = PastExecution { scope, workflow: "demo".into(), user, result: json!("done"), log: "a line".into() };
    app.past_execution(&past).await
}

/// The executions a caller sees, newest first.
async fn seen(caller: &TestCaller) -> Vec<Value> {
    let list = caller.get(None, "/api/executions").await.expect(200).json();
    list["items"].as_array().expect("items").iter().map(|item| item["id"].clone()).collect()
}

/// The passes until one that began after now has ended.
pub(crate) async fn next_pass(app: &TestApp, change: impl AsyncFnOnce()) -> Value {
    let before = app.repositories.retention.last_sweep().await.expect("read").map(|sweep| sweep.started_at);
    change().await;
    let give_up = Instant::now() + StdDuration::from_secs(60);
    loop {
        let sweep = app.repositories.retention.last_sweep().await.expect("read");
        if sweep.is_some_and(|sweep| Some(sweep.started_at) > before && sweep.ended_at.is_some()) {
            return app.admin().get(None, "/api/retention").await.expect(200).json()["last_pass"].clone();
        }
        assert!(Instant::now() < give_up, "no pass ends");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_organization_inherits_the_limit_of_the_installation_until_it_has_its_own() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let admin = app.admin();
    let member = app.user_with(&own, [Permission::ExecuteWorkflows]).await;
    let path = format!("/api/organizations/{}/retention", own.id);
    let limit = async |org: OrgId| {
        let answer = admin.get(None, &format!("/api/organizations/{org}/retention")).await.expect(200).json();
        (answer["days"].clone(), answer["origin"].clone())
    };

    assert_eq!(limit(own.id).await, (Value::Null, json!("global")), "everything is kept at first");
    assert_eq!(admin.get(None, "/api/retention").await.expect(200).json()["last_pass"], Value::Null);
    let set = admin.put(None, "/api/retention", json!({ "days": 365 })).await.expect(200).json();
    assert_eq!((&set["days"], &set["updated_by"]), (&json!(365), &json!(admin.user())));
    assert_eq!(limit(own.id).await, (json!(365), json!("global")));
    let _ = admin.put(None, &path, json!({ "days": 30 })).await.expect(200);
    assert_eq!(limit(own.id).await, (json!(30), json!("organization")));
    assert_eq!(limit(other.id).await, (json!(365), json!("global")));
    let _ = admin.put(None, &path, json!({ "days": null })).await.expect(200);
    assert_eq!(limit(own.id).await, (Value::Null, json!("organization")), "one may keep everything");
    assert_eq!(member.get(None, &path).await.expect(200).json()["origin"], "organization");
    let _ = admin.delete(None, &path).await.expect(204);
    let _ = admin.delete(None, &path).await.expect(204);
    assert_eq!(limit(own.id).await, (json!(365), json!("global")));

    let rows = app.audit(Scope::Org(own.id)).await;
    let changes: Vec<_> = rows.iter().filter(|row| row.draft.action.starts_with("Retention")).collect();
    let details: Vec<&Value> = changes.iter().map(|row| &row.draft.details).collect();
    assert_eq!(
        details,
        [
            &json!({ "before": { "days": null }, "after": null }),
            &json!({ "before": { "days": 30 }, "after": { "days": null } }),
            &json!({ "before": null, "after": { "days": 30 } }),
        ]
    );
}

#[tokio::test]
async fn a_limit_is_set_by_administrators_within_bounds_and_for_the_version_they_saw() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let admin = app.admin();
    let member = app.user_with(&own, Permission::ALL).await;
    let path = format!("/api/organizations/{}/retention", own.id);
    let foreign = format!("/api/organizations/{}/retention", other.id);
    for path in [&path, &foreign, "/api/retention"] {
        member.put(None, path, json!({ "days": 1 })).await.assert_problem(403, "administrator-required");
    }
    member.delete(None, &path).await.assert_problem(403, "administrator-required");
    member.get(None, &foreign).await.assert_problem(403, "permission-denied");
    member.get(None, "/api/retention").await.assert_problem(403, "administrator-required");
    for body in
        [json!({}), json!({ "days": 0 }), json!({ "days": 3651 }), json!({ "days": "9" }), json!({ "days": 1.5 })]
    {
        let answer = admin.put(None, &path, body.clone()).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"].as_str().unwrap_or("#/days"), "#/days", "{body}");
    }
    let unknown = format!("/api/organizations/{}/retention", OrgId::random());
    admin.put(None, &unknown, json!({ "days": 1 })).await.assert_problem(404, "not-found");
    admin.delete(None, &unknown).await.assert_problem(404, "not-found");
    assert!(app.repositories.retention.all().await.expect("read").is_empty(), "nothing was set");

    let first = admin.put(None, &path, json!({ "days": 30 })).await.expect(200);
    let _ = admin.put(None, &path, json!({ "days": 60 })).await.expect(200);
    for method in ["PUT", "DELETE"] {
        let request = admin.request(method, &path).header("if-match", first.header("etag"));
        let request = if method == "PUT" { request.json(&json!({ "days": 90 })) } else { request };
        let stale = request.send().await;
        stale.assert_problem(412, "stale-version");
        assert_eq!(stale.json()["current"]["days"], 60, "{method}");
    }
}

#[tokio::test]
async fn what_has_expired_is_removed_and_nothing_younger_and_nothing_that_goes_on() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let admin = app.admin();
    let (short, long) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let scopes = [Scope::Org(short.id), Scope::Org(long.id), Scope::Global];
    let mut old = Vec::new();
    for scope in scopes {
        old.push(past(&app, scope).await);
    }
    let request = admin.request("POST", "/workflows/endless").org(short.id).header("prefer", "respond-async");
    let running = request.json(&json!({})).send().await.expect(202).json()["execution_id"].clone();
    app.clock.advance(Duration::days(10));
    // Kept by less than a day and an hour, removed by more.
    let edge = past(&app, Scope::Org(short.id)).await;
    app.clock.advance(Duration::days(5) - Duration::hours(1));
    let fresh = past(&app, Scope::Org(short.id)).await;
    let admin = app.admin();

    let default = async || drop(admin.put(None, "/api/retention", json!({ "days": 20 })).await.expect(200));
    assert_eq!(next_pass(&app, default).await["removed"], 0, "nothing is that old");
    let own = format!("/api/organizations/{}/retention", short.id);
    let set = async || drop(admin.put(None, &own, json!({ "days": 5 })).await.expect(200));
    let pass = next_pass(&app, set).await;
    assert_eq!((&pass["removed"], &pass["failed"]), (&json!(1), &json!(0)), "{pass}");
    assert_eq!((&pass["organizations"], &pass["organizations_done"]), (&json!(3), &json!(3)));
    let kept = [&fresh.id, &edge.id].map(|id| json!(id));
    let after = seen(&admin).await;
    assert!(kept.iter().all(|id| after.contains(id)), "{after:?}");
    assert!(after.contains(&running), "what goes on stays: {after:?}");
    assert!(!after.contains(&json!(old[0].id)), "{after:?}");
    assert!(old[1..].iter().all(|other| after.contains(&json!(other.id))), "others have another limit: {after:?}");

    app.clock.advance(Duration::hours(2));
    let admin = app.admin();
    let raised = async || drop(admin.put(None, &own, json!({ "days": 5 })).await.expect(200));
    assert_eq!(next_pass(&app, raised).await["removed"], 1, "its time has come");
    let gone = admin.get(Some(short.id), &format!("/api/executions/{}", edge.id)).await;
    gone.assert_problem(404, "not-found");

    let sweeps = app.audit(Scope::Org(short.id)).await;
    let sweeps: Vec<_> = sweeps.iter().filter(|row| row.draft.action == "Retention.Sweep").collect();
    assert_eq!(sweeps.len(), 2, "each pass that removed something says so");
    assert_eq!(sweeps[0].draft.details["days"], 5);
    let metrics = admin.get(None, "/metrics").await.expect(200).text();
    assert!(metrics.contains("msp_retention_removed_total 2"), "{metrics}");
    assert!(metrics.contains("msp_retention_last_pass_failed 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_not_readable_removes_nothing_and_keeps_no_other_organization_from_its_own() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let (lost, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let kept = past(&app, Scope::Org(lost.id)).await;
    past(&app, Scope::Org(other.id)).await;
    let set = async |org: OrgId, days: u32| {
        let path = format!("/api/organizations/{org}/retention");
        drop(app.admin().put(None, &path, json!({ "days": days })).await.expect(200));
    };
    next_pass(&app, async || set(lost.id, 30).await).await;
    let damage = Write::UpsertMerge(Entity::new("RETENTION", lost.id.key()).with("Days", "a month"));
    app.repositories.stores.tables.write(Table::Platform, damage).await.expect("damaged");
    app.clock.advance(Duration::days(40));

    let pass = next_pass(&app, async || set(other.id, 30).await).await;

    assert_eq!((&pass["removed"], &pass["failed"]), (&json!(1), &json!(1)), "{pass}");
    assert_eq!(seen(&app.admin()).await, [json!(kept.id)]);
}
