//! Running workflows through the real engine.

use msp_domain::{OrgId, Permission};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow, param

@workflow(name="greet", description="Greets", category="demo")
@param("name", type="string", required=True)
@param("times", type="int", default=1)
async def greet(context, name, times):
    print(f"greeting {name}")
    return {"greeting": f"Hello {name}", "times": times, "org": context.org.name}

@workflow(name="refuse", description="Says no", category="demo")
async def refuse(context):
    return {"success": False, "reason": "not today"}

@workflow(name="raise", description="Raises", category="demo")
async def raises(context):
    raise ValueError("the mailbox is full")

@workflow(name="slow", description="Takes a moment", category="demo")
async def slow(context):
    await asyncio.sleep(1.5)
    return "done"

@workflow(name="anywhere", description="Needs no organization", category="demo", requires_org=False)
async def anywhere(context):
    return context.org.name if context.org else None
"#;

const OPTIONS: &str = r#"
from shared.decorators import option_generator

@option_generator(name="get_colours", description="Colours")
async def get_colours(context, shade="light"):
    return [{"label": f"{shade} {name}", "value": name} for name in ("red", "green", "blue")]

@option_generator(name="broken", description="Raises")
async def broken(context):
    raise RuntimeError("no colours today")
"#;

async fn app() -> TestApp {
    TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS), ("options/demo.py", OPTIONS)]).await
}

/// Reads an execution until it has ended.
async fn ended(caller: &TestCaller, id: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let execution = caller.get(None, &format!("/api/executions/{id}")).await.expect(200).json();
        if !matches!(execution["status"].as_str(), Some("Pending" | "Running")) {
            return execution;
        }
        assert!(Instant::now() < until, "it does not end: {execution}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn id_of(answer: &Answer) -> String {
    answer.header("x-execution-id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_answered_with_their_value_or_with_what_became_of_them() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let _ = app.stranger().get(None, "/readyz").await.expect(200);

    // A returned value, exactly, under both addresses.
    for path in ["/workflows/greet", "/api/workflows/greet"] {
        let answer = user.post(org.id, path, json!({ "name": "Ada", "times": "2" })).await.expect(200);
        assert_eq!(answer.json(), json!({ "greeting": "Hello Ada", "times": 2, "org": "Contoso" }));
        assert_eq!(answer.header("x-execution-status"), "Success");
        let execution = user.get(None, &format!("/api/executions/{}", id_of(&answer))).await.expect(200).json();
        assert_eq!((&execution["status"], &execution["result"]), (&json!("Success"), &answer.json()));
        let logs = user.get(org.id, &format!("/api/executions/{}/logs", id_of(&answer))).await.expect(200).json();
        assert_eq!(logs["items"][0]["message"], "greeting Ada");
    }
    let refused = user.post(org.id, "/workflows/refuse", json!({})).await.expect(200);
    assert_eq!(refused.json(), json!({ "success": false, "reason": "not today" }));
    assert_eq!(refused.header("x-execution-status"), "Failed");

    let raised = user.request("POST", "/workflows/raise").org(org.id).send().await;
    raised.assert_problem(424, "execution-failed");
    let problem = raised.json();
    assert_eq!(problem["error_type"], "ValueError");
    assert_eq!(problem["error_message"], "the mailbox is full");
    assert_eq!(problem["execution_id"], id_of(&raised));

    // How long to wait.
    let slow = || user.request("POST", "/workflows/slow").org(org.id).json(&json!({}));
    for (prefer, applied) in [("respond-async", "respond-async"), ("wait=0", "wait=0"), ("wait=1", "wait=1")] {
        let accepted = slow().header("prefer", prefer).send().await.expect(202);
        let id = id_of(&accepted);
        assert_eq!(accepted.header("preference-applied"), applied);
        assert_eq!(accepted.header("location"), format!("/api/executions/{id}"));
        assert_eq!(accepted.json()["execution_id"], id);
        assert_eq!(ended(&user, &id).await["result"], "done");
    }

    // Refused before anything is recorded.
    let before = user.get(org.id, "/api/executions").await.expect(200).json()["items"].as_array().map(Vec::len);
    let invalid = user.post(org.id, "/workflows/greet", json!({ "nmae": "Ada", "times": "often" })).await;
    invalid.assert_problem(422, "parameters-invalid");
    let errors = invalid.json()["errors"].clone();
    let pointers: Vec<_> = errors.as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["#/name", "#/times", "#/nmae"]);
    let unknown = user.post(org.id, "/workflows/gret", json!({})).await;
    unknown.assert_problem(404, "not-found");
    assert_eq!(unknown.json()["nearest"], "greet");
    user.post(None, "/workflows/greet", json!({ "name": "x" })).await.assert_problem(400, "organization-required");
    user.post(OrgId::random(), "/workflows/greet", json!({})).await.assert_problem(403, "permission-denied");
    user.post(org.id, "/workflows/greet", json!(["Ada"])).await.assert_problem(422, "body-invalid");
    let after = user.get(org.id, "/api/executions").await.expect(200).json()["items"].as_array().map(Vec::len);
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_without_organization_runs_for_the_one_that_is_named_or_for_none() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let nobody = app.user("nobody@msp.example").await;

    let without = user.post(None, "/workflows/anywhere", json!({})).await.expect(200);
    assert_eq!(without.json(), Value::Null);
    let execution = user.get(None, &format!("/api/executions/{}", id_of(&without))).await.expect(200).json();
    assert_eq!(execution["org_id"], Value::Null);
    let with = user.post(org.id, "/workflows/anywhere", json!({})).await.expect(200);
    assert_eq!(with.json(), "Contoso");
    let of_org = user.get(org.id, "/api/executions").await.expect(200).json();
    assert_eq!(of_org["items"].as_array().map(Vec::len), Some(1));
    user.get(org.id, &format!("/api/executions/{}", id_of(&without))).await.assert_problem(404, "not-found");
    nobody.post(None, "/workflows/anywhere", json!({})).await.assert_problem(403, "permission-denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_metadata_are_for_those_who_run_workflows_or_make_forms() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let form_maker = app.user_with(&org, [Permission::ManageForms]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory, Permission::ManageConfig]).await;

    for path in ["/options/get_colours", "/api/options/get_colours", "/api/workflows/options/get_colours"] {
        let options = form_maker.get(None, &format!("{path}?shade=dark&org_id={}", org.id)).await.expect(200).json();
        assert_eq!(options[0], json!({ "label": "dark red", "value": "red" }), "{options}");
        assert_eq!(options.as_array().map(Vec::len), Some(3), "a bare array");
    }
    let body = json!({ "inputs": { "shade": "pale" }, "search": "RE", "limit": 1 });
    let answer = form_maker.post(org.id, "/options/get_colours", body).await.expect(200).json();
    assert_eq!(answer["items"], json!([{ "label": "pale red", "value": "red" }]));
    assert_eq!(answer["truncated"], true, "`green` has an `re` as well");
    let broken = form_maker.get(org.id, "/options/broken").await;
    broken.assert_problem(424, "options-failed");
    assert_eq!(broken.json()["error_message"], "no colours today");
    let unknown = form_maker.get(org.id, "/options/get_colors").await;
    unknown.assert_problem(404, "not-found");
    assert_eq!(unknown.json()["nearest"], "get_colours");
    viewer.get(org.id, "/options/get_colours").await.assert_problem(403, "permission-denied");

    let metadata = form_maker.get(None, "/admin/metadata").await.expect(200).json();
    let names: Vec<_> =
        metadata["workflows"].as_array().expect("workflows").iter().map(|w| w["name"].clone()).collect();
    for name in ["greet", "refuse", "raise", "slow", "anywhere"] {
        assert!(names.contains(&json!(name)), "{names:?}");
    }
    assert_eq!(metadata["errors"], json!([]));
    viewer.get(None, "/admin/metadata").await.assert_problem(403, "permission-denied");
}
