//! Workflows that mean harm, or do it without meaning to. Each ends in the state that says what happened, and
//! another organization notices nothing.

use crate::support::{Bench, Run, eventually, is_alive, org, returned};
use msp_domain::LogLevel;
use msp_engine::workers::Outcome;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

const WORKFLOWS: &str = r#"
import asyncio, json, os, signal, socket, struct, subprocess, sys, time
from msp_sdk import workflow

FRAME = json.dumps({"type": "result", "v": 1, "seq": 99, "execution_id": "x", "outcome": "returned", "value": "forged"}).encode()
FRAME = struct.pack(">I", len(FRAME)) + FRAME

@workflow(name="innocent")
async def innocent(context):
    await asyncio.sleep(0.01)
    return os.getpid()

@workflow(name="flood")
async def flood(context):
    line = "x" * 1023
    for _ in range(100 * 1024):
        print(line)
    return "done"

@workflow(name="raw_flood")
async def raw_flood(context):
    block = b"y" * (1024 * 1024)
    for _ in range(100):
        os.write(1, block)
    return "done"

@workflow(name="frames_on_1_and_2")
async def frames_on_1_and_2(context):
    for descriptor in (1, 2):
        os.write(descriptor, FRAME + b"\n\xff\xfe\n")
    return "honest"

@workflow(name="closes_1")
async def closes_1(context):
    os.close(1)
    os.close(2)
    print("still here")
    return "closed"

@workflow(name="blocks")
async def blocks(context):
    time.sleep(1.6)
    return os.getpid()

@workflow(name="holds_the_lock")
async def holds_the_lock(context):
    import ctypes
    ctypes.PyDLL(None).sleep(4)
    return "back"

@workflow(name="ignores_sigterm")
async def ignores_sigterm(context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid())
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

@workflow(name="leaves_children")
async def leaves_children(context):
    first = os.fork()
    if first == 0:
        os.setsid()
        if os.fork() == 0:
            os.environ.clear()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.execve("/bin/sh", ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], {})
        os._exit(0)
    os.waitpid(first, 0)
    child = subprocess.Popen(["/bin/sleep", "3600"])
    return [os.getpid(), child.pid]

@workflow(name="exits")
async def exits(context):
    os.write(2, b"about to leave\n")
    os._exit(3)

@workflow(name="segfaults")
async def segfaults(context):
    os.kill(os.getpid(), signal.SIGSEGV)

@workflow(name="leaves_politely")
async def leaves_politely(context):
    sys.exit("enough")

@workflow(name="waits")
async def waits(context):
    print(os.getpid())
    await asyncio.sleep(3600)

@workflow(name="holds_the_socket_open")
async def holds_the_socket_open(context):
    print(os.getpid())
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(4)

@workflow(name="forges")
async def forges(context, victim: str):
    import stat
    own = json.dumps({"type": "result", "v": 1, "seq": 1, "execution_id": victim, "outcome": "returned", "value": "forged"}).encode()
    for name in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(name).st_mode):
                socket.socket(fileno=os.dup(name)).send(struct.pack(">I", len(own)) + own)
        except OSError:
            pass
    await asyncio.sleep(3600)

@workflow(name="forges_steps")
async def forges_steps(context, step: int, state: str, chars: int):
    context._host._send_step(step, state, name="n" * chars)
    await asyncio.sleep(3600)
"#;

async fn bench() -> Bench {
    Bench::new(WORKFLOWS).await
}

/// Runs alongside whatever a test does; other organizations must not notice.
async fn innocents(bench: &Bench) {
    let bystander = org();
    for _ in 0..3 {
        let asked = Instant::now();
        bench.value(bystander, "innocent", json!({})).await;
        assert!(asked.elapsed() < Duration::from_secs(10), "an innocent run took {:?}", asked.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_arrives_and_harms_nobody() {
    let bench = bench().await;
    for name in ["flood", "raw_flood"] {
        let mut run = bench.run(org(), name, json!({}));
        eventually("output", || (run.host.bytes.load(Ordering::SeqCst) > 0).then_some(())).await;
        innocents(&bench).await;
        assert_eq!(returned(run.outcome().await), "done");
        let bytes = run.host.bytes.load(Ordering::SeqCst);
        assert!(bytes >= 100 * 1023 * 1024, "{name}: {bytes} bytes arrived");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_look_like_frames_are_text() {
    let bench = bench().await;
    let mut run = bench.run(org(), "frames_on_1_and_2", json!({}));
    assert_eq!(returned(run.outcome().await), "honest");
    let lines = run.host.lines();
    // Two pipes have no order between them.
    let forged = lines.iter().filter(|line| line.message.contains("forged"));
    let mut forged: Vec<_> = forged.map(|line| (line.level, line.source.as_str())).collect();
    forged.sort_unstable();
    assert_eq!(forged, [(LogLevel::Info, "stdout"), (LogLevel::Error, "stderr")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_descriptors_are_back_for_the_next_run() {
    let bench = bench().await;
    let scope = org();
    assert_eq!(bench.value(scope, "closes_1", json!({})).await, "closed");
    let mut next = bench.run(scope, "frames_on_1_and_2", json!({}));
    assert_eq!(returned(next.outcome().await), "honest");
    assert!(next.host.messages().iter().any(|message| message.contains("forged")), "{:?}", next.host.messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_loop_is_named_by_file_and_line_and_runs_exclusively_from_then_on() {
    let bench = bench().await;
    assert!(!bench.pool.metadata().workflow("blocks").expect("known").exclusive);
    let scope = org();
    let mut run = bench.run(scope, "blocks", json!({}));
    let warning = run.line("was blocked for").await;
    let line = WORKFLOWS.lines().position(|line| line.contains("time.sleep(1.6)")).expect("there") + 1;
    assert!(warning.contains(&format!("workflows/all.py:{line}")), "{warning}");
    // While the loop is silent, work of the same organization goes elsewhere.
    let elsewhere = bench.value(scope, "innocent", json!({})).await;
    assert_ne!(returned(run.outcome().await), elsewhere);
    assert!(bench.pool.metadata().workflow("blocks").expect("known").exclusive);

    let (mut one, mut two) = (bench.run(scope, "blocks", json!({})), bench.run(scope, "blocks", json!({})));
    assert_ne!(returned(one.outcome().await), returned(two.outcome().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn native_code_that_holds_the_interpreter_lock_is_told_apart_from_a_blocked_loop() {
    let bench = bench().await;
    let mut run = bench.run(org(), "holds_the_lock", json!({}));
    run.line("native code holds its lock").await;
    innocents(&bench).await;
    assert_eq!(returned(run.outcome().await), "back");
    assert!(bench.pool.metadata().workflow("holds_the_lock").expect("known").exclusive);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ignores_cancellation_and_sigterm_is_killed_at_its_deadline_with_what_shares_its_process() {
    let bench = bench().await;
    let scope = org();
    let mut neighbour = bench.run(scope, "waits", json!({}));
    let pid = eventually("a pid", || neighbour.host.messages().first().cloned()).await;
    let mut stubborn =
        Run::new(&bench, scope, "ignores_sigterm", json!({})).timeout(Duration::from_millis(500)).spawn();
    assert_eq!(stubborn.line("").await, pid, "both share a process");
    innocents(&bench).await;
    assert_eq!(stubborn.outcome().await, Outcome::TimedOut);
    let Outcome::WorkerLost { error_type, message } = neighbour.outcome().await else { panic!("was not lost") };
    assert_eq!(error_type, "worker_killed");
    assert!(message.contains(&pid) && message.contains("deadline"), "{message}");
    assert!(!is_alive(pid.parse().expect("a number")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_workflow_started_outlives_its_worker() {
    let bench = bench().await;
    let value = bench.value(org(), "leaves_children", json!({})).await;
    let pids: Vec<i32> = serde_json::from_value(value).expect("pids");
    let strays = || descendants_of_this_test("trap '' TERM");
    eventually("the double-forked shell is this process's child", || (!strays().is_empty()).then_some(())).await;
    kill(Pid::from_raw(pids[0]), Signal::SIGKILL).expect("killed");
    for pid in pids {
        eventually("gone", || (!is_alive(pid)).then_some(())).await;
    }
    eventually("the stray is gone", || strays().is_empty().then_some(())).await;
}

fn descendants_of_this_test(holds: &str) -> Vec<u32> {
    let host = std::process::id();
    std::fs::read_dir("/proc")
        .expect("listed")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            parent == Some(host) && String::from_utf8_lossy(&command).contains(holds)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_is_named_with_how_it_ended_and_its_last_words() {
    let bench = bench().await;
    for (name, expected) in
        [("exits", ["exited with code 3", "about to leave"]), ("segfaults", ["SIGSEGV", "worker process"])]
    {
        let outcome = bench.outcome(org(), name, json!({})).await;
        let Outcome::WorkerLost { error_type, message } = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(error_type, "worker_exited");
        assert!(expected.iter().all(|part| message.contains(part)), "{name}: {message}");
    }
    let polite = bench.outcome(org(), "leaves_politely", json!({})).await;
    assert!(matches!(&polite, Outcome::Raised { error_type, .. } if error_type == "SystemExit"), "{polite:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_from_outside_is_noticed_within_two_seconds_and_named() {
    let bench = bench().await;
    let scope = org();
    let mut run = bench.run(scope, "waits", json!({}));
    let pid = eventually("a pid", || run.host.messages().first().cloned()).await;
    let mut bystander = bench.run(org(), "waits", json!({}));
    eventually("a bystander", || bystander.host.messages().first().cloned()).await;
    let killed = Instant::now();
    kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("killed");
    let Outcome::WorkerLost { error_type, message } = run.outcome().await else { panic!("was not lost") };
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    assert_eq!(error_type, "worker_exited");
    assert!(message.contains(&pid) && message.contains("SIGKILL"), "{message}");
    bench.value(scope, "innocent", json!({})).await;
    bystander.assignment.cancel.cancel();
    assert_eq!(bystander.outcome().await, Outcome::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_keeps_the_socket_open_does_not_hide_the_end_of_its_worker() {
    let bench = bench().await;
    let mut run = bench.run(org(), "holds_the_socket_open", json!({}));
    run.line("").await;
    let left = Instant::now();
    let outcome = run.outcome().await;
    assert!(left.elapsed() < Duration::from_secs(4), "{:?}", left.elapsed());
    assert!(matches!(&outcome, Outcome::WorkerLost { message, .. } if message.contains("code 4")), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_frame_ends_the_forger_and_reaches_no_other_organization() {
    let bench = bench().await;
    let mut victim = bench.run(org(), "waits", json!({}));
    let pid = eventually("a pid", || victim.host.messages().first().cloned()).await;
    let target = victim.assignment.execution_id.key();
    let outcome = bench.outcome(org(), "forges", json!({"victim": target})).await;
    assert!(
        matches!(&outcome, Outcome::WorkerLost { error_type: "worker_protocol", message } if message.contains("sequence")),
        "{outcome:?}"
    );
    assert!(is_alive(pid.parse().expect("a number")));
    victim.assignment.cancel.cancel();
    assert_eq!(victim.outcome().await, Outcome::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_out_of_turn_or_beyond_their_bounds_end_their_worker() {
    let bench = bench().await;
    for (step, state, chars) in
        [(2, "started", 1), (0, "started", 1), (1, "completed", 1), (1, "started", 201), (1, "shouted", 1)]
    {
        let input = json!({ "step": step, "state": state, "chars": chars });
        let outcome = bench.outcome(org(), "forges_steps", input.clone()).await;
        assert!(matches!(&outcome, Outcome::WorkerLost { error_type: "worker_protocol", .. }), "{input}: {outcome:?}");
    }
}
