//! `msp restore`: what it refuses, and what becomes of executions that had not ended.

use super::{beside, installation, kept_key, run_large};
use crate::{
    faults::{
        effects::Effects,
        host::{is_final, start},
    },
    support::{Finished, Installation},
};
use msp_engine::fault::FaultPoint;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// An installation with a large result, its backup and its key.
async fn backed_up() -> (Installation, String, String) {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    run_large(&host, &org, "a").await;
    host.kill();
    let (_, backup) = beside(&installation, "backup");
    installation.succeed(&["backup", &backup]);
    let key = kept_key(&installation);
    (installation, backup, key)
}

/// Restores into a new place, where nothing may be left behind.
fn refusal(backup: &str, key: &str) -> Finished {
    let other = Installation::new();
    let refused = other.run(&["restore", backup, "--key", key]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(!other.data().exists(), "something was left behind");
    refused
}

#[tokio::test]
async fn a_backup_that_is_not_whole_is_refused_by_the_name_of_the_file() {
    let (_installation, backup, key) = backed_up().await;
    let file = |name: &str| Path::new(&backup).join(name);
    let blob = fs::read_to_string(file("manifest.json")).expect("the manifest");
    let blob: serde_json::Value = serde_json::from_str(&blob).expect("JSON");
    let blob = blob["files"][1]["path"].as_str().expect("a blob").to_owned();
    for name in ["msp.db", &blob] {
        let content = fs::read(file(name)).expect("a file");
        let mut damaged = content.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(file(name), damaged).expect("written");
        assert!(refusal(&backup, &key).stderr.contains(name), "{name}");
        fs::remove_file(file(name)).expect("removed");
        let missing = refusal(&backup, &key).stderr;
        assert!(missing.contains(name) && missing.contains("is missing"), "{missing}");
        fs::write(file(name), content).expect("written");
    }

    let manifest = fs::read_to_string(file("manifest.json")).expect("the manifest");
    let newer = manifest.replace("\"database_format\": 1", "\"database_format\": 99");
    fs::write(file("manifest.json"), newer).expect("written");
    assert!(refusal(&backup, &key).stderr.contains("newer than this version can read"));
    let outside = manifest.replace(&blob, "blobs/../../elsewhere");
    fs::write(file("manifest.json"), outside).expect("written");
    assert!(refusal(&backup, &key).stderr.contains("elsewhere"));
    fs::remove_file(file("manifest.json")).expect("removed");
    assert!(refusal(&backup, &key).stderr.contains("has no manifest.json"));
}

#[tokio::test]
async fn only_the_right_key_and_an_empty_folder_will_do() {
    let (installation, backup, key) = backed_up().await;
    let stranger = Installation::new();
    stranger.succeed(&["seed"]);
    let wrong = kept_key(&stranger);
    assert!(refusal(&backup, &wrong).stderr.contains("is not the one this database was made with"));
    assert!(refusal(&backup, "nowhere.key").stderr.contains("is missing"));

    let other = Installation::new();
    let none = other.run(&["restore", &backup]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("--key FILE"), "{}", none.stderr);
    let full = installation.run(&["restore", &backup, "--key", &key]);
    assert!(full.stderr.contains("is not empty"), "{}", full.stderr);

    fs::create_dir(other.data()).expect("an empty folder");
    other.succeed(&["restore", &backup, "--key", &key]);
    let copied = other.data().join("master.key");
    assert_eq!(fs::metadata(copied).expect("the key").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(other.data()).expect("the folder").permissions().mode() & 0o777, 0o711);
    assert!(!other.succeed(&["user", "list"]).is_empty());

    let elsewhere = Installation::new();
    let mut command = elsewhere.msp(&["restore", &backup]);
    assert!(command.env("MSP_MASTER_KEY_FILE", &key).status().expect("it starts").success());
    assert!(!elsewhere.data().join("master.key").exists(), "a key that is kept elsewhere stays there");
}

#[tokio::test]
async fn a_restore_that_was_interrupted_is_not_taken_for_an_installation() {
    let (_installation, backup, key) = backed_up().await;
    let other = Installation::new();
    other.succeed(&["restore", &backup, "--key", &key]);
    // As a power cut right before the last step leaves it.
    let staging = other.data().join("restoring");
    fs::create_dir(&staging).expect("a folder");
    fs::rename(other.data().join("msp.db"), staging.join("msp.db")).expect("moved");
    for arguments in
        [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"], &["restore", &backup, "--key", &key]]
    {
        let refused = other.run(arguments);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains("was interrupted"), "{}", refused.stderr);
    }
    assert!(!other.data().join("msp.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_or_ran_when_the_backup_was_made_is_not_run_again() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("a start");
    let org = host.organization("Contoso").await;
    let input = json!({ "url": effects.url(), "seconds": 600 });
    let running = host.run(&org, "act_and_wait", "wait=60", &input);
    let running = tokio::spawn(running.send());
    let id = {
        let mut seen = None;
        while seen.is_none() {
            let executions = host.executions(&org).await;
            seen = executions.iter().find(|execution| execution["status"] == "Running").cloned();
        }
        seen.expect("it runs")["id"].as_str().expect("an id").to_owned()
    };
    host.log_once(&org, &id, "acted, now waiting").await;
    // Accepted, and the server dies before it can run.
    let _ = host.run(&org, "act_once", "respond-async", &json!({ "url": effects.url() })).send().await;
    host.death().await;
    let _ = running.await;

    let (_, backup) = beside(&installation, "backup");
    installation.succeed(&["backup", &backup]);
    // The world goes on.
    let host = start(&installation, None).await.expect("a start");
    let went_on = host.executions_once_ended(&org).await;
    let done = went_on.iter().find(|execution| execution["status"] == "Success").expect("what waited has run");
    let done = done["id"].as_str().expect("an id").to_owned();
    assert_eq!((effects.of(&id), effects.of(&done)), (1, 1));
    host.kill();

    let other = super::installation();
    let printed = other.succeed(&["restore", &backup, "--key", &kept_key(&installation)]);
    assert!(printed.contains("2 executions had not ended"), "{printed}");
    let restored = start(&other, None).await.expect("a start");
    for id in [&id, &done] {
        let execution = restored.execution(&org, id).await;
        assert!(is_final(&execution));
        assert_eq!(execution["status"], "Interrupted", "{execution}");
        assert_eq!(execution["error_type"], "restored");
        let message = execution["error_message"].as_str().expect("a message");
        assert!(message.contains("was not run again"), "{message}");
    }
    // The engine still takes work, behind whatever it might have taken up from the backup.
    let id = restored.start_run(&org, "act_once", &json!({ "url": effects.url() })).await;
    restored.execution_once(&org, &id, is_final).await;
    assert_eq!(effects.total(), 3, "something acted twice");
}
