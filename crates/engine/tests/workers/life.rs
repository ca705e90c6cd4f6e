//! The ordinary life of executions.

use crate::support::{Bench, Run, Setup, eventually, org, returned};
use msp_domain::{LogLevel, Scope};
use msp_engine::workers::{NotStarted, Outcome};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
    time::Duration,
};

const WORKFLOWS: &str = r#"
import asyncio, os, time
from msp_sdk import workflow

gate = None

@workflow(name="greet")
async def greet(context, who: str):
    print(f"about to greet {who}")
    context.progress(50, "halfway")
    secret = await context.secrets.get("halo_key")
    return {"text": context.config["greeting"] + " " + who, "secret": len(secret), "org": context.org and context.org.name}

@workflow(name="wait_for_other")
async def wait_for_other(context):
    global gate
    gate = gate or asyncio.Event()
    await gate.wait()
    return os.getpid()

@workflow(name="open_gate")
async def open_gate(context):
    global gate
    gate = gate or asyncio.Event()
    gate.set()
    return os.getpid()

@workflow(name="pid")
async def pid(context):
    return os.getpid()

@workflow(name="plain")
def plain(context, gate: str):
    while not os.path.exists(gate):
        time.sleep(0.01)
    return os.getpid()

@workflow(name="sleepy")
async def sleepy(context):
    print("sleeping")
    await asyncio.sleep(3600)

@workflow(name="fails")
async def fails(context):
    os.write(1, b"raw before the end")
    raise ValueError("no such mailbox")
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_returns_its_value_after_its_lines_progress_and_calls() {
    let bench = Bench::new(WORKFLOWS).await;
    let mut run = bench.run(org(), "greet", json!({"who": "Ada"}));
    let value = returned(run.outcome().await);
    assert_eq!(value, json!({"text": "hello Ada", "secret": 12, "org": "Contoso"}));
    assert!(run.host.started.load(Ordering::SeqCst));
    let lines = run.host.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(
        (lines[0].message.as_str(), lines[0].level, lines[0].source.as_str()),
        ("about to greet Ada", LogLevel::Info, "print")
    );
    assert_eq!(*run.host.progress.lock().expect("unpoisoned"), [(Some(50.0), Some("halfway".to_owned()))]);
    assert_eq!(run.host.calls.lock().expect("unpoisoned").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exception_says_and_raw_output_arrive_before_the_outcome() {
    let bench = Bench::new(WORKFLOWS).await;
    let mut run = bench.run(org(), "fails", json!({}));
    let Outcome::Raised { error_type, message, traceback } = run.outcome().await else { panic!("did not raise") };
    assert_eq!((error_type.as_str(), message.as_str()), ("ValueError", "no such mailbox"));
    assert!(traceback.contains("workflows/all.py"), "{traceback}");
    assert_eq!(run.host.messages(), ["raw before the end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_of_one_organization_interleave_in_one_process() {
    let bench = Bench::new(WORKFLOWS).await;
    let scope = org();
    let mut waiting = bench.run(scope, "wait_for_other", json!({}));
    eventually("started", || waiting.host.started.load(Ordering::SeqCst).then_some(())).await;
    let opener = bench.value(scope, "open_gate", json!({})).await;
    assert_eq!(returned(waiting.outcome().await), opener);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_never_serves_two_organizations_even_when_there_are_more_of_them_than_processes() {
    let bench = Bench::with(&[("workflows/all.py", WORKFLOWS)], Setup { max_workers: 3, ..Setup::default() }).await;
    let scopes: Vec<Scope> = std::iter::once(Scope::Global).chain((0..7).map(|_| org())).collect();
    let mut owners: HashMap<i64, Scope> = HashMap::new();
    for _ in 0..2 {
        let runs: Vec<_> = scopes.iter().map(|scope| (*scope, bench.run(*scope, "pid", json!({})))).collect();
        for (scope, mut run) in runs {
            let pid = returned(run.outcome().await).as_i64().expect("a number");
            assert_eq!(*owners.entry(pid).or_insert(scope), scope, "process {pid} served two organizations");
        }
    }
    assert!(owners.len() >= scopes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_functions_have_a_process_to_themselves_and_the_same_organization_reuses_it() {
    let bench = Bench::new(WORKFLOWS).await;
    let scope = org();
    let gate = bench.folder.path().join("workspace/workflows/gate.txt");
    let arguments = json!({"gate": gate});
    let (mut first, mut second) = (bench.run(scope, "plain", arguments.clone()), bench.run(scope, "plain", arguments));
    for run in [&first, &second] {
        eventually("started", || run.host.started.load(Ordering::SeqCst).then_some(())).await;
    }
    std::fs::write(gate, "").expect("opened");
    let pids: HashSet<i64> =
        [first.outcome().await, second.outcome().await].map(|one| returned(one).as_i64().expect("a number")).into();
    assert_eq!(pids.len(), 2);
    let third = bench.value(scope, "pid", json!({})).await.as_i64().expect("a number");
    assert!(pids.contains(&third));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_and_a_cancellation_end_a_run_that_gives_way_and_its_process_goes_on() {
    let bench = Bench::new(WORKFLOWS).await;
    let scope = org();
    let before = bench.value(scope, "pid", json!({})).await;
    let mut late = Run::new(&bench, scope, "sleepy", json!({})).timeout(Duration::from_millis(200)).spawn();
    assert_eq!(late.outcome().await, Outcome::TimedOut);
    let mut cancelled = bench.run(scope, "sleepy", json!({}));
    cancelled.line("sleeping").await;
    cancelled.assignment.cancel.cancel();
    assert_eq!(cancelled.outcome().await, Outcome::Cancelled);
    assert_eq!(bench.value(scope, "pid", json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_cancelled_while_it_waits_for_a_worker_never_starts() {
    let bench = Bench::with(&[("workflows/all.py", WORKFLOWS)], Setup { max_workers: 1, ..Setup::default() }).await;
    let mut first = bench.run(org(), "sleepy", json!({}));
    first.line("sleeping").await;
    let mut second = bench.run(org(), "pid", json!({}));
    second.assignment.cancel.cancel();
    assert_eq!(second.outcome().await, Outcome::NotStarted(NotStarted::Cancelled));
    assert!(!second.host.started.load(Ordering::SeqCst));

    // Nobody is idle, so the one process is drained for whoever waits.
    let mut third = bench.run(org(), "pid", json!({}));
    first.assignment.cancel.cancel();
    assert_eq!(first.outcome().await, Outcome::Cancelled);
    returned(third.outcome().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_ends_what_runs_and_takes_nothing_new() {
    let bench = Bench::new(WORKFLOWS).await;
    let mut run = bench.run(org(), "sleepy", json!({}));
    run.line("sleeping").await;
    bench.pool.shutdown(Duration::from_millis(50)).await;
    let Outcome::WorkerLost { error_type, message } = run.outcome().await else { panic!("was not lost") };
    assert_eq!(error_type, "worker_killed");
    assert!(message.contains("shuts down"), "{message}");
    assert_eq!(bench.outcome(org(), "pid", json!({})).await, Outcome::NotStarted(NotStarted::ShuttingDown));
    let left = std::fs::read_dir(bench.data().join("engine/tmp")).expect("listed").count();
    assert_eq!(left, 0, "temporary folders of workers are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_future_does_not_stop_the_execution() {
    let bench = Bench::new(WORKFLOWS).await;
    let run = Run::new(&bench, org(), "greet", json!({"who": "Ada"}));
    let host = std::sync::Arc::clone(&run.host);
    let future = bench.pool.run(run.assignment, run.host);
    let _ = tokio::time::timeout(Duration::from_millis(1), future).await;
    eventually("its line", || host.messages().contains(&"about to greet Ada".to_owned()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_has_grown_to_half_its_limit_ends_after_its_run_and_the_next_begins_in_another() {
    let source = "
import asyncio, os
from msp_sdk import workflow

kept = []

@workflow(name='grow')
async def grow(context):
    kept.append(bytearray(b'x') * (120 << 20))
    print(os.getpid())
    await asyncio.sleep(3600)

@workflow(name='pid')
async def pid(context):
    return os.getpid()
";
    let setup = Setup { memory_limit_bytes: 200 << 20, ..Setup::default() };
    let bench = Bench::with(&[("workflows/all.py", source)], setup).await;
    let scope = org();
    let mut grown = bench.run(scope, "grow", json!({}));
    let pid: i32 = grown.line("").await.parse().expect("a number");
    // As long as it has not been looked at, it takes more work.
    for _ in 0..1000 {
        if bench.value(scope, "pid", json!({})).await != json!(pid) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_ne!(bench.value(scope, "pid", json!({})).await, json!(pid));
    assert!(crate::support::is_alive(pid), "its run goes on");
    grown.assignment.cancel.cancel();
    assert_eq!(grown.outcome().await, Outcome::Cancelled);
    eventually("its end", || (!crate::support::is_alive(pid)).then_some(())).await;
}
