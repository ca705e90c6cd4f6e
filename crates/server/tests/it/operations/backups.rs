//! `msp backup`, beside a server that is busy.

use super::{beside, installation, kept_key, result, run_large};
use crate::faults::host::{Host, start};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Callers that write while the backup is made.
const CALLERS: usize = 4;
/// Runs that must have been answered before the backup begins.
const BEFORE: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_holds_every_answered_run_whole_and_restores() {
    let installation = Arc::new(installation());
    let host = Arc::new(start(&installation, None).await.expect("a start"));
    let org = host.organization("Contoso").await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let counter = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| tokio::spawn(call(host.clone(), org.clone(), stop.clone(), answered.clone(), counter.clone())))
        .collect();
    let give_up = Instant::now() + crate::faults::host::PATIENCE;
    while answered.lock().expect("no caller panicked").len() < BEFORE {
        assert!(Instant::now() < give_up, "nothing is answered");
        tokio::time::sleep(crate::faults::host::LOOK_EVERY).await;
    }

    let before = answered.lock().expect("no caller panicked").clone();
    let (backup, target) = beside(&installation, "backup");
    let printed = tokio::task::spawn_blocking({
        let installation = installation.clone();
        move || installation.succeed(&["backup", &target])
    });
    let printed = printed.await.expect("the backup ends");
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("a caller");
    }
    assert!(printed.contains("The master key is not in it"), "{printed}");
    assert!(printed.contains(installation.data().join("master.key").to_str().expect("text")), "{printed}");
    assert!(only_private_files(&backup, &fs::read(installation.data().join("master.key")).expect("the key")));

    let other = super::installation();
    let key = kept_key(&installation);
    other.succeed(&["restore", backup.to_str().expect("text"), "--key", &key]);
    let restored = start(&other, None).await.expect("a start");
    let executions = restored.executions_once_ended(&org).await;
    for id in &before {
        assert!(executions.iter().any(|execution| execution["id"] == **id), "{id} is not in the backup");
    }
    for execution in &executions {
        let id = execution["id"].as_str().expect("an id");
        match execution["status"].as_str() {
            Some("Success") => {
                let whole = result(&restored, &org, id).await;
                assert_eq!(whole["text"].as_str().map(str::len), Some(40_000), "{execution}");
                assert_eq!(whole, result(&host, &org, id).await);
            }
            Some("Interrupted") => assert_eq!(execution["error_type"], "restored", "{execution}"),
            other => panic!("{other:?}: {execution}"),
        }
    }
    let database = rusqlite::Connection::open(other.data().join("msp.db")).expect("opens");
    let mode: String = database.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("read");
    assert_eq!(mode, "wal", "the restored database is no longer what the server expects");
}

async fn call(
    host: Arc<Host>,
    org: String,
    stop: Arc<AtomicBool>,
    answered: Arc<Mutex<Vec<String>>>,
    counter: Arc<AtomicUsize>,
) {
    while !stop.load(Ordering::Relaxed) {
        let letter = char::from(b'a' + u8::try_from(counter.fetch_add(1, Ordering::Relaxed) % 26).unwrap_or(0));
        let id = run_large(&host, &org, &letter.to_string()).await;
        answered.lock().expect("no caller panicked").push(id);
    }
}

/// Whether everything in a folder is for its owner alone, and nothing in it is the key.
fn only_private_files(folder: &Path, key: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").all(|entry| {
        let path = entry.expect("an entry").path();
        let is_private = fs::metadata(&path).expect("there").permissions().mode() & 0o077 == 0;
        is_private
            && if path.is_dir() {
                only_private_files(&path, key)
            } else {
                !fs::read(&path).expect("a file").windows(key.len()).any(|part| part == key)
            }
    })
}

#[tokio::test]
async fn a_backup_goes_only_into_an_empty_folder_elsewhere_and_is_on_the_audit_trail() {
    let installation = installation();
    installation.succeed(&["seed"]);
    let (full, text) = beside(&installation, "full");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("something"), "mine").expect("a file");
    let refused = installation.run(&["backup", &text]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(&full).expect("a folder").count(), 1, "something was added");

    let inside = installation.data().join("blobs/backup");
    let refused = installation.run(&["backup", inside.to_str().expect("text")]);
    assert!(refused.stderr.contains("would be lost with it"), "{}", refused.stderr);
    assert!(!inside.exists());

    let (_, text) = beside(&installation, "backup");
    installation.succeed(&["backup", &text]);
    let database = rusqlite::Connection::open(installation.data().join("msp.db")).expect("opens");
    let sql = "SELECT count(*) FROM entities WHERE tbl = 'AuditLogs' AND props ->> 'Action' = 'Backup.Create'";
    let audited: i64 = database.query_row(sql, [], |row| row.get(0)).expect("counted");
    assert_eq!(audited, 1, "refused ones are no backups");
}

#[tokio::test]
async fn a_blob_that_is_gone_is_named_and_the_rest_is_backed_up() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = run_large(&host, &org, "a").await;
    fs::remove_dir_all(installation.data().join("blobs/executions").join(&id)).expect("its blobs");
    let (_, text) = beside(&installation, "backup");
    let finished = installation.run(&["backup", &text]);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert!(finished.stderr.contains(&id), "{}", finished.stderr);
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{text}/manifest.json")).expect("the manifest")).expect("JSON");
    assert_eq!(manifest["format"], json!(1));
}
