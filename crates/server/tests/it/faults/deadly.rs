//! An execution that kills its engine whenever its turn comes.

use super::{
    effects::Effects,
    host::{LOOK_EVERY, PATIENCE, SERVE, installation, is_final, start},
};
use crate::support::Installation;
use msp_engine::fault::{FAULT_POINT_VARIABLE, FaultPoint};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{process::Stdio, time::Instant};

/// What is on record of the only execution: its status.
fn status(installation: &Installation) -> String {
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = "SELECT props ->> 'Status' FROM entities WHERE tbl = 'WorkflowExecutions' AND rk < '~'";
    database.query_row(sql, [], |row| row.get(0)).expect("one execution")
}

/// Starts an engine that dies when the turn of an execution comes; answers whether it did, or ended the execution first.
async fn dies(installation: &Installation) -> bool {
    let mut command = installation.msp(&SERVE);
    command.env(FAULT_POINT_VARIABLE, FaultPoint::BeforeClaim.name()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the server starts");
    let give_up = Instant::now() + PATIENCE;
    loop {
        let is_dead = child.try_wait().expect("a child").is_some();
        if is_dead || status(installation) != "Pending" {
            let _ = child.kill();
            child.wait().expect("it ends");
            return is_dead;
        }
        assert!(Instant::now() < give_up, "neither dies nor goes on");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An installation with an execution of which one engine has died; where, and which.
async fn deadly(effects: &Effects) -> (Installation, String) {
    let installation = installation();
    let host = start(&installation, Some(FaultPoint::BeforeClaim.name())).await.expect("a start");
    let org = host.organization("Contoso").await;
    let _ = host.run(&org, "act_once", "respond-async", &json!({ "url": effects.url() })).send().await;
    host.death().await;
    assert_eq!(status(&installation), "Pending");
    (installation, org)
}

async fn only_execution(installation: &Installation, org: &str) -> Value {
    let host = start(installation, None).await.expect("a start");
    let mut executions = host.executions_once_ended(org).await;
    assert_eq!(executions.len(), 1);
    let ended = executions.pop().expect("one");
    assert!(is_final(&ended));
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kills_five_engines_in_a_row_is_ended_by_the_sixth_and_says_so() {
    let effects = Effects::listen();
    let (installation, org) = deadly(&effects).await;
    let mut deaths = 1;
    while dies(&installation).await {
        deaths += 1;
    }
    assert_eq!(deaths, 5);
    let ended = only_execution(&installation, &org).await;
    assert_eq!(
        (&ended["status"], &ended["error_type"]),
        (&json!("Failed"), &json!("engine_died_repeatedly")),
        "{ended}"
    );
    assert_eq!(effects.total(), 0, "none of its code ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_behind_by_four_dead_engines_still_runs_once() {
    let effects = Effects::listen();
    let (installation, org) = deadly(&effects).await;
    for death in 2..=4 {
        assert!(dies(&installation).await, "{death}");
    }
    let ended = only_execution(&installation, &org).await;
    assert_eq!((&ended["status"], effects.total()), (&json!("Success"), 1), "{ended}");
}
