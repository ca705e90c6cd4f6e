//! Retention: an engine that dies while it removes expired executions leaves none by halves, and the next goes on.

use super::host::{Host, LOOK_EVERY, PATIENCE, installation, start};
use crate::support::Installation;
use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::{Clock, ExecutionId, ExecutionStatus, LogLevel, LogLine, Scope, SystemClock, Trigger, UserId};
use msp_engine::fault::FaultPoint;
use msp_storage::{
    Repositories,
    repositories::{
        Actor,
        audit::AuditDraft,
        executions::{Ending, Entry, NewExecution},
    },
};
use msp_storage_local::{LocalHome, LocalOptions};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, os::unix::process::ExitStatusExt as _, sync::Arc, time::Instant};

/// Executions that have expired; more than are removed at once.
const OLD: u32 = 20;

fn count(installation: &Installation, condition: &str) -> u32 {
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = format!("SELECT count(*) FROM entities WHERE {condition}");
    database.query_row(&sql, [], |row| row.get(0)).expect("counted")
}

/// Puts an execution on record that ended at an instant, with everything it can have.
async fn past(repositories: &Repositories, scope: Scope, at: DateTime<Utc>) -> ExecutionId {
    let executions = &repositories.executions;
    let user = UserId::random();
    let new = NewExecution {
        id: ExecutionId::at(at),
        scope,
        workflow_name: "speak".into(),
        form_id: None,
        form_name: None,
        executed_by: user,
        executed_by_name: "Tess".into(),
        trigger: Trigger::Api,
        input_json: format!("\"{}\"", "i".repeat(40_000)),
        bundle_hash: "b1".into(),
        started_at: at,
        timeout_seconds: 60,
        minutes_saved: None,
        retry_of: None,
        batch: None,
        mark: None,
        files: Vec::new(),
        scheduled_for: None,
    };
    let entry = Entry::Claimed { owner: "an engine of then".into(), deadline_at: at };
    let audit = AuditDraft::new(scope, &Actor::PLATFORM, "Workflow.Execute", new.id.key(), json!({}));
    let run = executions.insert(&new, &entry, Vec::new(), audit).await.expect("recorded");
    let message = "a message".into();
    let line = LogLine { seq: 1, at, level: LogLevel::Info, source: "print".into(), message, step: None };
    executions.append_logs(&run, &[line]).await.expect("logged");
    let ending = Ending {
        status: ExecutionStatus::Success,
        result_json: Some(format!("\"{}\"", "r".repeat(40_000))),
        error_type: None,
        error_message: None,
        completed_at: at,
        logs_through: 1,
    };
    executions.finish(&run, &ending).await.expect("ended").id
}

/// Sets the limit, which begins a pass; the server may die of it.
async fn limit(host: &Host) {
    let request = host.http.put(format!("{}/api/retention", host.url)).bearer_auth(&host.token);
    let _ = request.json(&json!({ "days": 30 })).send().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_dies_while_it_removes_what_has_expired_goes_on_at_the_next_start() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    host.kill();
    let (fresh, old) = {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let data = installation.data();
        let options = LocalOptions { data, master_key_file: None, create: false, clock: clock.clone() };
        let repositories = Repositories::new(LocalHome::open(options).await.expect("opens").stores, clock);
        let (scope, now) = (Scope::Org(org.parse().expect("an id")), Utc::now());
        let mut old = Vec::new();
        for number in 0..OLD {
            let at = now - TimeDelta::days(31) - TimeDelta::minutes(i64::from(number));
            old.push(past(&repositories, scope, at).await);
        }
        (past(&repositories, scope, now - TimeDelta::days(29)).await, old)
    };

    for point in [FaultPoint::AfterRemovalBegun, FaultPoint::AfterRemoval] {
        let host = start(&installation, Some(point.name())).await.expect("a start");
        limit(&host).await;
        assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
        let left = count(&installation, "tbl = 'WorkflowExecutions'");
        assert!((2..=OLD).contains(&left), "{point:?}: {left} are left");
        assert_eq!(left, count(&installation, "tbl = 'UserExecutions'"), "{point:?}: a list shows what is not there");
    }
    let host = start(&installation, None).await.expect("a restart");
    limit(&host).await;
    let give_up = Instant::now() + PATIENCE;
    let old: Vec<String> = old.iter().map(ExecutionId::key).collect();
    let of_old = format!("tbl <> 'AuditLogs' AND (pk IN ('{0}') OR substr(rk, -36) IN ('{0}'))", old.join("', '"));
    while count(&installation, &of_old) > 0 {
        assert!(Instant::now() < give_up, "something is never removed");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let kept = host.executions(&org).await;
    assert_eq!(kept.iter().map(|execution| execution["id"].clone()).collect::<Vec<_>>(), [json!(fresh)]);
    assert!(host.log(&org, &fresh.key()).await.contains("a message"), "what is younger keeps its log");
    host.kill();
    assert_eq!(installation.succeed(&["repair"]), "Nothing to repair.");
    let folders = fs::read_dir(installation.data().join("blobs/executions")).expect("a folder");
    let blobs = folders.map(|folder| fs::read_dir(folder.expect("a folder").path()).expect("readable").count());
    assert_eq!(blobs.sum::<usize>(), 2, "what is younger keeps its input and its result, and nobody else any");
}
