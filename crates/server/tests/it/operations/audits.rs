//! `msp audit`, beside a server, on a folder nobody works in, after a restore, and after somebody was there with `sqlite3`.

use super::{beside, installation, kept_key, run_large};
use crate::{
    faults::host::start,
    support::{Installation, eventually},
};
use rusqlite::Connection;
use std::fs;

/// Waits until the server has sealed everything.
fn once_sealed(installation: &Installation) {
    eventually("everything sealed", || {
        let printed = installation.succeed(&["audit", "verify"]);
        printed.ends_with(" 0 not sealed yet").then_some(())
    });
}

fn change(installation: &Installation, sql: &str) {
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    assert_eq!(database.execute(sql, []).expect("changed"), 1, "{sql}");
}

#[tokio::test]
async fn a_running_server_seals_what_happens_and_whatever_is_changed_afterwards_is_found() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = run_large(&host, &org, "a").await;
    once_sealed(&installation);
    let (anchors_file, anchors_path) = beside(&installation, "anchors.jsonl");
    let anchors = installation.succeed(&["audit", "anchors"]);
    assert!(anchors.contains(&org) && anchors.lines().count() == 2, "{anchors}");
    fs::write(&anchors_file, anchors).expect("kept");
    host.kill();
    // What the killed server left unsealed is sealed by whoever works next.
    installation.succeed(&["token"]);
    let printed = installation.succeed(&["audit", "verify", "--anchors", &anchors_path]);
    assert!(printed.contains("2 of 2 anchors compared"), "{printed}");

    let of_run = format!("tbl = 'AuditLogs' AND pk = '{org}' AND props LIKE '%{id}%'");
    let edit = |from: &str, to: &str| {
        change(&installation, &format!("UPDATE entities SET props = replace(props, '{from}', '{to}') WHERE {of_run}"));
    };
    let refused = |parts: &[&str], arguments: &[&str]| {
        let refused = installation.run(&[&["audit", "verify"], arguments].concat());
        assert_eq!(refused.code, Some(1), "{refused:?}");
        for part in parts {
            assert!(refused.stdout.contains(part), "{part} is not in:\n{}", refused.stdout);
        }
    };
    edit("Workflow.Execute", "Workflow.Executf");
    refused(&[&org, "was edited after it was sealed in block"], &[]);
    refused(&["was edited"], &["--org", "Contoso"]);
    assert!(installation.succeed(&["audit", "verify", "--org", "GLOBAL"]).contains("1 chains"));
    edit("Workflow.Executf", "Workflow.Execute");
    installation.succeed(&["audit", "verify"]);

    change(&installation, &format!("DELETE FROM entities WHERE {of_run}"));
    refused(&[&org, "was removed after it was sealed in block"], &["--anchors", &anchors_path]);

    let wrong = installation.run(&["audit", "verify", "--anchors", installation.data().to_str().expect("text")]);
    assert_eq!(wrong.code, Some(1));
    fs::write(&anchors_file, "{\"seq\": 1}\n").expect("kept");
    let wrong = installation.run(&["audit", "verify", "--anchors", &anchors_path]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("line 1 is no anchor"), "{}", wrong.stderr);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_leaves_nothing_unsealed_and_a_restored_backup_verifies() {
    let installation = Installation::new();
    let server = installation.serve();
    server.wait_until_ready();
    let (_, backup) = beside(&installation, "backup");
    installation.succeed(&["backup", &backup]);
    assert!(server.process.stop().success());
    let printed = installation.succeed(&["audit", "verify"]);
    assert!(printed.ends_with(" 0 not sealed yet"), "{printed}");
    let (later, path) = beside(&installation, "later.jsonl");
    fs::write(&later, installation.succeed(&["audit", "anchors"])).expect("kept");

    let other = Installation::new();
    other.succeed(&["restore", &backup, "--key", &kept_key(&installation)]);
    let printed = other.succeed(&["audit", "verify"]);
    assert!(printed.ends_with(" 0 not sealed yet"), "{printed}");
    let compared = other.run(&["audit", "verify", "--anchors", &path]);
    assert_eq!(compared.code, Some(1), "what came after the backup is not in it: {compared:?}");
}
