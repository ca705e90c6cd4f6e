//! The machine's clock jumps by an hour, forwards and backwards, while runs fly and wait.

use super::{
    effects::Effects,
    host::{Host, installation, is_final, start},
};
use crate::support::Installation;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const HOUR: i64 = 3600;
/// More than the dispatcher takes at once, so that some wait in the queue while the clock jumps.
const QUEUED: usize = 70;

/// Turns the clock of server and command line, at once.
pub struct Turn(PathBuf);

impl Turn {
    /// A clock of this installation that shows the machine's time.
    pub fn of(installation: &mut Installation) -> Self {
        let turn = Self(installation.workspace().with_file_name("clock"));
        turn.to(0);
        installation.set("MSP_CLOCK_OFFSET_FILE", turn.0.display().to_string());
        turn
    }

    /// Lets it differ from the machine's by so many seconds.
    pub fn to(&self, seconds: i64) {
        let next = self.0.with_extension("next");
        fs::write(&next, seconds.to_string()).expect("written");
        fs::rename(next, &self.0).expect("renamed");
    }
}

async fn status(host: &Host) -> u16 {
    let request = host.http.get(format!("{}/api/organizations", host.url)).bearer_auth(&host.token);
    request.send().await.expect("an answer").status().as_u16()
}

async fn marked(host: &Host, org: &str, input: &Value) -> String {
    let request = host.run(org, "act_once", "respond-async", input).header("Idempotency-Key", "once");
    let body: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    body["execution_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jumps_of_an_hour_lose_no_run_end_none_early_and_repeat_none() {
    let effects = Effects::listen();
    let mut installation: Installation = installation();
    let turn = Turn::of(&mut installation);
    let mut host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let act = json!({ "url": effects.url() });
    let once = marked(&host, &org, &act).await;

    // Flying: an hour is more than its deadline of half an hour. Waiting: more than fly at once.
    let wait = json!({ "url": effects.url(), "seconds": 3 });
    let mut runs = Vec::new();
    for _ in 0..QUEUED {
        runs.push(host.start_run(&org, "act_and_wait", &wait).await);
    }
    host.execution_once(&org, &runs[0], |execution| execution["status"] == "Running").await;
    turn.to(HOUR + 60);
    assert_eq!(status(&host).await, 401, "an hour is the life of a token");
    host.token = installation.succeed(&["token"]);
    assert_eq!(marked(&host, &org, &act).await, once, "a mark holds for a day");
    runs.push(host.start_run(&org, "act_once", &act).await);

    turn.to(-HOUR);
    assert_eq!(status(&host).await, 401, "a token of the future is no token");
    host.token = installation.succeed(&["token"]);
    assert_eq!(marked(&host, &org, &act).await, once);
    runs.push(host.start_run(&org, "act_once", &act).await);
    // Its deadline is a second away, whatever the clock says.
    let late = host.start_run(&org, "cling", &json!({})).await;
    for id in &runs {
        let ended = host.execution_once(&org, id, is_final).await;
        assert_eq!(ended["status"], "Success", "{ended}");
        assert_eq!(effects.of(id), 1, "{id}");
        assert!(ended["duration_ms"].as_i64().is_some_and(|duration| duration >= 0), "{ended}");
        assert!(ended["completed_at"].as_str() >= ended["started_at"].as_str(), "{ended}");
    }
    assert_eq!(host.execution_once(&org, &late, is_final).await["status"], "TimedOut");

    turn.to(0);
    host.token = installation.succeed(&["token"]);
    let history = host.executions_once_ended(&org).await;
    assert_eq!(history.len(), runs.len() + 2, "nothing is lost, nothing is there twice");
    let instant =
        |execution: &Value| execution["started_at"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let began: Vec<DateTime<Utc>> = history.iter().map(instant).collect();
    assert!(began.is_sorted_by(|newer, older| newer >= older), "history is in the order of its times: {began:?}");
    assert_eq!(effects.of(&once), 1);
}
