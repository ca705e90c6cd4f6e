//! Long logs: packed once their runs have ended, read as before, and whole wherever the engine dies meanwhile.

use super::{
    host::{Host, LOOK_EVERY, PATIENCE, installation, start},
    log_loss::{number, numbers},
};
use crate::support::Installation;
use msp_engine::fault::FaultPoint;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt as _, time::Instant};

/// Enough for several chunks.
pub const LINES: u64 = 6_000;

/// How many rows of a table satisfy a condition.
fn count(installation: &Installation, table: &str, condition: &str) -> u32 {
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = format!("SELECT count(*) FROM entities WHERE tbl = '{table}' AND {condition}");
    database.query_row(&sql, [], |row| row.get(0)).expect("counted")
}

/// Waits until every long log is packed, to the last row.
pub async fn packed(installation: &Installation) {
    let give_up = Instant::now() + PATIENCE;
    while count(installation, "ActiveExecutions", "pk = 'PACKING'") > 0 {
        assert!(Instant::now() < give_up, "a log is never packed");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let of_packed = "rk < '~' AND pk IN (SELECT pk FROM entities WHERE tbl = 'ExecutionLogs' AND rk > '~')";
    assert_eq!(count(installation, "ExecutionLogs", of_packed), 0, "rows are left");
    assert!(count(installation, "ExecutionLogs", "rk > '~'") > 1, "fewer than two chunks");
}

/// Runs a workflow that writes a long log, and answers its id.
pub async fn talk(host: &Host, org: &str) -> String {
    let input = json!({ "lines": LINES, "how": "return" });
    let answer = host.run(org, "count", "wait=60", &input).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.headers()["x-execution-id"].to_str().expect("text").to_owned()
}

/// Every number there is.
pub fn whole() -> Vec<u64> {
    (1..=LINES).collect()
}

fn log(host: &Host, token: &str, org: &str, id: &str, accept: &str) -> reqwest::RequestBuilder {
    let request = host.http.get(format!("{}/api/executions/{id}/logs", host.url)).bearer_auth(token);
    request.header("X-Organization-Id", org).header("accept", accept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_log_is_read_by_page_stream_and_download_and_only_where_it_belongs() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let (org, other) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    let id = talk(&host, &org).await;
    packed(&installation).await;

    assert_eq!(numbers(&host, &org, &id).await, whole());
    let text = log(&host, &host.token, &org, &id, "text/plain").send().await.expect("an answer").text().await;
    let text = text.expect("text");
    let downloaded = text.lines().map(|line| line.split_once(" numbered ")?.1.trim().parse().ok());
    assert_eq!(downloaded.collect::<Option<Vec<u64>>>(), Some(whole()));
    let resumed = log(&host, &host.token, &org, &id, "text/event-stream").header("last-event-id", LINES / 2);
    let events = resumed.send().await.expect("an answer").text().await.expect("text");
    let lines = events.lines().filter_map(|line| line.strip_prefix("data:"));
    let streamed = lines.filter_map(|line| number(&serde_json::from_str::<Value>(line.trim()).expect("JSON")));
    assert_eq!(streamed.collect::<Vec<_>>(), whole()[LINES as usize / 2..]);
    assert!(events.contains("event: end"), "it does not end");

    let grant = ["user", "add", "sam@example.com", "--name", "Sam", "--grant", "Fabrikam=view_history"];
    installation.succeed(&grant);
    let stranger = installation.succeed(&["token", "--user", "sam@example.com"]);
    for accept in ["application/json", "text/plain", "text/event-stream"] {
        let refused = log(&host, &stranger, &other, &id, accept).send().await.expect("an answer");
        assert_eq!(refused.status(), 404, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_dies_while_it_packs_a_log_leaves_it_whole_and_the_next_goes_on() {
    for (point, deaths) in [(FaultPoint::AfterLogBlob, 1), (FaultPoint::AfterLogIndex, 2)] {
        let installation = installation();
        let host = start(&installation, None).await.expect("a start");
        let org = host.organization("Contoso").await;
        host.kill();
        let host = start(&installation, Some(point.name())).await.expect("a start");
        let input = json!({ "lines": LINES, "how": "return" });
        let _ = host.run(&org, "count", "wait=60", &input).send().await;
        assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
        for _ in 1..deaths {
            // It dies at the next chunk, perhaps before anybody can ask it anything.
            if let Some(host) = start(&installation, Some(point.name())).await {
                assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
            }
        }
        assert_eq!(count(&installation, "ActiveExecutions", "pk = 'PACKING'"), 1, "{point:?}: it is forgotten");
        let indexed = if point == FaultPoint::AfterLogBlob { 0 } else { deaths };
        assert_eq!(count(&installation, "ExecutionLogs", "rk > '~'"), indexed, "{point:?}");
        assert!(count(&installation, "ExecutionLogs", "rk < '~'") > 0, "{point:?}");

        let host = start(&installation, None).await.expect("a restart");
        let executions = host.executions_once_ended(&org).await;
        let id = executions[0]["id"].as_str().expect("an id");
        assert_eq!(numbers(&host, &org, id).await, whole(), "{point:?}: while it is packed");
        packed(&installation).await;
        assert_eq!(numbers(&host, &org, id).await, whole(), "{point:?}");
    }
}
