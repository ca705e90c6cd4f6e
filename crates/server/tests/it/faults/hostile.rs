//! Workflows that misbehave: each ends in the state that says what happened, and another organization that runs all
//! the while notices nothing.

use super::host::{Host, installation, start};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// A bystander's run that took this long was held up by somebody else.
const UNDISTURBED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_workflows_end_as_what_they_did_and_harm_no_other_organization() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let (rogue, bystander) = (host.organization("Rogue").await, host.organization("Bystander").await);
    let over = AtomicBool::new(false);
    let watch = async {
        let mut runs = 0;
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let (status, _) = ended(&host, &bystander, "answer").await;
            assert_eq!(status, "Success");
            assert!(began.elapsed() < UNDISTURBED, "run {runs} of the bystander took {:?}", began.elapsed());
            runs += 1;
        }
        runs
    };
    let misbehave = async {
        floods(&host, &rogue).await;
        babbles(&host, &rogue).await;
        forges(&host, &rogue).await;
        closes_its_output(&host, &rogue).await;
        blocks_the_loop(&host, &rogue).await;
        refuses_to_end(&host, &rogue).await;
        leaves_children(&host, &rogue).await;
        ends_its_process(&host, &rogue).await;
        ends_its_process_again_and_again(&host, &rogue).await;
        over.store(true, Ordering::Relaxed);
    };
    let (runs, ()) = tokio::join!(watch, misbehave);
    assert!(runs > 0, "the bystander never ran");
}

async fn floods(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "flood").await;
    assert_eq!(status, "Success", "{execution}");
    let id = execution["id"].as_str().expect("an id");
    let through = execution["logs_through"].as_u64().expect("a number");
    assert!(host.log(org, id).await.contains("the first line"));
    let end = host.log_after(org, id, through - 3).await;
    assert!(end.contains("the last line"), "{end}");
    // 10 MiB of lines of 1 KiB and their overhead, not 100 MB.
    assert!((5_000..11_000).contains(&through), "{through} lines were kept");
    let gap = host.log_containing(org, id, "were left out here").await;
    assert!(gap.is_some(), "the gap is not stated");
}

async fn babbles(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "babble").await;
    assert_eq!((status.as_str(), &execution["result"]), ("Success", &json!("babbled")), "{execution}");
    let id = execution["id"].as_str().expect("an id");
    for said in ["before", "not text", "half a character", "a lone surrogate", "from C", "from C to stderr", "after"] {
        assert!(host.log_containing(org, id, said).await.is_some(), "`{said}` is lost");
    }
    assert!(host.log_containing(org, id, "were left out here").await.is_some(), "the gap is not stated");
}

/// Each is at its end once, and no other run waits for them.
async fn ends_its_process_again_and_again(host: &Host, org: &str) {
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(host.start_run(org, "leave", &json!({})).await);
    }
    for id in &ids {
        let execution = host.execution_once(org, id, super::host::is_final).await;
        assert_eq!(execution["status"], "Interrupted", "{execution}");
    }
    let (status, execution) = ended(host, org, "answer").await;
    assert_eq!(status, "Success", "{execution}");
}

async fn forges(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "forge").await;
    assert_eq!((status.as_str(), &execution["result"]), ("Success", &json!("honest")));
}

async fn closes_its_output(host: &Host, org: &str) {
    assert_eq!(ended(host, org, "close_output").await.0, "Success");
    let (status, execution) = ended(host, org, "speak").await;
    assert_eq!(status, "Success");
    let log = host.log(org, execution["id"].as_str().expect("an id")).await;
    assert!(log.contains("raw") && log.contains("spoken"), "{log}");
}

async fn blocks_the_loop(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "block").await;
    assert_eq!(status, "Success");
    let log = host.log(org, execution["id"].as_str().expect("an id")).await;
    let line = include_str!("hostile.py").lines().take_while(|line| !line.contains("time.sleep")).count() + 1;
    assert!(log.contains(&format!("hostile.py:{line}")), "the blocking line is named: {log}");
}

async fn refuses_to_end(host: &Host, org: &str) {
    let began = Instant::now();
    let (status, execution) = ended(host, org, "cling").await;
    assert_eq!(status, "TimedOut", "{execution}");
    // Its second, then two graces of five.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

async fn leaves_children(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "breed").await;
    assert_eq!(status, "Success", "{execution}");
    let child = execution["result"].as_u64().expect("a process id");
    // The child goes with its worker.
    assert_eq!(ended(host, org, "leave").await.0, "Interrupted");
    let give_up = Instant::now() + Duration::from_secs(12);
    while Path::new(&format!("/proc/{child}")).exists() {
        assert!(Instant::now() < give_up, "the child outlived its worker");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ends_its_process(host: &Host, org: &str) {
    let (status, execution) = ended(host, org, "leave").await;
    assert_eq!(status, "Interrupted");
    assert_eq!(execution["error_type"], "worker_exited");
    let message = execution["error_message"].as_str().expect("a message");
    assert!(message.contains('3'), "the exit code is named: {message}");
    assert!(host.log(org, execution["id"].as_str().expect("an id")).await.contains("leaving"));
}

/// Runs a workflow to its end and answers its status and record.
async fn ended(host: &Host, org: &str, workflow: &str) -> (String, Value) {
    let id = host.start_run(org, workflow, &json!({})).await;
    let execution = host
        .execution_once(org, &id, |execution| !matches!(execution["status"].as_str(), Some("Pending" | "Running")))
        .await;
    (execution["status"].as_str().expect("a status").to_owned(), execution)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_half_of_a_password_is_stored_where_long_lines_are_cut() {
    let password = "correct-horse-battery";
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = host.start_run(&org, "straddle", &json!({ "password": password })).await;
    let execution = host.execution_once(&org, &id, super::host::is_final).await;
    assert_eq!(execution["status"], "Success", "{execution}");
    for end in 4..password.len() {
        for half in [&password[..end], &password[password.len() - end..]] {
            let found = host.log_containing(&org, &id, half).await;
            assert!(found.is_none(), "the log holds `{half}`");
        }
    }
    let kept = execution["progress"].to_string();
    assert!(!kept.contains(&password[..4]), "progress holds the beginning of it: {kept}");
    assert!(host.log_containing(&org, &id, "******** end").await.is_some(), "the line went on");
}
