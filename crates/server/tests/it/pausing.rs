//! The emergency stop, as administrators and operators use it.

use crate::{
    faults::host::{Host, start},
    support::Installation,
};
use msp_domain::{Scope, SystemClock};
use msp_engine::fault::FaultPoint;
use msp_storage::Repositories;
use msp_storage_local::{LocalHome, LocalOptions};
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow

@workflow(name="greet")
async def greet(context):
    return context.org.name

@workflow(name="other")
async def other(context):
    return "other"

@workflow(name="anywhere", requires_org=False)
async def anywhere(context):
    return "anywhere"

@workflow(name="endless")
async def endless(context):
    print("waiting")
    await asyncio.sleep(600)
"#;

const OPTIONS: &str = r#"
from shared.decorators import option_generator

@option_generator(name="colours")
async def colours(context):
    return [{"label": "Red", "value": "red"}]
"#;

fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    installation.write("options/all.py", OPTIONS);
    installation
}

/// A request by the administrator.
async fn ask(host: &Host, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = host.http.request(method, format!("{}{path}", host.url)).bearer_auth(&host.token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn run(host: &Host, org: &str, workflow: &str, prefer: &str) -> (u16, Value) {
    let answer = host.run(org, workflow, prefer, &json!({})).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn colours(host: &Host, org: &str) -> u16 {
    let request = host.http.get(format!("{}/options/colours", host.url)).bearer_auth(&host.token);
    request.header("X-Organization-Id", org).send().await.expect("an answer").status().as_u16()
}

/// What the audit trail of a scope holds of this action, read beside the server.
async fn audited(data: &Path, scope: Scope, action: &str) -> usize {
    let clock = Arc::new(SystemClock);
    let options = LocalOptions { data: data.to_owned(), master_key_file: None, create: false, clock: clock.clone() };
    let repositories = Repositories::new(LocalHome::open(options).await.expect("the data folder").stores, clock);
    let rows = repositories.audit.list(scope, None, 1000).await.expect("the audit trail").items;
    rows.iter().filter(|row| row.draft.action == action).count()
}

fn assert_paused(answer: &(u16, Value), id: &str) {
    let (status, problem) = answer;
    assert_eq!(*status, 409, "{problem}");
    assert_eq!(problem["type"], "/problems/paused");
    assert_eq!(problem["pause"]["id"], id);
    assert_eq!(problem["pause"]["reason"], "it assigns licences twice");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("by Administrator on 20") && detail.contains("licences twice"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paused_is_refused_before_any_record_and_everything_else_runs() {
    let installation = installation();
    let host = start(&installation, None).await.expect("it starts");
    let (contoso, fabrikam) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    let earlier = host.start_run(&contoso, "greet", &json!({})).await;
    let earlier = host.execution_once(&contoso, &earlier, crate::faults::host::is_final).await;
    let rerun = format!("/api/executions/{}/rerun", earlier["id"].as_str().expect("an id"));
    let organization = format!("organization:{contoso}");
    let scope = Scope::Org(contoso.parse().expect("an id"));

    // What is paused, and which of these it holds: greet and other of Contoso, its options, greet of Fabrikam, anywhere.
    for (id, holds) in [
        ("all", [true, true, true, true, true]),
        (&organization, [true, true, true, false, false]),
        ("workflow:greet", [true, false, false, true, false]),
    ] {
        let path = format!("/api/pauses/{id}");
        let (status, set) =
            ask(&host, Method::PUT, &path, Some(json!({ "reason": "it assigns licences twice" }))).await;
        assert_eq!(status, 200, "{set}");
        let executed = audited(&installation.data(), scope, "Workflow.Execute").await;
        let recorded = host.executions_once_ended(&contoso).await.len();

        for prefer in ["wait=60", "respond-async"] {
            assert_paused(&run(&host, &contoso, "greet", prefer).await, id);
        }
        assert_paused(&ask(&host, Method::POST, &rerun, Some(json!({}))).await, id);
        assert_eq!(host.executions_once_ended(&contoso).await.len(), recorded, "something was recorded under {id}");
        let after = audited(&installation.data(), scope, "Workflow.Execute").await;
        assert_eq!(after, executed, "a run was audited under {id}");

        let other = run(&host, &contoso, "other", "wait=60").await;
        let foreign = run(&host, &fabrikam, "greet", "wait=60").await;
        let (anywhere, body) = {
            let request = host.http.post(format!("{}/workflows/anywhere", host.url)).bearer_auth(&host.token);
            let answer = request.json(&json!({})).send().await.expect("an answer");
            (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
        };
        let statuses = [409, other.0, colours(&host, &contoso).await, foreign.0, anywhere];
        let expected = holds.map(|held| if held { 409 } else { 200 });
        assert_eq!(statuses, expected, "under {id}: {other:?} {foreign:?} {body}");

        for _ in 0..2 {
            assert_eq!(ask(&host, Method::DELETE, &path, None).await.0, 204);
        }
        assert_eq!(run(&host, &contoso, "greet", "wait=60").await, (200, json!("Contoso")), "after {id}");
    }
    let (status, problem) =
        ask(&host, Method::PUT, "/api/pauses/workflow:gret", Some(json!({ "reason": "a typo" }))).await;
    assert_eq!((status, &problem["nearest"]), (404, &json!("greet")), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_run_waits_for_the_resume_across_restarts_and_holds_up_nobody_else() {
    let installation = installation();
    let host = start(&installation, None).await.expect("it starts");
    let (contoso, fabrikam) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    host.kill();
    // Each is accepted, and the server dies before it takes it up. No server runs when it is paused.
    let queue = async |org: &str, workflow: &str| {
        let host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("it starts");
        let _ = host.run(org, workflow, "respond-async", &json!({})).send().await;
        host.death().await;
    };
    queue(&contoso, "greet").await;
    installation.succeed(&["pause", "--workflow", "greet", "--reason", "an incident"]);
    queue(&contoso, "other").await;
    installation.succeed(&["pause", "--workflow", "other", "--reason", "an incident"]);
    installation.succeed(&["pause", "--org", "Contoso", "--reason", "an incident"]);
    installation.succeed(&["resume", "--workflow", "greet"]);
    queue(&fabrikam, "greet").await;

    for _ in 0..2 {
        let host = start(&installation, None).await.expect("a restart");
        host.executions_once_ended(&fabrikam).await;
        let fresh = host.start_run(&fabrikam, "greet", &json!({})).await;
        let fresh = host.execution_once(&fabrikam, &fresh, crate::faults::host::is_final).await;
        assert_eq!(fresh["status"], "Success", "{fresh}");
        for execution in host.executions(&contoso).await {
            assert_eq!(execution["status"], "Pending", "{execution}");
        }
        host.kill();
    }

    let host = start(&installation, None).await.expect("a restart");
    installation.succeed(&["resume", "--org", "Contoso"]);
    let waiting = host.executions(&contoso).await;
    let id_of = |workflow: &str| {
        let found = waiting.iter().find(|execution| execution["workflow_name"] == workflow);
        found.and_then(|execution| execution["id"].as_str()).unwrap_or_else(|| panic!("{workflow}: {waiting:?}"))
    };
    let greet = host.execution_once(&contoso, id_of("greet"), crate::faults::host::is_final).await;
    assert_eq!((&greet["status"], &greet["result"]), (&json!("Success"), &json!("Contoso")));
    assert_eq!(host.execution(&contoso, id_of("other")).await["status"], "Pending", "its own pause stands");
    assert_eq!(ask(&host, Method::DELETE, "/api/pauses/workflow:other", None).await.0, 204);
    let other = host.execution_once(&contoso, id_of("other"), crate::faults::host::is_final).await;
    assert_eq!(other["status"], "Success", "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_stops_a_running_server_and_ends_what_runs_if_asked_to() {
    let installation = installation();
    let host = start(&installation, None).await.expect("it starts");
    let (contoso, fabrikam) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    let begin = async |org: &str| {
        let id = host.start_run(org, "endless", &json!({})).await;
        host.execution_once(org, &id, |execution| execution["logs_through"] != 0 || execution["status"] == "Running")
            .await;
        id
    };
    let (ours, theirs) = (begin(&contoso).await, begin(&fabrikam).await);

    let typo = installation.run(&["pause", "--workflow", "endles", "--reason", "an incident"]);
    assert_eq!(typo.code, Some(2), "{typo:#?}");
    assert!(typo.stderr.contains("did you mean `endless`?"), "{}", typo.stderr);
    let silent = installation.run(&["pause", "--org", "Contoso"]);
    assert_eq!(silent.code, Some(2), "a pause without reason: {silent:#?}");
    assert_eq!(run(&host, &contoso, "greet", "wait=60").await.0, 200);

    installation.succeed(&["pause", "--org", "Contoso", "--reason", "an incident"]);
    let (status, problem) = run(&host, &contoso, "greet", "wait=60").await;
    assert_eq!((status, &problem["pause"]["paused_by"]), (409, &json!("platform")), "{problem}");
    assert_eq!(run(&host, &fabrikam, "greet", "wait=60").await.0, 200);
    assert_eq!(host.execution(&contoso, &ours).await["status"], "Running", "what runs goes on unless asked otherwise");

    installation.succeed(&["pause", "--org", "Contoso", "--reason", "an incident", "--cancel-running"]);
    let ended = host.execution_once(&contoso, &ours, crate::faults::host::is_final).await;
    assert_eq!(ended["status"], "Cancelled");
    assert_eq!(audited(&installation.data(), Scope::Org(contoso.parse().expect("an id")), "Execution.Cancel").await, 1);
    assert_eq!(host.execution(&fabrikam, &theirs).await["status"], "Running", "another organization is unaffected");

    installation.succeed(&["pause", "--reason", "everything is wrong"]);
    let listed = installation.succeed(&["pauses"]);
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].starts_with("all  ") && lines[0].ends_with("the command line  everything is wrong"), "{listed}");
    assert!(lines[1].starts_with(&format!("organization:{contoso}  ")), "{listed}");
    installation.succeed(&["resume"]);
    assert_eq!(run(&host, &fabrikam, "greet", "wait=60").await.0, 200);
    assert_eq!(run(&host, &contoso, "greet", "wait=60").await.0, 409, "its own pause stands");
    installation.succeed(&["resume", "--org", "Contoso"]);
    assert_eq!(run(&host, &contoso, "greet", "wait=60").await.0, 200);
    assert_eq!(installation.succeed(&["pauses"]), "");
}
