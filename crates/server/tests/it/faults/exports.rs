//! Exports on a schedule: a server that dies while it writes a file shows no half of it, and the next start writes it.

use super::host::{Host, LOOK_EVERY, PATIENCE, installation, start};
use crate::support::Installation;
use msp_engine::fault::FaultPoint;
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt as _, time::Instant};

async fn get(host: &Host, org: &str, path: &str) -> reqwest::Response {
    let request = host.http.get(format!("{}{path}", host.url)).bearer_auth(&host.token);
    request.header("X-Organization-Id", org).send().await.expect("an answer")
}

async fn post(host: &Host, org: &str, path: &str, body: &Value) -> Option<reqwest::Response> {
    let request = host.http.post(format!("{}{path}", host.url)).bearer_auth(&host.token);
    request.header("X-Organization-Id", org).json(body).send().await.ok()
}

async fn files(host: &Host, org: &str, schedule: &str) -> Vec<Value> {
    let page: Value = get(host, org, &format!("{schedule}/files")).await.json().await.expect("JSON");
    page["items"].as_array().expect("items").clone()
}

/// The latest file, once it is whole, and what is in it.
async fn latest(host: &Host, org: &str, schedule: &str) -> (Value, Vec<String>) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let file = files(host, org, schedule).await.remove(0);
        if file["state"] == "whole" {
            let path = format!("{schedule}/files/{}", file["id"].as_str().expect("an id"));
            let text = get(host, org, &path).await.text().await.expect("text");
            let id = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_str().map(str::to_owned);
            return (file, text.lines().map(|line| id(line).expect("an id")).collect());
        }
        assert!(Instant::now() < give_up, "the file is never whole: {file}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn run(host: &Host, org: &str) -> String {
    let answer = host.run(org, "count", "wait=30", &json!({ "lines": 1, "how": "return" })).send().await;
    answer.expect("an answer").headers()["x-execution-id"].to_str().expect("text").to_owned()
}

/// A schedule that is not due while this test runs, but for when it is asked.
async fn scheduled(installation: &Installation) -> (String, String) {
    let host = start(installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let monthly = json!({ "subject": "executions", "format": "jsonl", "every": "month", "at": "00:00" });
    let made = post(&host, &org, "/api/export-schedules", &monthly).await.expect("an answer");
    assert_eq!(made.status(), 201);
    let schedule = made.headers()["location"].to_str().expect("text").to_owned();
    host.kill();
    (org, schedule)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_while_it_writes_an_export_shows_no_half_file_and_the_next_start_writes_it() {
    let installation = installation();
    let (org, schedule) = scheduled(&installation).await;
    let mut earlier = None;
    for point in [FaultPoint::AfterExportBegun, FaultPoint::AfterExportWritten] {
        let host = start(&installation, Some(point.name())).await.expect("it starts");
        let wanted = [run(&host, &org).await];
        // It dies of it, perhaps before it has answered.
        let _ = post(&host, &org, &format!("{schedule}/run"), &json!({})).await;
        assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
        assert_eq!(installation.succeed(&["repair", "--dry-run"]), "Nothing to repair.", "{point:?}");

        let host = start(&installation, None).await.expect("a restart");
        let (file, ids) = latest(&host, &org, &schedule).await;
        assert_eq!(ids, wanted, "{point:?}: what ended since the file before, once");
        assert_eq!(earlier.replace(file["to"].clone()).unwrap_or(file["from"].clone()), file["from"], "{point:?}");
        let whole = files(&host, &org, &schedule).await;
        assert!(whole.iter().all(|file| file["state"] == "whole"), "{point:?}: {whole:?}");
        host.kill();
        assert_eq!(installation.succeed(&["repair"]), "Nothing to repair.", "{point:?}");
    }
}
