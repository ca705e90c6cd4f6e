//! Long logs, which lie in blobs: repaired, backed up and restored with everything else.

use super::{beside, installation, kept_key};
use crate::faults::{
    host::start,
    log_loss::numbers,
    packing::{LINES, packed, talk, whole},
};
use msp_engine::fault::FaultPoint;
use rusqlite::Connection;
use serde_json::json;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_takes_what_no_log_names_and_misses_what_one_does() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    host.kill();
    // The first chunk is in a blob that nothing names yet.
    let host = start(&installation, Some(FaultPoint::AfterLogBlob.name())).await.expect("a start");
    let _ = host.run(&org, "count", "wait=60", &json!({ "lines": LINES, "how": "return" })).send().await;
    host.death().await;
    let repaired = installation.succeed(&["repair"]);
    assert!(repaired.contains("/log-00000001-") && repaired.ends_with("1 repaired."), "{repaired}");

    let host = start(&installation, None).await.expect("a start");
    packed(&installation).await;
    let id = host.executions_once_ended(&org).await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(numbers(&host, &org, &id).await, whole());
    host.kill();
    assert_eq!(installation.succeed(&["repair"]), "Nothing to repair.");

    let blobs = fs::read_dir(installation.data().join("blobs/executions").join(&id)).expect("its blobs");
    let blob = blobs.map(|blob| blob.expect("a file").path()).next().expect("one at least");
    fs::remove_file(blob).expect("removed");
    let finished = installation.run(&["repair"]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stdout.contains(&format!("of execution {id} is missing")), "{finished:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_keeps_the_blobs_of_an_index_it_cannot_read() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = talk(&host, &org).await;
    packed(&installation).await;
    host.kill();
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = "UPDATE entities SET pk = 'nobody' WHERE tbl = 'ExecutionLogs' AND rk LIKE '~pack_%'";
    let damaged = database.execute(sql, []).expect("damaged");
    let blobs = || fs::read_dir(installation.data().join("blobs/executions").join(&id)).expect("its blobs").count();
    let before = blobs();
    assert!(damaged > 0 && before == damaged, "{damaged} rows, {before} blobs");
    let finished = installation.run(&["repair"]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert_eq!(finished.stdout.matches("cannot be read").count(), damaged, "{finished:#?}");
    assert_eq!(blobs(), before, "whoever mends the rows finds their lines");
    let sql = "UPDATE entities SET pk = ?1 WHERE tbl = 'ExecutionLogs' AND pk = 'nobody'";
    assert_eq!(database.execute(sql, [&id]).expect("mended"), damaged);
    assert_eq!(installation.succeed(&["repair"]), "Nothing to repair.");
    let host = start(&installation, None).await.expect("a start");
    assert_eq!(numbers(&host, &org, &id).await, whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_holds_long_logs_and_restores_them() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = talk(&host, &org).await;
    packed(&installation).await;
    let (_, target) = beside(&installation, "backup");
    installation.succeed(&["backup", &target]);
    let other = super::installation();
    other.succeed(&["restore", &target, "--key", &kept_key(&installation)]);
    let restored = start(&other, None).await.expect("a start");
    assert_eq!(numbers(&restored, &org, &id).await, whole());
}
