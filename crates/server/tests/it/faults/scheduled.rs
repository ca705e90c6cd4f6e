//! Runs that wait for their time, and a server that dies before, at and after it.

use super::{
    clock_jumps::Turn,
    effects::Effects,
    host::{Host, installation, is_final, start},
};
use chrono::{Duration, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;

const HOUR: i64 = 3600;

/// Schedules a run for an hour from now.
fn in_an_hour(host: &Host, org: &str, workflow: &str, input: &Value) -> reqwest::RequestBuilder {
    let at = (Utc::now() + Duration::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    host.run(org, workflow, "wait=30", input).header("X-Run-At", at)
}

async fn schedule(host: &Host, org: &str, workflow: &str, input: &Value) -> String {
    let answer = in_an_hour(host, org, workflow, input).send().await.expect("an answer");
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["scheduled_for"].is_string(), "{body}");
    body["execution_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_run_survives_the_server_and_starts_once_after_its_time_unless_that_is_a_day_ago() {
    let effects = Effects::listen();
    let mut installation = installation();
    let turn = Turn::of(&mut installation);
    let act = json!({ "url": effects.url() });

    // Dies when the run is on record and nobody was told.
    let host = start(&installation, Some("after_enqueue")).await.expect("a start");
    let org = host.organization("Contoso").await;
    let _ = in_an_hour(&host, &org, "act_once", &act).send().await;
    assert_eq!(host.death().await.signal(), Some(9));
    let host = start(&installation, None).await.expect("a restart");
    let found = host.executions(&org).await;
    assert_eq!((found.len(), &found[0]["status"]), (1, &json!("Pending")), "{found:?}");
    let unanswered = found[0]["id"].as_str().expect("an id").to_owned();
    let waiting = schedule(&host, &org, "act_once", &act).await;
    let changed = schedule(&host, &org, "take", &json!({ "text": "x" })).await;
    host.kill();

    // Its time comes while no server is there, and one workflow takes something else by then.
    turn.to(2 * HOUR);
    let acting = include_str!("acting.py").replace("take(context, text: str)", "take(context, words: str)");
    installation.write("workflows/acting.py", &acting.replace("len(text)", "len(words)"));
    let host = start(&installation, None).await.expect("a restart");
    for id in [&unanswered, &waiting] {
        let ended = host.execution_once(&org, id, is_final).await;
        assert_eq!((&ended["status"], effects.of(id)), (&json!("Success"), 1), "{ended}");
    }
    let refused = host.execution_once(&org, &changed, is_final).await;
    assert_eq!(refused["error_type"], "parameters_invalid", "{refused}");
    turn.to(0);
    host.kill();

    // Dies when it has claimed the run whose time has come: how far it got is unknown, so it is not begun again.
    let host = start(&installation, Some("after_claim")).await.expect("a restart");
    let claimed = schedule(&host, &org, "act_once", &act).await;
    turn.to(2 * HOUR);
    assert_eq!(host.death().await.signal(), Some(9));
    let host = start(&installation, None).await.expect("a restart");
    let ended = host.execution_once(&org, &claimed, is_final).await;
    assert_eq!((&ended["status"], effects.of(&claimed)), (&json!("Interrupted"), 0), "{ended}");

    turn.to(0);
    let mut host = host;
    host.token = installation.succeed(&["token"]);
    let missed = schedule(&host, &org, "act_once", &act).await;
    host.kill();
    turn.to(26 * HOUR);
    let host = start(&installation, None).await.expect("a restart");
    let ended = host.execution_once(&org, &missed, is_final).await;
    assert_eq!((&ended["error_type"], effects.of(&missed)), (&json!("schedule_missed"), 0), "{ended}");
}
