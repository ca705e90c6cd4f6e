//! An execution that waits, and whose row somebody damaged.

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
