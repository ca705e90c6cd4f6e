//! A row that somebody damaged: of an execution that waits, of an organization.

use super::host::{installation, is_final, start};
use msp_engine::fault::FaultPoint;
use rusqlite::Connection;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_keeps_no_engine_from_starting_and_its_execution_runs_once_it_is_mended() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    host.kill();
    let host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("a start");
    let _ = host.run(&org, "speak", "respond-async", &json!({})).send().await;
    host.death().await;
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let set = |status: &str| {
        let sql = "UPDATE entities SET props = json_set(props, '$.Status', ?1) WHERE tbl = 'WorkflowExecutions'";
        assert_eq!(database.execute(sql, [status]).expect("written"), 1);
    };
    set("Sideways");

    let host = start(&installation, None).await.expect("it starts all the same");
    let other = host.organization("Fabrikam").await;
    let answer = host.run(&other, "speak", "wait=60", &json!({})).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    host.kill();
    let sql = "UPDATE entities SET props = json_set(props, '$.Status', 'Pending') WHERE tbl = 'WorkflowExecutions' AND pk = ?1";
    assert_eq!(database.execute(sql, [&org]).expect("mended"), 1);
    let host = start(&installation, None).await.expect("a start");
    let executions = host.executions_once_ended(&org).await;
    assert!(executions.iter().all(is_final) && executions[0]["status"] == "Success", "{executions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_organization_is_closed_and_named_and_the_server_starts_and_serves_the_others() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let (lost, kept) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    host.kill();
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = "UPDATE entities SET props = json_set(props, '$.CreatedAt', ?1) WHERE tbl = 'Organizations' AND rk = ?2";
    assert_eq!(database.execute(sql, ["last week", &lost]).expect("damaged"), 1);

    let server = installation.serve();
    server.wait_until_ready();
    let token = installation.succeed(&["token"]);
    let (status, list) = server.get(&token, "/api/organizations").await;
    assert_eq!(status, 200);
    let listed: Vec<_> = list["items"].as_array().expect("items").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(listed, [kept.as_str()]);
    let (status, problem) = server.get(&token, &format!("/api/organizations/{lost}")).await;
    assert_eq!((status, &problem["type"]), (500, &json!("/problems/internal")));
    assert!(problem["detail"].as_str().expect("a detail").contains("msp repair"), "{problem}");
    assert!(!problem.to_string().contains("CreatedAt"), "nothing of the row leaks: {problem}");
    let ran = server.request(reqwest::Method::POST, "/workflows/speak").bearer_auth(&token);
    let ran = ran.header("X-Organization-Id", &kept).json(&json!({})).send().await.expect("an answer");
    assert_eq!(ran.status(), 200);
    server.process.wait_for("the row in the log", || {
        let log = server.process.stderr();
        (log.contains("is left out") && log.contains(&lost)).then_some(())
    });
    assert!(server.process.stop().success());
    let repaired = installation.run(&["repair"]);
    assert_eq!(repaired.code, Some(1), "{repaired:#?}");
    assert!(repaired.stdout.contains(&format!("Organizations (ORG, {lost}) cannot be read")), "{repaired:#?}");
}
