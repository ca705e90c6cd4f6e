//! A worker dies under its execution.

use super::{
    effects::Effects,
    host::{Host, installation, start},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the platform may take to notice (the bar).
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_interrupts_its_own_executions_within_two_seconds_and_nobody_elses() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let (contoso, fabrikam) = (host.organization("Contoso").await, host.organization("Fabrikam").await);
    let long = json!({ "url": effects.url(), "seconds": 60 });
    let victims =
        [host.start_run(&contoso, "act_and_wait", &long).await, host.start_run(&contoso, "act_and_wait", &long).await];
    let short = json!({ "url": effects.url(), "seconds": 3 });
    let bystander = host.start_run(&fabrikam, "act_and_wait", &short).await;
    let mut pids = Vec::new();
    for (org, id) in [(&contoso, &victims[0]), (&contoso, &victims[1]), (&fabrikam, &bystander)] {
        pids.push(worker_of(&host, org, id).await);
    }
    assert_eq!(pids[0], pids[1], "both runs of one organization share a process");
    assert_ne!(pids[0], pids[2], "two organizations never do");

    kill(Pid::from_raw(pids[0]), Signal::SIGKILL).expect("the worker is there");
    let killed_at = Instant::now();
    for id in &victims {
        let ended = host.execution_once(&contoso, id, |execution| execution["status"] != "Running").await;
        assert!(killed_at.elapsed() < NOTICED_WITHIN, "noticed after {:?}", killed_at.elapsed());
        assert_eq!(ended["status"], "Interrupted");
        assert_eq!(ended["error_type"], "worker_exited");
        let message = ended["error_message"].as_str().expect("a message");
        assert!(message.contains(&pids[0].to_string()), "the message names the process: {message}");
    }
    let ended = host.execution_once(&fabrikam, &bystander, |execution| execution["status"] != "Running").await;
    assert_eq!(ended["status"], "Success");
    let again = host.run(&contoso, "act_once", "wait=30", &json!({ "url": effects.url() })).send().await;
    assert_eq!(again.expect("an answer").status(), 200, "the organization gets a new worker at once");
}

/// The process an execution told its log about, once it waits.
async fn worker_of(host: &Host, org: &str, id: &str) -> i32 {
    let give_up = Instant::now() + super::host::PATIENCE;
    loop {
        let log = host.log(org, id).await;
        if log.contains("acted, now waiting") {
            let (_, rest) = log.split_once("worker ").expect("the first line");
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            return digits.parse().expect("a process id");
        }
        assert!(Instant::now() < give_up, "it never waits: {log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
