//! Who gets a process when there are not enough, and when one has served its time.

use crate::support::{Bench, Run, Setup, eventually, is_alive, org, returned};
use msp_engine::workers::Outcome;
use serde_json::json;
use std::{collections::HashMap, sync::atomic::Ordering};

const WORKFLOWS: &str = r#"
import asyncio, os, time
from msp_sdk import workflow

@workflow(name="pid")
async def pid(context):
    return os.getpid()

@workflow(name="hold")
def hold(context, gate: str):
    print("holding")
    while not os.path.exists(gate):
        time.sleep(0.01)
    return os.getpid()

@workflow(name="sleepy")
async def sleepy(context):
    print("sleeping")
    await asyncio.sleep(3600)
"#;

fn started(runs: &[Run]) -> usize {
    runs.iter().filter(|run| run.host.started.load(Ordering::SeqCst)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_wants_every_process_leaves_one_for_the_next() {
    let bench = Bench::with(&[("workflows/all.py", WORKFLOWS)], Setup { max_workers: 4, ..Setup::default() }).await;
    let (flood, other) = (org(), org());
    let gate = bench.folder.path().join("workspace/workflows/gate.txt");
    let mut runs: Vec<Run> = (0..12).map(|_| bench.run(flood, "hold", json!({ "gate": gate }))).collect();
    eventually("three of four are taken", || (started(&runs) == 3).then_some(())).await;
    // None of the flood's runs has ended, or will before this one.
    let own = bench.value(other, "pid", json!({})).await;
    assert_eq!(started(&runs), 3);
    // Its process stays its own while the flood merely wants more.
    for _ in 0..5 {
        assert_eq!(bench.value(other, "pid", json!({})).await, own);
    }
    assert_eq!(started(&runs), 3);
    std::fs::write(gate, "").expect("opened");
    for run in &mut runs {
        returned(run.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_everything_is_busy_whoever_has_most_gives_up_a_process_after_its_run() {
    let bench = Bench::with(&[("workflows/all.py", WORKFLOWS)], Setup { max_workers: 4, ..Setup::default() }).await;
    let (flood, second, third) = (org(), org(), org());
    let gates: Vec<_> = (0..3).map(|n| bench.folder.path().join(format!("workspace/workflows/gate{n}.txt"))).collect();
    let mut first: Vec<Run> = gates.iter().map(|gate| bench.run(flood, "hold", json!({ "gate": gate }))).collect();
    eventually("three processes", || (started(&first) == 3).then_some(())).await;
    let mut busy = bench.run(second, "sleepy", json!({}));
    busy.line("sleeping").await;
    let never = bench.folder.path().join("workspace/workflows/never.txt");
    let flooding: Vec<Run> = (0..12).map(|_| bench.run(flood, "hold", json!({ "gate": never }))).collect();
    let waiting = bench.run(third, "sleepy", json!({}));
    // Each run that ends leaves room for one more of the flood, except where somebody has none.
    for (gate, run) in gates.iter().zip(&mut first) {
        std::fs::write(gate, "").expect("opened");
        returned(run.outcome().await);
    }
    waiting.line("sleeping").await;
    assert!(started(&flooding) <= 2, "the flood gave one of its three up");
    busy.assignment.cancel.cancel();
    assert_eq!(busy.outcome().await, Outcome::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_replaced_after_its_share_of_runs_without_failing_or_interrupting_any() {
    const RUNS: u64 = 5;
    let setup = Setup { runs_per_worker: RUNS, ..Setup::default() };
    let bench = Bench::with(&[("workflows/all.py", WORKFLOWS)], setup).await;
    let scope = org();
    // A run that goes on keeps its process, which takes no more than its share meanwhile.
    let mut long = bench.run(scope, "sleepy", json!({}));
    long.line("sleeping").await;
    let mut runs: HashMap<i32, u64> = HashMap::new();
    for _ in 0..4 * RUNS {
        let pid = bench.value(scope, "pid", json!({})).await.as_i64().expect("a number");
        *runs.entry(i32::try_from(pid).expect("a process id")).or_default() += 1;
    }
    assert!(runs.values().all(|count| *count <= RUNS), "{runs:?}");
    let first =
        runs.iter().find(|(_, count)| **count == RUNS - 1).map(|(pid, _)| *pid).expect("the one with the long run");
    for (pid, count) in &runs {
        if *count == RUNS {
            eventually("a used up process ends", || (!is_alive(*pid)).then_some(())).await;
        }
    }
    assert!(is_alive(first), "its long run goes on");
    long.assignment.cancel.cancel();
    assert_eq!(long.outcome().await, Outcome::Cancelled);
    eventually("then it ends too", || (!is_alive(first)).then_some(())).await;
}
