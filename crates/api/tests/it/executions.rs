//! Executions on record.

use msp_domain::{OrgId, Permission, Scope};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};

async fn ran(app: &TestApp, scope: Scope, user: &TestCaller, workflow: &str) -> String {
    let past = PastExecution {
        scope,
        workflow: workflow.to_owned(),
        user: user.user(),
        result: json!({ "by": workflow }),
        log: format!("line of {workflow}"),
    };
    app.past_execution(&past).await.id.key()
}

async fn listed(caller: &TestCaller, org: Option<OrgId>, query: &str) -> Vec<String> {
    let page = caller.get(org, &format!("/api/executions{query}")).await.expect(200).json();
    let items = page["items"].as_array().expect("items").clone();
    items.iter().map(|item| item["workflow_name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn an_execution_shows_its_result_and_log_to_who_may_see_it() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let colleague = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let id = ran(&app, Scope::Org(org.id), &runner, "greet").await;
    let path = format!("/api/executions/{id}");

    for caller in [&runner, &viewer, &app.admin()] {
        for named in [Some(org.id), None] {
            let execution = caller.get(named, &path).await.expect(200).json();
            assert_eq!(execution["id"], id);
            assert_eq!(execution["org_id"], org.id.key());
            assert_eq!(execution["status"], "Success");
            assert_eq!(execution["result"], json!({ "by": "greet" }));
            assert_eq!(execution["result_url"], Value::Null);
            assert_eq!(execution["logs_through"], 1);
            let logs = caller.get(named, &format!("{path}/logs")).await.expect(200).json();
            assert_eq!(logs["items"][0]["message"], "line of greet");
            assert_eq!(logs["status"], "Success");
            let result = caller.get(named, &format!("{path}/result")).await.expect(200);
            assert_eq!(result.text(), r#"{"by":"greet"}"#);
        }
    }
    assert_eq!(runner.get(None, &format!("{path}/logs?after=1")).await.expect(200).json()["items"], json!([]));
    let denied = colleague.get(org.id, &path).await;
    denied.assert_problem(403, "permission-denied");
    assert_eq!(denied.json()["permission"], "view_history");
    colleague.get(None, &path).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn own_runs_are_seen_only_while_one_may_still_execute() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let id = ran(&app, Scope::Org(org.id), &runner, "greet").await;
    app.grant(&runner, org.id, [Permission::ManageForms].into_iter().collect()).await;
    runner.get(None, &format!("/api/executions/{id}")).await.assert_problem(404, "not-found");
    runner.get(org.id, &format!("/api/executions/{id}")).await.assert_problem(403, "permission-denied");
    assert_eq!(listed(&runner, None, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_large_result_is_answered_by_its_own_address() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let large = json!("x".repeat(300 * 1024));
    let past = PastExecution {
        scope: Scope::Org(org.id),
        workflow: "export".into(),
        user: runner.user(),
        result: large.clone(),
        log: String::new(),
    };
    let id = app.past_execution(&past).await.id;
    let execution = runner.get(None, &format!("/api/executions/{id}")).await.expect(200).json();
    assert_eq!(execution["result"], Value::Null);
    let address = execution["result_url"].as_str().expect("an address");
    assert_eq!(runner.get(None, address).await.expect(200).json(), large);
}

#[tokio::test]
async fn without_an_organization_the_list_merges_everything_the_caller_may_see_newest_first() {
    let app = TestApp::new().await;
    let (viewed, executed, hidden) = (app.org("Viewed").await, app.org("Executed").await, app.org("Hidden").await);
    let user = app.user_with(&viewed, [Permission::ViewHistory]).await;
    app.grant(&user, executed.id, [Permission::ExecuteWorkflows].into_iter().collect()).await;
    let other = app.user("other@msp.example").await;
    let mut expected = Vec::new();
    for round in 0..6 {
        for (scope, runner, visible) in [
            (Scope::Org(viewed.id), &other, true),
            (Scope::Org(executed.id), &user, true),
            (Scope::Org(executed.id), &other, false),
            (Scope::Org(hidden.id), &other, false),
            (Scope::Global, &user, true),
            (Scope::Global, &other, false),
        ] {
            let name = format!("{round}-{}-{visible}", expected.len());
            ran(&app, scope, runner, &name).await;
            if visible {
                expected.insert(0, name);
            }
        }
    }
    assert_eq!(listed(&user, None, "").await, expected);

    let mut paged = Vec::new();
    let mut path = "/api/executions?limit=4".to_owned();
    loop {
        let page = user.get(None, &path).await.expect(200).json();
        let items = page["items"].as_array().expect("items");
        paged.extend(items.iter().map(|item| item["workflow_name"].as_str().unwrap_or_default().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/executions?limit=4&cursor={cursor}");
    }
    assert_eq!(paged, expected, "page by page it is the same list");

    assert_eq!(listed(&app.admin(), None, "?limit=200").await.len(), 36);
    assert_eq!(listed(&user, Some(executed.id), "").await.len(), 6, "only one's own where one may not view");
    assert_eq!(listed(&user, None, &format!("?workflow={}", expected[3])).await, [expected[3].clone()]);
    assert_eq!(listed(&user, None, "?status=Failed").await, Vec::<String>::new());
    assert_eq!(listed(&user, None, &format!("?user={}", user.user())).await.len(), 12);
    assert_eq!(listed(&user, None, &format!("?user={}", other.user())).await.len(), 6);
}
