//! The platform itself panics, at every write of an execution in turn: nothing runs twice, nothing stays open, and no place
//! is lost.

use crate::{
    faulty::{Fate, Faulty, inserted, is_claim, is_ending},
    live::until,
};
use msp_domain::Permission;
use msp_storage::{Table, TableStore, TableWrite, repositories::organizations::Organization};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

/// Nothing here takes this long unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

const WORKFLOWS: &str = r#"
from collections import Counter
from shared.decorators import workflow

RUNS = Counter()

@workflow(name="act", description="Counts how often it runs")
async def act(context):
    RUNS[context.execution_id] += 1
    print("acting")
    context.progress(50, "half")
    await context.step("a step", int)
    return "done"

@workflow(name="tally", description="Answers what was counted")
async def tally(context):
    return dict(RUNS)
"#;

type Plan = Arc<Mutex<Option<(usize, Fate)>>>;

fn is_of_an_execution(writes: &[TableWrite]) -> bool {
    inserted(writes).is_some()
        || is_claim(writes, None)
        || is_ending(writes)
        || writes.first().is_some_and(|(table, _)| {
            matches!(table, Table::WorkflowExecutions | Table::ExecutionLogs | Table::ExecutionSteps)
        })
}

/// After so many writes of executions one meets its fate.
fn disturbed(plan: &Plan, tables: Arc<dyn TableStore>) -> Arc<dyn TableStore> {
    let plan = Arc::clone(plan);
    Faulty::over(tables, move |writes| {
        let mut plan = plan.lock().expect("not poisoned");
        match plan.take().filter(|_| is_of_an_execution(writes)) {
            Some((0, fate)) => fate,
            Some((left, fate)) => {
                *plan = Some((left - 1, fate));
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

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_panics_an_execution_runs_at_most_once_and_ends_and_its_place_is_free_again() {
    let plan = Plan::default();
    let app =
        TestApp::with_engine_on(|tables| disturbed(&plan, tables), LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let (mut faults, mut ids) = (0, Vec::new());
    for prefer in ["wait=60", "respond-async"] {
        for fate in [Fate::Panic, Fate::DoneAndPanic] {
            for write in 0.. {
                *plan.lock().expect("not poisoned") = Some((write, fate));
                let answer = run(&runner, &org, "act", prefer).await;
                let id = answer.header("x-execution-id").to_owned();
                let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
                let which = format!("{prefer}, write {write}: {fate:?}: {ended}");
                match ended["status"].as_str() {
                    Some("Success") => assert_eq!(ended["error_type"], Value::Null, "{which}"),
                    Some("Interrupted") => {
                        // The second: where a panic costs the execution its worker.
                        let is_fault = ended["error_type"] == "platform_fault";
                        assert!(is_fault || ended["error_type"] == "worker_exited", "{which}");
                        faults += usize::from(is_fault);
                        let mut steps = ended["steps"].as_array().expect("steps").iter();
                        assert!(steps.all(|step| step["ended_at"].is_string()), "no step stays open: {which}");
                        if prefer == "wait=60" {
                            answer.assert_problem(424, "execution-interrupted");
                        }
                    }
                    _ => panic!("{which}"),
                }
                ids.push(id);
                // Writes are over, and the plan was not met: every one had its turn.
                if plan.lock().expect("not poisoned").take().is_some() {
                    break;
                }
            }
        }
    }
    assert!(faults > 2 && ids.len() > 20, "{faults} of {}", ids.len());
    let runs = run(&runner, &org, "tally", "wait=60").await.expect(200).json();
    let runs = runs.as_object().expect("a count for each");
    assert!(runs.values().all(|count| *count == 1), "{runs:?}");
    assert!(app.repositories.executions.unended(None).await.expect("read").is_empty(), "nothing is left open");
    idle(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_panics_and_panics_again_when_it_is_to_be_ended_is_had_again() {
    // The claim takes place and panics; then whatever is written of that execution panics so many times more.
    for more in [1, 3] {
        let (claimed, left) = (Arc::new(Mutex::new(false)), Arc::new(Mutex::new(more)));
        let (of_claim, of_rest) = (Arc::clone(&claimed), Arc::clone(&left));
        let disturb = move |tables| {
            Faulty::over(tables, move |writes| {
                let (mut claimed, mut left) =
                    (of_claim.lock().expect("not poisoned"), of_rest.lock().expect("not poisoned"));
                if is_claim(writes, None) && !*claimed {
                    *claimed = true;
                    return Fate::DoneAndPanic;
                }
                if *claimed && *left > 0 && is_of_an_execution(writes) {
                    *left -= 1;
                    return Fate::Panic;
                }
                Fate::Done
            })
        };
        let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await;
        let org = app.org("Contoso").await;
        let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        let answer = run(&runner, &org, "act", "respond-async").await.expect(202);
        let id = answer.header("x-execution-id").to_owned();
        let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
        assert!(["Success", "Interrupted", "Failed"].iter().any(|status| ended["status"] == *status), "{ended}");
        assert_eq!(*left.lock().expect("not poisoned"), 0, "it panicked {more} times more: {ended}");
        let runs = run(&runner, &org, "tally", "wait=60").await.expect(200).json();
        assert!(runs.as_object().expect("a count for each").values().all(|count| *count == 1), "{runs}");
        assert!(app.repositories.executions.unended(None).await.expect("read").is_empty(), "nothing is left open");
        idle(&app).await;
    }
}

/// Waits until no execution holds a place.
async fn idle(app: &TestApp) {
    let figures = async || app.admin().get(None, "/metrics").await.expect(200).text();
    let is_idle = |figures: &str| {
        ["pending", "running", "scheduled"]
            .iter()
            .all(|what| figures.contains(&format!("\nmsp_executions_{what} 0.0\n")))
    };
    let give_up = Instant::now() + PATIENCE;
    while !is_idle(&figures().await) {
        assert!(Instant::now() < give_up, "a place is not given back: {}", figures().await);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
