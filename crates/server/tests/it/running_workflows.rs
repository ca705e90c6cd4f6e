//! `msp workflows run`: what goes in, what comes out, and how it exits.

use crate::support::{Finished, Installation};
use nix::sys::signal::Signal;
use serde_json::Value;

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow, param

@workflow(name="echo", requires_org=False)
@param("text", type="string", required=True)
@param("count", type="int", default=1)
async def echo(text, count):
    print("echoing")
    return {"text": text, "count": count}

@workflow(name="refuse", requires_org=False)
async def refuse():
    return {"success": False, "reason": "not today"}

@workflow(name="fail", requires_org=False)
async def fail():
    raise ValueError("something is wrong")

@workflow(name="count", requires_org=False)
async def count():
    for number in range(1, 4):
        print(f"line {number}")

@workflow(name="endless", requires_org=False)
async def endless(context):
    await context.step("begin", print, "waiting")
    await context.step("hold", asyncio.sleep, 600)

@workflow(name="for_a_client")
async def for_a_client(context):
    return context.org.name
"#;

fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    installation.succeed(&["seed"]);
    installation
}

fn run(installation: &Installation, arguments: &[&str]) -> Finished {
    installation.run(&[&["workflows", "run"], arguments].concat())
}

#[test]
fn the_exit_code_says_success_failure_or_bad_usage() {
    let installation = installation();
    let _server = installation.serve();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["echo", "-p", "text=a"], 0, "Success"),
        (&["refuse"], 1, "Failed"),
        (&["fail"], 1, "something is wrong"),
        (&["ecko", "-p", "text=a"], 2, "echo"),
        (&["echo"], 2, "text"),
        (&["echo", "-p", "text=a", "-p", "count:=many"], 2, "JSON"),
        (&["echo", "-p", "text=a", "-p", "coun=1"], 2, "count"),
        (&["for_a_client"], 2, "rganization"),
        (&["for_a_client", "--org", "Contosso"], 2, "did you mean `Contoso`?"),
    ];
    for (arguments, code, text) in cases {
        let finished = run(&installation, arguments);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:#?}");
        assert!(finished.stderr.contains(text), "{arguments:?} does not say {text}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn parameters_come_from_flags_files_and_standard_input_and_logs_stay_apart_from_the_result() {
    let installation = installation();
    let server = installation.serve();
    let mut command = installation.msp(&["workflows", "run", "echo", "--json", "-", "-p", "count:=3"]);
    command.env("NO_COLOR", "1");
    let finished = Finished::with_input(command, r#"{ "text": "from a pipe", "count": 2 }"#);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert_eq!(finished.stdout.trim(), r#"{"text":"from a pipe","count":3}"#);
    assert!(finished.stderr.contains("echoing"), "{}", finished.stderr);

    let orgs = installation.succeed(&["seed"]);
    let by_id = orgs.lines().next().and_then(|line| line.split("  ").next()).expect("an id");
    let finished = run(&installation, &["for_a_client", "--org", by_id]);
    assert_eq!(finished.stdout.trim(), "\"Contoso\"", "{finished:#?}");

    let detached = run(&installation, &["echo", "-p", "text=later", "--async"]);
    assert_eq!(detached.code, Some(0), "{detached:#?}");
    let token = installation.succeed(&["token"]);
    let path = format!("/api/executions/{}", detached.stdout.trim());
    let mut execution = Value::Null;
    for _ in 0..600 {
        execution = server.get(&token, &path).await.1;
        if execution["status"] == "Success" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(execution["result"]["text"], "later", "{execution}");
}

#[test]
fn a_user_without_the_right_is_refused() {
    let installation = installation();
    let _server = installation.serve();
    installation.succeed(&["user", "add", "tess@msp.example", "--name", "Tess", "--grant", "Contoso=view_history"]);
    let refused = run(&installation, &["for_a_client", "--org", "Contoso", "--user", "tess@msp.example"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("execute_workflows"), "{}", refused.stderr);
}

#[test]
fn a_run_that_holds_too_much_memory_alone_or_in_a_child_fails_and_says_how_much() {
    let installation = Installation::new();
    installation.write(
        "workflows/greedy.py",
        r#"
import asyncio, subprocess, sys
from shared.decorators import workflow

HOLD = "import time; kept = bytearray(b'x') * (300 << 20); time.sleep(60)"

@workflow(name="greedy", requires_org=False)
async def greedy():
    kept = bytearray(b"x") * (300 << 20)
    await asyncio.sleep(60)

@workflow(name="greedy_child", requires_org=False)
def greedy_child():
    subprocess.run([sys.executable, "-c", HOLD])
"#,
    );
    for name in ["greedy", "greedy_child"] {
        let mut command = installation.msp(&["workflows", "run", name]);
        command.env("MSP_WORKER_MEMORY_MB", "128");
        let finished = Finished::with_input(command, "");
        assert_eq!(finished.code, Some(1), "{finished:#?}");
        let said = &finished.stderr;
        assert!(said.contains("Failed (out_of_memory)") && said.contains("the limit is 128 MiB"), "{name}: {said}");
    }
}

#[test]
fn an_interrupt_cancels_the_run_with_and_without_a_server() {
    let installation = installation();
    let cancelled = || {
        let run = installation.begin("run", &["workflows", "run", "endless"]);
        run.wait_for("the workflow runs", || run.stderr().contains("2. hold: began").then_some(()));
        run.signal(Signal::SIGINT);
        assert_eq!(run.end().code(), Some(1), "{}", run.stderr());
        let output = run.stderr();
        assert!(output.contains("Cancelling") && output.contains("Cancelled (cancelled)"), "{output}");
        assert!(
            ["1. begin: Success after", "waiting", "2. hold: Cancelled after"].iter().all(|text| output.contains(text)),
            "{output}"
        );
    };
    cancelled();
    let _server = installation.serve();
    cancelled();
}

#[tokio::test]
async fn after_a_restart_a_key_leads_to_the_same_run_and_its_stream_resumes() {
    let installation = installation();
    let mut server = installation.serve();
    let token = installation.succeed(&["token"]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = server.request(reqwest::Method::POST, "/workflows/count").bearer_auth(&token);
        let answer = request.header("idempotency-key", "once").send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        ids.push(answer.headers()["x-execution-id"].to_str().expect("text").to_owned());
        let path = format!("/api/executions/{}/logs", ids[0]);
        let request = server.request(reqwest::Method::GET, &path).bearer_auth(&token);
        let request = request.header("accept", "text/event-stream").header("last-event-id", "1");
        let events = request.send().await.expect("an answer").text().await.expect("a stream that ends");
        assert!(!events.contains("line 1") && events.contains("line 2") && events.contains("line 3"), "{events}");
        assert!(events.trim_end().lines().any(|line| line == "event: end"), "{events}");
        server.process.stop();
        server = installation.serve();
    }
    assert_eq!(ids[0], ids[1]);
}
