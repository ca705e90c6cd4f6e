//! Queued executions that cannot be started: each ends, with the reason, and holds up nobody.

use crate::{
    faulty::{Fate, Faulty, is_claim, is_ending},
    live::{start, until},
};
use msp_domain::{Clock, ExecutionId, Permission, Scope, Trigger};
use msp_storage::{
    ExecutionPointer,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Entry, NewExecution, StoredJson},
        organizations::Organization,
    },
};
use msp_test_support::{TestApp, TestCaller};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

/// Nothing here takes this long unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

const WORKFLOWS: &str = r#"
from shared.decorators import workflow, param

@workflow(name="quick", description="Returns at once")
async def quick(context):
    print("once")
    return "done"

@workflow(name="large", description="Takes much")
@param("text", type="string")
async def large(context, text):
    return len(text)
"#;

async fn ended(caller: &TestCaller, id: &str) -> Value {
    until(caller, id, |execution| execution["completed_at"].is_string()).await
}

async fn refusals(app: &TestApp, org: &Organization) -> Vec<Value> {
    let rows = app.audit(Scope::Org(org.id)).await.into_iter();
    rows.filter(|row| row.draft.action == "Workflow.Refused").map(|row| row.draft.details).collect()
}

/// Claims of one organization meet `fate` this often; counts them all.
async fn cursed(fate: Fate, times: u32) -> (TestApp, Organization, TestCaller, Arc<AtomicU32>) {
    let (target, claims) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicU32::new(0)));
    let (its, counted) = (Arc::clone(&target), Arc::clone(&claims));
    let disturb = move |tables| {
        Faulty::over(tables, move |writes| {
            if !is_claim(writes, Some(&its.lock().expect("not poisoned"))) {
                return Fate::Done;
            }
            if counted.fetch_add(1, Ordering::SeqCst) < times { fate } else { Fate::Done }
        })
    };
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Cursed").await;
    *target.lock().expect("not poisoned") = org.id.key();
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    (app, org, runner, claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_at_every_turn_is_given_up_after_five_and_others_run_meanwhile() {
    let (app, org, runner, claims) = cursed(Fate::Panic, u32::MAX).await;
    let other = app.org("Fabrikam").await;
    let colleague = app.user_with(&other, [Permission::ExecuteWorkflows]).await;
    let id = start(&runner, &org, "quick").await;
    let beside = start(&colleague, &other, "quick").await;
    assert_eq!(ended(&colleague, &beside).await["status"], "Success");

    let given_up = ended(&runner, &id).await;
    assert_eq!(claims.load(Ordering::SeqCst), 5);
    let outcome = (&given_up["status"], &given_up["error_type"], &given_up["epoch"]);
    assert_eq!(outcome, (&json!("Failed"), &json!("start_failed"), &json!(0)), "{given_up}");
    let log = runner.get(None, &format!("/api/executions/{id}/logs")).await.expect(200).json();
    assert_eq!(log["items"][0]["message"], given_up["error_message"], "{log}");
    assert_eq!(refusals(&app, &org).await, [json!({ "execution_id": id, "reason": "start_failed" })]);
    assert!(app.repositories.executions.unended(None).await.expect("read").is_empty());
    let figures = async || app.admin().get(None, "/metrics").await.expect(200).text();
    let give_up = Instant::now() + PATIENCE;
    while !figures().await.contains("\nmsp_executions_pending 0.0\n") {
        assert!(Instant::now() < give_up, "its place is not given back: {}", figures().await);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_takes_effect_while_the_platform_panics_still_runs_once() {
    let (_app, org, runner, claims) = cursed(Fate::DoneAndPanic, 1).await;
    let id = start(&runner, &org, "quick").await;
    let ran = ended(&runner, &id).await;
    assert_eq!(
        (&ran["status"], &ran["epoch"], &ran["logs_through"]),
        (&json!("Success"), &json!(1), &json!(1)),
        "{ran}"
    );
    assert_eq!(claims.load(Ordering::SeqCst), 1, "the next turn finds it claimed");
}

/// A pending execution with an input too large for its row, and the blob of that input.
async fn with_large_input(app: &TestApp, org: &Organization, user: &TestCaller) -> (ExecutionPointer, String) {
    let now = app.clock.now();
    let new = NewExecution {
        id: ExecutionId::at(now),
        scope: Scope::Org(org.id),
        workflow_name: "large".to_owned(),
        form_id: None,
        form_name: None,
        executed_by: user.user(),
        executed_by_name: String::new(),
        trigger: Trigger::Api,
        input_json: json!({ "text": "x".repeat(50_000) }).to_string(),
        bundle_hash: String::new(),
        started_at: now,
        scheduled_for: None,
        timeout_seconds: 60,
        minutes_saved: None,
        retry_of: None,
        batch: None,
        mark: None,
        files: Vec::new(),
    };
    let audit = AuditDraft::new(new.scope, &Actor::PLATFORM, "Workflow.Execute", "large", json!({}));
    let inserted = app.repositories.executions.insert(&new, &Entry::Queued, Vec::new(), audit).await.expect("recorded");
    let StoredJson::Blob { path, .. } = inserted.input else { panic!("it is in a blob") };
    (ExecutionPointer { scope: new.scope, execution_id: new.id }, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_input_ends_its_execution_though_the_ending_is_refused_at_first() {
    let endings = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&endings);
    let disturb = move |tables| {
        Faulty::over(tables, move |writes| {
            let fails = is_ending(writes) && counted.fetch_add(1, Ordering::SeqCst) < 2;
            if fails { Fate::RequestLost } else { Fate::Done }
        })
    };
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let stores = &app.repositories.stores;
    for damage in [None, Some("{\"text\": "), Some("\u{0}")] {
        let (pointer, input) = with_large_input(&app, &org, &runner).await;
        match damage {
            None => stores.blobs.delete(&input).await.expect("deleted"),
            Some(text) => stores.blobs.put(&input, text.into()).await.expect("written"),
        }
        stores.queue.send(pointer).await.expect("sent");
        let id = pointer.execution_id.key();
        let failed = ended(&runner, &id).await;
        let outcome = (&failed["status"], &failed["error_type"]);
        assert_eq!(outcome, (&json!("Failed"), &json!("input_unreadable")), "{damage:?}: {failed}");
        assert_eq!(failed["input"], Value::Null, "it is not shown, and hides nothing else");
        let refusals = refusals(&app, &org).await;
        assert_eq!(refusals[0], json!({ "execution_id": id, "reason": "input_unreadable" }), "{damage:?}");
    }
    assert_eq!(endings.load(Ordering::SeqCst), 2 + 3);
    assert_eq!(refusals(&app, &org).await.len(), 3, "once each");
    let id = start(&runner, &org, "quick").await;
    assert_eq!(ended(&runner, &id).await["status"], "Success");
}
