//! Steps of an execution: shown while it runs, in its record and in its stream, closed however it ends.

use crate::live::{cancel, events_as_they_come, events_of, start, until};
use msp_domain::Permission;
use msp_test_support::{TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{sync::Notify, time::timeout};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import asyncio, os
from shared.decorators import workflow, param

@workflow(name="staged", description="Has steps of every kind", category="demo")
@param("password", type="password", required=True)
async def staged(context, password):
    async def create(name, twice=False):
        print("creating", name)
        await context.step("inner", print, "inside")
        print("created")
        return name * (2 if twice else 1)

    def fail():
        raise ValueError(f"refused {password}")

    print("before")
    made = await context.step(f"Create with {password}", create, "ada", twice=True)
    try:
        await context.step("Fail", fail)
    except ValueError:
        pass
    both = await asyncio.gather(context.step("left", create, "l"), context.step("right", create, "r"))
    print("after")
    return [made, *both]

@workflow(name="held", description="Stays in a step until it is ended", category="demo")
async def held(context):
    await context.step("done", lambda: 1)
    await context.step("hold", asyncio.sleep, 600)

@workflow(name="lost", description="Dies in a step", category="demo")
async def lost(context):
    await context.step("die", os._exit, 3)

@workflow(name="left_behind", description="Returns while a thread is in a step", category="demo")
async def left_behind(context):
    import threading
    inside, never = threading.Event(), threading.Event()
    def wait():
        inside.set()
        never.wait()
    threading.Thread(target=lambda: asyncio.run(context.step("outlives", wait)), daemon=True).start()
    await asyncio.to_thread(inside.wait)
    return "gone"

@workflow(name="many", description="Has more steps than are shown", category="demo")
async def many(context):
    for number in range(1003):
        await context.step(f"step {number}", int)
    return "done"
"#;

async fn app() -> TestApp {
    TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await
}

async fn execution(caller: &TestCaller, id: &str) -> Value {
    caller.get(None, &format!("/api/executions/{id}")).await.expect(200).json()
}

/// Every step as (name, status).
fn steps(execution: &Value) -> Vec<(&str, &str)> {
    let steps = execution["steps"].as_array().expect("steps");
    for (step, seq) in steps.iter().zip(1..) {
        assert_eq!(step["seq"], seq);
        let ended = step["status"] != "Running";
        assert_eq!((step["ended_at"].is_string(), step["duration_ms"].is_i64()), (ended, ended), "{step}");
        assert!(step["duration_ms"].as_i64().is_none_or(|ms| ms >= 0), "{step}");
    }
    steps.iter().map(|step| (step["name"].as_str().expect("text"), step["status"].as_str().expect("text"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_recorded_in_order_with_their_lines_and_without_secrets() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let stranger = app.user_with(&app.org("Fabrikam").await, Permission::ALL).await;
    let answer = runner.post(org.id, "/workflows/staged", json!({ "password": "correct horse" })).await.expect(200);
    assert_eq!(answer.json(), json!(["adaada", "l", "r"]));
    let id = answer.header("x-execution-id").to_owned();

    let recorded = execution(&runner, &id).await;
    let shown = steps(&recorded);
    assert_eq!(
        shown[..3],
        [("Create with ********", "Success"), ("inner", "Success"), ("Fail", "Failed")],
        "{recorded}"
    );
    assert_eq!(shown[3..].iter().filter(|(_, status)| *status == "Success").count(), 4, "{recorded}");
    assert_eq!(recorded["steps"][2]["error_message"], "ValueError: refused ********");
    assert_eq!(recorded["steps"][0]["error_message"], Value::Null);

    let log = runner.get(None, &format!("/api/executions/{id}/logs")).await.expect(200).json();
    let line = |message: &str| {
        let lines = log["items"].as_array().expect("lines").iter();
        lines.filter(|line| line["message"] == message).map(|line| line["step"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(line("before"), [Value::Null]);
    assert_eq!(line("creating ada"), [json!(1)]);
    assert_eq!(line("inside")[0], 2);
    let seq_of =
        |name: &str| recorded["steps"][shown.iter().position(|step| step.0 == name).expect("it")]["seq"].clone();
    assert_eq!((line("creating l"), line("creating r")), (vec![seq_of("left")], vec![seq_of("right")]));
    assert_eq!(line("after"), [Value::Null]);

    // A stream shows them too, again from wherever it resumes.
    for last_event_id in ["", "3"] {
        let events = events_of(&runner, &id, last_event_id).await;
        let of_steps: Vec<_> = events.iter().filter(|(name, ..)| name == "step").map(|(.., step)| step).collect();
        assert_eq!(json!(of_steps), recorded["steps"], "{events:?}");
        assert!(!format!("{events:?}").contains("correct horse"));
    }
    stranger.get(None, &format!("/api/executions/{id}")).await.assert_problem(404, "not-found");
    let stream = stranger.request("GET", &format!("/api/executions/{id}/logs")).header("accept", "text/event-stream");
    stream.send().await.assert_problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_shown_while_it_is_open_and_ends_with_its_run() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let id = start(&runner, &org, "held").await;
    let shown = Notify::new();
    let arrived = |stream: &str| {
        if stream.contains("\"hold\"") {
            shown.notify_one();
        }
    };
    let (followed, _) = tokio::join!(events_as_they_come(&runner, &id, "", arrived), async {
        // A stream shows what is on record when it looks: ended sooner, the step would never be seen open.
        timeout(Duration::from_secs(30), shown.notified()).await.expect("the stream shows the open step");
        let open = until(&runner, &id, |execution| execution["steps"][1]["name"] == "hold").await;
        assert_eq!(steps(&open), [("done", "Success"), ("hold", "Running")]);
        cancel(&runner, &id).await.expect(202)
    });
    let of_hold = followed.iter().filter(|(name, _, step)| name == "step" && step["name"] == "hold");
    let statuses: Vec<_> = of_hold.map(|(.., step)| step["status"].clone()).collect();
    assert_eq!(statuses, ["Running", "Cancelled"], "{followed:?}");
    assert_eq!(followed.last().expect("events").0, "end");

    for (workflow, status, step) in
        [("lost", "Interrupted", ("die", "Interrupted")), ("left_behind", "Success", ("outlives", "Interrupted"))]
    {
        let id = start(&runner, &org, workflow).await;
        let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
        assert_eq!((ended["status"].as_str(), steps(&ended)), (Some(status), vec![step]), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_a_thousand_steps_a_run_goes_on_and_its_log_says_so() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let answer = runner.post(org.id, "/workflows/many", json!({})).await.expect(200);
    let id = answer.header("x-execution-id").to_owned();
    let recorded = execution(&runner, &id).await;
    let shown = steps(&recorded);
    assert_eq!((shown.len(), shown[999]), (1000, ("step 999", "Success")));
    let log = runner.get(None, &format!("/api/executions/{id}/logs")).await.expect(200).json();
    let lines = log["items"].as_array().expect("lines");
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("warning")), "{lines:?}");
    assert_eq!(lines[0]["message"], "a run shows 1000 steps; the rest run without showing");
}
