//! Executions under way: cancelled, followed, sent twice, run again.

use msp_domain::{Clock, ExecutionId, Permission, Scope, Trigger};
use msp_storage::{
    ExecutionPointer, Query, Table,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Entry, NewExecution},
        organizations::Organization,
    },
};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow, param

@workflow(name="endless", description="Waits until it is ended", category="demo")
async def endless(context):
    print("waiting")
    await asyncio.sleep(600)

@workflow(name="quick", description="Returns at once", category="demo")
async def quick(context):
    return "done"

@workflow(name="talkative", description="Says what it does for a while", category="demo")
@param("lines", type="int", default=300)
async def talkative(context, lines):
    for number in range(1, lines + 1):
        print(f"line {number}")
        if number % 50 == 0:
            context.progress(100 * number / lines, f"{number} lines")
            await asyncio.sleep(0.3)
    return "done"

@workflow(name="join", description="Takes a password", category="demo")
@param("user", type="string", required=True)
@param("password", type="password", required=True)
async def join(context, user, password):
    return f"{user} {len(password)}"
"#;

async fn app() -> TestApp {
    TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKFLOWS)]).await
}

/// An execution that is pending, put on record as the engine does it, and not sent to the queue yet.
pub(crate) async fn pending(app: &TestApp, scope: Scope, user: &TestCaller, workflow: &str) -> String {
    let now = app.clock.now();
    let new = NewExecution {
        id: ExecutionId::at(now),
        scope,
        workflow_name: workflow.to_owned(),
        form_id: None,
        form_name: None,
        executed_by: user.user(),
        executed_by_name: String::new(),
        trigger: Trigger::Api,
        input_json: "{}".to_owned(),
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
    let audit = AuditDraft::new(scope, &Actor::PLATFORM, "Workflow.Execute", workflow, json!({}));
    let executions = &app.repositories.executions;
    executions.insert(&new, &Entry::Queued, Vec::new(), audit).await.expect("the execution is recorded");
    new.id.key()
}

/// Starts a workflow without waiting for it.
pub(crate) async fn start(caller: &TestCaller, org: &Organization, name: &str) -> String {
    let request = caller.request("POST", &format!("/workflows/{name}")).org(org.id).json(&json!({}));
    let accepted = request.header("prefer", "respond-async").send().await.expect(202);
    accepted.header("x-execution-id").to_owned()
}

/// Reads an execution until it satisfies a condition.
pub(crate) async fn until(caller: &TestCaller, id: &str, what: impl Fn(&Value) -> bool) -> Value {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let execution = caller.get(None, &format!("/api/executions/{id}")).await.expect(200).json();
        if what(&execution) {
            return execution;
        }
        assert!(Instant::now() < give_up, "it does not come to that: {execution}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn cancel(caller: &TestCaller, id: &str) -> Answer {
    caller.request("POST", &format!("/api/executions/{id}/cancel")).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_execution_is_cancelled_by_who_may_execute_and_see_it() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let colleague = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let lead = app.user_with(&org, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    let stranger = app.user_with(&app.org("Fabrikam").await, Permission::ALL).await;

    for canceller in [&runner, &lead] {
        let id = start(&runner, &org, "endless").await;
        until(&runner, &id, |execution| execution["logs_through"] == 1 || execution["status"] == "Running").await;
        let denied = cancel(&viewer, &id).await;
        denied.assert_problem(403, "permission-denied");
        assert_eq!(denied.json()["permission"], "execute_workflows");
        cancel(&colleague, &id).await.assert_problem(404, "not-found");
        cancel(&stranger, &id).await.assert_problem(404, "not-found");

        let answer = cancel(canceller, &id).await.expect(202).json();
        assert_eq!(answer["id"], id);
        let again = cancel(canceller, &id).await.status.as_u16();
        assert!(matches!(again, 202 | 409), "a second cancel answered {again}");
        let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
        assert_eq!((&ended["status"], &ended["error_type"]), (&json!("Cancelled"), &json!("cancelled")));
        cancel(canceller, &id).await.assert_problem(409, "execution-ended");
        let rows = app.audit(Scope::Org(org.id)).await;
        let mut of_this = rows.iter().filter(|row| row.draft.action == "Execution.Cancel" && row.draft.entity_id == id);
        assert_eq!(of_this.next().expect("audited").draft.actor.user, Some(canceller.user()));
        assert!(of_this.next().is_none(), "once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_execution_ends_at_once_and_never_runs() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let waiting = pending(&app, Scope::Org(org.id), &runner, "quick").await;
    let answer = cancel(&runner, &waiting).await.expect(202).json();
    assert_eq!((&answer["status"], &answer["id"]), (&json!("Cancelled"), &json!(waiting)));
    cancel(&runner, &waiting).await.assert_problem(409, "execution-ended");
    // Its message is delivered before that of a later run, which therefore proves that it was received.
    let pointer = ExecutionPointer { scope: Scope::Org(org.id), execution_id: waiting.parse().expect("an id") };
    app.repositories.stores.queue.send(pointer).await.expect("the message is sent");
    let later = start(&runner, &org, "quick").await;
    until(&runner, &later, |execution| execution["status"] == "Success").await;
    let cancelled = until(&runner, &waiting, |_| true).await;
    assert_eq!((&cancelled["status"], &cancelled["epoch"]), (&json!("Cancelled"), &json!(0)), "{cancelled}");
}

/// The events of a stream as (name, id, data).
fn events(text: &str) -> Vec<(String, u64, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(|value| value.trim().to_owned()))
    };
    let event = |text: &str| {
        let data = serde_json::from_str(&field(text, "data")?).expect("JSON");
        Some((field(text, "event")?, field(text, "id")?.parse().expect("a number"), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

pub(crate) async fn events_of(caller: &TestCaller, id: &str, last_event_id: &str) -> Vec<(String, u64, Value)> {
    events_as_they_come(caller, id, last_event_id, |_| {}).await
}

/// The same; `arrived` sees the stream each time it has become longer.
pub(crate) async fn events_as_they_come(
    caller: &TestCaller,
    id: &str,
    last_event_id: &str,
    arrived: impl FnMut(&str),
) -> Vec<(String, u64, Value)> {
    let mut request = caller.request("GET", &format!("/api/executions/{id}/logs"));
    request = request.header("accept", "text/event-stream");
    if !last_event_id.is_empty() {
        request = request.header("last-event-id", last_event_id);
    }
    let answer = request.send_and_follow(arrived).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    events(&answer.text())
}

fn lines(events: &[(String, u64, Value)]) -> Vec<u64> {
    events
        .iter()
        .filter(|(name, ..)| name == "log")
        .map(|(_, id, line)| {
            assert_eq!(line["message"], format!("line {id}"));
            *id
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_follows_an_execution_to_its_end_and_resumes_without_gap_or_duplicate() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let id = start(&runner, &org, "talkative").await;
    // While it runs: everything from the first line on, also to a second reader, who comes later and in the middle.
    let late = async {
        until(&runner, &id, |execution| execution["progress"].is_object()).await;
        events_of(&runner, &id, "40").await
    };
    let (live, late) = tokio::join!(events_of(&runner, &id, ""), late);
    let all: Vec<u64> = (1..=300).collect();
    assert_eq!(lines(&live), all);
    assert_eq!(lines(&late), all[40..]);
    let named = |name: &str| live.iter().filter(|(event, ..)| event == name).collect::<Vec<_>>();
    assert!(named("progress").len() > 1, "{live:?}");
    assert_eq!(named("progress").last().expect("some").2, json!({ "percent": 100.0, "message": "300 lines" }));
    assert_eq!(named("status").last().expect("some").2, json!({ "status": "Success" }));
    let (name, last, end) = live.last().expect("events");
    assert_eq!((name.as_str(), *last, &end["status"]), ("end", 300, &json!("Success")));
    // When it is over: the same again, from anywhere.
    assert_eq!(lines(&events_of(&runner, &id, "").await), all);
    for after in [0_usize, 1, 199, 200, 299, 300] {
        let resumed = events_of(&runner, &id, &after.to_string()).await;
        assert_eq!(lines(&resumed), all[after..]);
        assert_eq!(resumed.last().expect("events").0, "end");
    }
    let path = format!("/api/executions/{id}/logs");
    let request = runner.request("GET", &path).header("accept", "text/event-stream").header("last-event-id", "x");
    request.send().await.assert_problem(400, "header-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_a_pending_execution_being_cancelled_and_closes_when_rights_end() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let waiting = pending(&app, Scope::Org(org.id), &runner, "quick").await;
    let (followed, _) = tokio::join!(events_of(&runner, &waiting, ""), async {
        tokio::task::yield_now().await;
        cancel(&runner, &waiting).await.expect(202)
    });
    let (name, _, end) = followed.last().expect("events");
    assert_eq!((name.as_str(), &end["status"]), ("end", &json!("Cancelled")), "{followed:?}");

    let id = start(&runner, &org, "talkative").await;
    let (seen, ()) = tokio::join!(events_of(&viewer, &id, ""), async {
        until(&runner, &id, |execution| execution["progress"].is_object()).await;
        app.grant(&viewer, org.id, [Permission::ManageForms].into_iter().collect()).await;
    });
    let (name, _, data) = seen.last().expect("events");
    assert_eq!((name.as_str(), data), ("closed", &json!({ "type": "/problems/not-found" })));
    assert!(lines(&seen).len() < 300, "nothing more is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_again_under_its_idempotency_key_starts_nothing() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let colleague = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let send = async |caller: &TestCaller, key: &str, user: &str, prefer: &str| {
        let body = json!({ "user": user, "password": "correct horse" });
        let request = caller.request("POST", "/workflows/join").org(org.id).json(&body);
        request.header("idempotency-key", key).header("prefer", prefer).send().await
    };

    let equal = futures_of(100, || send(&runner, "key-1", "ada", "wait=60")).await;
    let id = equal[0].header("x-execution-id").to_owned();
    for answer in &equal {
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "\"ada 13\""), "{answer:?}");
        assert_eq!(answer.header("x-execution-id"), id);
    }
    let listed = runner.get(org.id, "/api/executions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "one run, and its mark is no history");
    let accepted = send(&runner, "key-1", "ada", "respond-async").await.expect(202);
    assert_eq!(accepted.json()["execution_id"], id);

    send(&runner, "key-1", "eve", "wait=60").await.assert_problem(422, "idempotency-key-reused");
    send(&runner, "", "ada", "wait=60").await.assert_problem(400, "header-invalid");
    for (caller, key) in [(&runner, "key-2"), (&colleague, "key-1")] {
        assert_ne!(send(caller, key, "ada", "wait=60").await.expect(200).header("x-execution-id"), id);
    }
    let stored = app.repositories.stores.tables.query_all(Table::WorkflowExecutions, Query::default()).await;
    let stored = format!("{:?}", stored.expect("readable"));
    assert!(stored.contains("~idem_") && !stored.contains("key-1") && !stored.contains("correct horse"));
}

/// Starts that many requests at once and answers what each was answered.
async fn futures_of<F: Future<Output = Answer>>(count: usize, request: impl Fn() -> F) -> Vec<Answer> {
    futures::future::join_all((0..count).map(|_| request())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_be_used_anew_after_a_day() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        // A token of its own for each day.
        let caller = app.scoped(&runner, "Workflows.Execute");
        let request = caller.request("POST", "/workflows/quick").org(org.id).json(&json!({}));
        let answer = request.header("idempotency-key", "daily").send().await.expect(200);
        ids.push(answer.header("x-execution-id").to_owned());
        app.clock.advance(chrono::Duration::hours(25));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_takes_the_earlier_parameters_and_asks_for_passwords_again() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let lead = app.user_with(&org, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    let body = json!({ "user": "ada", "password": "correct horse" });
    let first = runner.post(org.id, "/workflows/join", body).await.expect(200).header("x-execution-id").to_owned();
    let path = format!("/api/executions/{first}/rerun");

    let refused = runner.request("POST", &path).send().await;
    refused.assert_problem(422, "parameters-invalid");
    assert_eq!(refused.json()["errors"][0]["pointer"], "#/password");
    let again = json!({ "password": "battery staple" });
    viewer.post(None, &path, again.clone()).await.assert_problem(403, "permission-denied");
    let other = json!({ "password": "battery staple", "user": "eve" });
    // What is left out with `null` need not be a parameter any more.
    let without = json!({ "password": "battery staple", "gone": null });
    for (caller, body, value) in
        [(&runner, again.clone(), "ada 14"), (&lead, other, "eve 14"), (&runner, without, "ada 14")]
    {
        let answer = caller.post(None, &path, body).await.expect(200);
        assert_eq!(answer.json(), value);
        let id = answer.header("x-execution-id");
        let execution = caller.get(None, &format!("/api/executions/{id}")).await.expect(200).json();
        assert_eq!((&execution["retry_of"], &execution["executed_by"]), (&json!(first), &json!(caller.user())));
        assert!(!execution.to_string().contains("battery"));
    }
    let unknown = runner.post(None, &path, json!({ "password": "battery staple", "usr": "x" })).await;
    unknown.assert_problem(422, "parameters-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_log_is_a_file_of_text_for_who_may_read_its_pages() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let colleague = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let stranger = app.user_with(&app.org("Fabrikam").await, Permission::ALL).await;
    let answer = runner.post(org.id, "/workflows/talkative", json!({ "lines": 1201 })).await.expect(200);
    let id = answer.header("x-execution-id").to_owned();
    let download = async |caller: &TestCaller, after: u64| {
        let request = caller.request("GET", &format!("/api/executions/{id}/logs?after={after}"));
        request.header("accept", "text/plain").send().await
    };
    for after in [0, 1, 1200, 1201] {
        let answer = download(&runner, after).await.expect(200);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{id}.log\""));
        let text = answer.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len() as u64, 1201 - after);
        for (line, number) in lines.iter().zip(after + 1..) {
            let (at, rest) = line.split_once(' ').expect("a time");
            assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{line}");
            assert_eq!(rest, format!("info print line {number}"));
        }
    }
    for foreign in [&stranger, &colleague] {
        download(foreign, 0).await.assert_problem(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_not_read_to_its_end_holds_its_place() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let answer = runner.post(org.id, "/workflows/talkative", json!({ "lines": 1201 })).await.expect(200);
    let path = format!("/api/executions/{}/logs", answer.header("x-execution-id"));
    let logs = |accept: &str| runner.request("GET", &path).header("accept", accept);
    let mut held = Vec::new();
    for _ in 0..32 {
        let begun = Arc::new(Notify::new());
        let signal = Arc::clone(&begun);
        let mut download = Box::pin(logs("text/plain").send_and_follow(move |_| signal.notify_one()));
        tokio::select! {
            biased;
            () = begun.notified() => {}
            whole = &mut download => panic!("it was read whole: {}", whole.status),
        }
        held.push(download);
    }
    for accept in ["text/plain", "text/event-stream"] {
        let refused = logs(accept).send().await;
        refused.assert_problem(503, "streams-saturated");
        assert!(!refused.header("retry-after").is_empty());
        let problem = refused.json();
        assert_eq!(
            problem["detail"],
            "You have 32 streams, downloads and uploads open; end one of them, or read in pages."
        );
    }
    let _ = logs("application/json").send().await.expect(200);
    held.pop();
    let _ = logs("text/plain").send().await.expect(200);
}
