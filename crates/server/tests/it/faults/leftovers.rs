//! Processes a run leaves behind, each hiding in its own way.

use super::host::{Host, installation, is_final, start};
use serde_json::json;
use std::{
    fs,
    time::{Duration, Instant},
};

/// How long anything of a run may outlive its end: two graces of five seconds, and what it takes to look.
const GONE_WITHIN: Duration = Duration::from_secs(12);

/// Processes whose command line holds a text.
fn left(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("listed").filter_map(Result::ok);
    let commands = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    commands
        .map(|command| String::from_utf8_lossy(&command).replace('\0', " "))
        .filter(|text| text.contains(mark))
        .collect()
}

async fn gone(mark: &str, since: Instant) {
    while !left(mark).is_empty() {
        assert!(since.elapsed() < GONE_WITHIN, "still there: {:?}", left(mark));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn scatter(host: &Host, org: &str, mark: &str, how: &str) -> String {
    let id = host.start_run(org, "scatter", &json!({ "mark": mark, "how": how })).await;
    host.execution_once(org, &id, |execution| left(mark).len() >= 4 || is_final(execution)).await;
    assert!(left(mark).len() >= 4, "{how}: {:?}", left(mark));
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_a_run_started_is_left_twelve_seconds_after_it_was_cancelled_or_returned() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    for how in ["give way", "cling"] {
        let mark = format!("mark-{}", uuid::Uuid::new_v4().simple());
        let id = scatter(&host, &org, &mark, how).await;
        let url = format!("{}/api/executions/{id}/cancel", host.url);
        let request = host.http.post(url).bearer_auth(&host.token).header("X-Organization-Id", &org);
        assert!(request.send().await.expect("an answer").status().is_success());
        let cancelled = Instant::now();
        gone(&mark, cancelled).await;
        assert_eq!(host.execution_once(&org, &id, is_final).await["status"], "Cancelled", "{how}");
    }
    let mark = format!("mark-{}", uuid::Uuid::new_v4().simple());
    let id = scatter(&host, &org, &mark, "return").await;
    assert_eq!(host.execution_once(&org, &id, is_final).await["status"], "Success");
    gone(&mark, Instant::now()).await;
    // The organization goes on at once.
    let answer = host.run(&org, "answer", "wait=60", &json!({})).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}
