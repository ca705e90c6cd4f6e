//! Refusals that no other test meets on its way: what the store answers, and how a run may end.

use crate::{
    faulty::{Fate, Faulty, inserted},
    live::{start, until},
};
use msp_domain::Permission;
use msp_test_support::TestApp;
use serde_json::json;
use std::sync::{Arc, Mutex};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import asyncio
import os
from shared.decorators import workflow

@workflow(name="quick", description="Returns at once")
async def quick(context):
    return "done"

@workflow(name="late", description="Takes longer than it may", timeout_seconds=1)
async def late(context):
    await asyncio.sleep(600)

@workflow(name="endless", description="Waits until it is ended")
async def endless(context):
    await asyncio.sleep(600)

@workflow(name="fatal", description="Takes its process with it", isolation="exclusive")
async def fatal(context):
    os._exit(3)
"#;

#[tokio::test]
async fn what_the_store_refuses_is_told_as_far_as_it_helps() {
    let fate = Arc::new(Mutex::new(Fate::Done));
    let its = Arc::clone(&fate);
    let disturb = |tables| Faulty::over(tables, move |_| *its.lock().expect("not poisoned"));
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let admin = app.admin();
    let change = async |what| {
        *fate.lock().expect("not poisoned") = what;
        let answer = admin.put(None, "/api/global/config/region", json!({ "type": "string", "value": "eu" })).await;
        *fate.lock().expect("not poisoned") = Fate::Done;
        answer
    };
    change(Fate::Exists).await.assert_problem(409, "conflict");
    change(Fate::Stale).await.assert_problem(412, "stale-version");
    let damaged = change(Fate::Damaged).await;
    damaged.assert_problem(500, "internal");
    assert!(!damaged.text().contains("vault"), "nothing of the store is told: {}", damaged.text());
    assert_eq!(change(Fate::Done).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_settings_never_hold_still_is_given_up_before_it_is_on_record() {
    let disturb =
        |tables| Faulty::over(tables, |writes| if inserted(writes).is_some() { Fate::Stale } else { Fate::Done });
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let refused = runner.post(org.id, "/workflows/quick", json!({})).await;
    refused.assert_problem(503, "settings-changing");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(runner.get(org.id, "/api/executions").await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_run_is_told_how_it_ended() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    runner.post(org.id, "/workflows/late", json!({})).await.assert_problem(424, "execution-timed-out");
    let died = runner.post(org.id, "/workflows/fatal", json!({})).await;
    died.assert_problem(424, "execution-interrupted");
    assert_eq!(died.json()["error_type"], "worker_exited");

    let (waiting, ()) = tokio::join!(runner.post(org.id, "/workflows/endless", json!({})), async {
        let list = async || runner.get(org.id, "/api/executions?workflow=endless").await.json();
        let id = loop {
            if let Some(id) = list().await["items"][0]["id"].as_str() {
                break id.to_owned();
            }
        };
        let cancel = format!("/api/executions/{id}/cancel");
        runner.post(org.id, &cancel, json!({})).await.expect(202).json();
    });
    waiting.assert_problem(424, "execution-cancelled");

    let id = start(&runner, &org, "quick").await;
    assert_eq!(until(&runner, &id, |run| run["completed_at"].is_string()).await["status"], "Success");
}
