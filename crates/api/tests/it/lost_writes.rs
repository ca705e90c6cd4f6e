//! The store is away for a moment, at every write of an execution in turn. What was accepted runs, once; what could not be
//! put on record runs never, and nothing stays open.

use crate::{
    faulty::{Fate, Faulty, inserted, is_claim, is_ending},
    live::until,
};
use msp_domain::{Permission, Scope};
use msp_storage::{Table, TableStore, TableWrite, repositories::organizations::Organization};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import os
from collections import Counter
from shared.decorators import workflow

RUNS = Counter()

@workflow(name="act", description="Counts how often it runs")
async def act(context):
    RUNS[context.execution_id] += 1
    print("acting")
    context.progress(50, "half")
    await context.step("a step", int)
    return {"process": os.getpid(), "runs": RUNS[context.execution_id]}

@workflow(name="tally", description="Answers what was counted")
async def tally(context):
    return {"process": os.getpid(), "runs": dict(RUNS)}
"#;

/// Which write meets which fate.
#[derive(Default)]
struct Plan {
    /// How many writes of executions pass before it, and what it meets then.
    armed: Option<(usize, Fate)>,
    /// Kinds of writes that met it.
    met: HashSet<&'static str>,
}

fn kind(writes: &[TableWrite]) -> Option<&'static str> {
    match writes.first()?.0 {
        _ if inserted(writes).is_some() => Some("insert"),
        _ if is_claim(writes, None) => Some("claim"),
        _ if is_ending(writes) => Some("ending"),
        Table::WorkflowExecutions => Some("progress"),
        Table::ExecutionLogs => Some("log"),
        Table::ExecutionSteps => Some("steps"),
        _ => None,
    }
}

fn disturbed(plan: &Arc<Mutex<Plan>>, tables: Arc<dyn TableStore>) -> Arc<dyn TableStore> {
    let plan = Arc::clone(plan);
    Faulty::over(tables, move |writes| {
        let Some(kind) = kind(writes) else { return Fate::Done };
        let mut plan = plan.lock().expect("not poisoned");
        match plan.armed.take() {
            Some((0, fate)) => {
                plan.met.insert(kind);
                fate
            }
            Some((left, fate)) => {
                plan.armed = Some((left - 1, fate));
                Fate::Done
            }
            None => Fate::Done,
        }
    })
}

async fn run(caller: &TestCaller, org: &Organization, name: &str, prefer: &str) -> Answer {
    let request = caller.request("POST", &format!("/workflows/{name}")).org(org.id).json(&json!({}));
    request.header("prefer", prefer).send().await
}

async fn audited(app: &TestApp, org: &Organization, action: &str) -> usize {
    let rows = app.audit(Scope::Org(org.id)).await;
    rows.iter().filter(|row| row.draft.action == action).count()
}

async fn executions(caller: &TestCaller, org: &Organization) -> Vec<Value> {
    let list = caller.get(org.id, "/api/executions?limit=200").await.expect(200).json();
    assert_eq!(list["next_cursor"], Value::Null, "one page holds all");
    list["items"].as_array().expect("items").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_or_loses_its_answer_a_run_takes_place_once_and_ends_as_it_would() {
    let plan = Arc::new(Mutex::new(Plan::default()));
    let app =
        TestApp::with_engine_on(|tables| disturbed(&plan, tables), LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let mut ids = Vec::new();
    for prefer in ["wait=60", "respond-async"] {
        for fate in [Fate::RequestLost, Fate::AnswerLost] {
            for write in 0.. {
                plan.lock().expect("not poisoned").armed = Some((write, fate));
                let answer = run(&runner, &org, "act", prefer).await;
                let accepted = answer.expect(if prefer == "respond-async" { 202 } else { 200 });
                let id = accepted.header("x-execution-id").to_owned();
                let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
                let which = format!("{prefer}, write {write}: {fate:?}: {ended}");
                assert_eq!((&ended["status"], &ended["epoch"]), (&json!("Success"), &json!(1)), "{which}");
                assert_eq!((&ended["result"]["runs"], &ended["logs_through"]), (&json!(1), &json!(1)), "{which}");
                assert_eq!(ended["steps"][0]["status"], "Success", "{which}");
                let log = runner.get(None, &format!("/api/executions/{id}/logs")).await.expect(200).json();
                assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{which}: {log}");
                ids.push(id);
                // Writes are over, and the plan was not met: every one had its turn.
                if plan.lock().expect("not poisoned").armed.take().is_some() {
                    break;
                }
            }
        }
    }
    let mut met: Vec<_> = plan.lock().expect("not poisoned").met.iter().copied().collect();
    met.sort_unstable();
    assert_eq!(met, ["claim", "ending", "insert", "log", "progress", "steps"], "every kind of write was disturbed");

    let tally = run(&runner, &org, "tally", "wait=60").await.expect(200).json();
    let runs = tally["runs"].as_object().expect("a count for each");
    assert_eq!(runs.len(), ids.len(), "nothing ran but what was accepted");
    assert!(runs.values().all(|count| *count == 1), "{runs:?}");
    assert_eq!(executions(&runner, &org).await.len(), ids.len() + 1);
    assert_eq!(audited(&app, &org, "Workflow.Execute").await, ids.len() + 1, "one audit row each");
    assert!(app.repositories.executions.unended(None).await.expect("read").is_empty(), "nothing is left open");
}

/// The first attempt to record an execution meets `first`, and then the store stays away from it; counts attempts.
fn never_confirms(first: Fate, attempts: &Arc<Mutex<Vec<String>>>, tables: Arc<dyn TableStore>) -> Arc<dyn TableStore> {
    let attempts = Arc::clone(attempts);
    Faulty::over(tables, move |writes| {
        let Some(id) = inserted(writes) else { return Fate::Done };
        let mut attempts = attempts.lock().expect("not poisoned");
        let fate = if attempts.contains(&id) { Fate::RequestLost } else { first };
        attempts.push(id);
        fate
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_does_not_confirm_is_tried_again_then_refused_and_never_runs() {
    for (first, recorded) in [(Fate::RequestLost, 0), (Fate::AnswerLost, 2)] {
        let attempts = Arc::default();
        let disturb = |tables| never_confirms(first, &attempts, tables);
        let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
        let org = app.org("Contoso").await;
        let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        for (number, prefer) in ["wait=60", "respond-async"].into_iter().enumerate() {
            run(&runner, &org, "act", prefer).await.assert_problem(503, "store-unavailable");
            let attempts = attempts.lock().expect("not poisoned").clone();
            assert_eq!(attempts.len(), 4 * (number + 1), "{attempts:?}");
        }
        let on_record = executions(&runner, &org).await;
        assert_eq!(on_record.len(), recorded, "{on_record:?}");
        for execution in on_record {
            let id = execution["id"].as_str().expect("an id");
            let ended = until(&runner, id, |execution| execution["completed_at"].is_string()).await;
            let outcome = (&ended["status"], &ended["error_type"], &ended["logs_through"]);
            assert_eq!(outcome, (&json!("Failed"), &json!("record_uncertain"), &json!(1)), "{ended}");
        }
        assert_eq!(audited(&app, &org, "Workflow.Execute").await, recorded);
        assert_eq!(audited(&app, &org, "Workflow.Refused").await, recorded, "once each, with its ending");
        assert!(app.repositories.executions.unended(None).await.expect("read").is_empty(), "nothing is left open");
    }
}
