//! The data folder: keys, modes, other processes, reopening.

use crate::support::{TestClock, TestHome, actor, open_at};
use futures::FutureExt as _;
use msp_domain::{Clock, OrgId, Scope, UserId};
use msp_storage::repositories::Actor;
use msp_storage::repositories::organizations::NewOrganization;
use msp_storage::{
    Entity, IfMatch, Property, Query, Repositories, SecretAddress, SecretNamespace, SecretValue, StoreError, Table,
    Write,
};
use msp_storage_local::{LocalHome, LocalOptions, OpenError};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_refused_with_advice_and_nothing_is_written() {
    let home = TestHome::new().await;
    let (folder, clock) = (home.folder, home.clock);
    let address = SecretAddress::new(SecretNamespace::Workflow, Scope::Global, "api_key");
    home.home.stores.secrets.set(&address, &SecretValue::new("kept value")).await.expect("set");
    drop((home.home, home.repositories));
    let (database, key) = (folder.path().join("msp.db"), folder.path().join("master.key"));
    let before = fs::read(&database).expect("readable");
    let right = fs::read(&key).expect("readable");

    fs::remove_file(&key).expect("removed");
    let missing = open_at(folder.path(), &clock).await.err().expect("refused");
    assert!(matches!(missing, OpenError::KeyMissing { .. }), "{missing}");
    assert!(!key.exists(), "a new key is never put in the place of a lost one");

    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    let wrong = open_at(folder.path(), &clock).await.err().expect("refused");
    assert!(matches!(wrong, OpenError::KeyWrong { .. }), "{wrong}");
    assert!(wrong.to_string().contains("backup"), "it says what to do: {wrong}");
    assert_eq!(fs::read(&database).expect("readable"), before, "a refusal changes nothing");

    fs::write(&key, right).expect("restored");
    let home = open_at(folder.path(), &clock).await.expect("the right key opens it");
    let value = home.stores.secrets.get(&address).await.expect("read").expect("there");
    assert_eq!(value.reveal(), "kept value");
}

#[tokio::test]
async fn a_key_file_elsewhere_serves_and_nothing_is_made_unless_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let options = |create| LocalOptions {
        data: folder.path().join("data"),
        master_key_file: Some(elsewhere.path().join("key")),
        create,
        clock: TestClock::new(),
    };
    let refused = LocalHome::open(options(false)).await.err().expect("refused");
    assert!(matches!(refused, OpenError::NoInstallation { .. }), "{refused}");
    assert!(!folder.path().join("data").exists());
    let key = LocalHome::open(options(true)).await.expect("made").master_key.derive("tokens");
    assert!(!folder.path().join("data/master.key").exists());
    let again = LocalHome::open(options(false)).await.expect("opens what is there");
    assert_eq!(again.master_key.derive("tokens"), key);
}

#[tokio::test]
async fn only_engine_files_can_be_reached_by_other_users() {
    let home = TestHome::new().await;
    home.home.stores.blobs.put("a/b", "x".into()).await.expect("put");
    let data = home.folder.path();
    assert_eq!((mode(data), mode(&data.join("engine"))), (0o711, 0o755));
    assert_eq!(mode(&data.join("blobs")), 0o700);
    for file in fs::read_dir(data).expect("listed").map(|file| file.expect("read").path()).filter(|path| path.is_file())
    {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_secret_row_that_was_moved_or_changed_does_not_decrypt() {
    let home = TestHome::new().await;
    let (tables, secrets) = (&home.home.stores.tables, &home.home.stores.secrets);
    let (one, two) = (Scope::Org(OrgId::random()), Scope::Org(OrgId::random()));
    let address = SecretAddress::new(SecretNamespace::Integration, one, "msgraph");
    secrets.set(&address, &SecretValue::new("the credential")).await.expect("set");
    let row = tables.get(Table::Secrets, &one.key(), "integration:msgraph").await.expect("read").expect("there");
    assert!(!format!("{row:?}").contains("credential"), "the row does not hold the text");

    for (partition, row_key, address) in [
        (one.key(), "workflow:msgraph", SecretAddress { namespace: SecretNamespace::Workflow, ..address.clone() }),
        (one.key(), "integration:halopsa", SecretAddress { name: "halopsa".into(), ..address.clone() }),
        (two.key(), "integration:msgraph", SecretAddress { scope: two, ..address.clone() }),
    ] {
        let mut moved = Entity::new(partition, row_key);
        moved.properties.clone_from(&row.properties);
        tables.write(Table::Secrets, Write::Insert(moved)).await.expect("moved");
        let refused = secrets.get(&address).await;
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{row_key}: {refused:?}");
    }

    let sealed = row.text("Sealed").expect("text").to_owned();
    for at in [0, sealed.len() / 2, sealed.len() - 4] {
        let mut bytes = sealed.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let mut changed = row.clone();
        let text = String::from_utf8(bytes).expect("still base64");
        changed.properties.insert("Sealed".into(), Property::String(text));
        tables.write(Table::Secrets, Write::Replace(changed, IfMatch::Any)).await.expect("changed");
        let refused = secrets.get(&address).await;
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "byte {at}: {refused:?}");
    }
}

#[tokio::test]
async fn reopening_keeps_everything_and_the_log_is_emptied() {
    let home = TestHome::new().await;
    let org = home
        .repositories
        .organizations
        .create(NewOrganization::named("Contoso"), &Actor::PLATFORM)
        .await
        .expect("created");
    home.home.stores.blobs.put("executions/x/result.json", "{}".into()).await.expect("put");
    let (folder, clock) = (home.folder, home.clock);
    drop((home.home, home.repositories));
    let log = folder.path().join("msp.db-wal");
    assert_eq!(fs::metadata(&log).map_or(0, |log| log.len()), 0, "everything is in the database itself");

    let home = open_at(folder.path(), &clock).await.expect("opens");
    let repositories = Repositories::new(home.stores.clone(), clock);
    assert_eq!(repositories.organizations.all().await.expect("read"), [org]);
    assert_eq!(home.stores.blobs.get("executions/x/result.json").await.expect("read"), Some("{}".into()));
}

#[tokio::test]
async fn writes_that_were_queued_when_the_home_was_dropped_are_kept() {
    let home = TestHome::new().await;
    let tables = home.home.stores.tables.clone();
    for n in 0..200_i64 {
        let row = Entity::new("P", format!("{n:03}")).with("N", n);
        // Asked once, then the caller is gone.
        let _ = tables.write(Table::Platform, Write::Insert(row)).now_or_never();
        // A task that never yields is refused by tokio's channels after a while.
        tokio::task::yield_now().await;
    }
    let (folder, clock) = (home.folder, home.clock);
    drop((home.home, home.repositories, tables));
    let home = open_at(folder.path(), &clock).await.expect("opens");
    let kept = home.stores.tables.query_all(Table::Platform, Query::partition("P")).await.expect("read");
    assert_eq!(kept.len(), 200, "an abandoned write is still written");
}

#[tokio::test]
async fn newer_and_foreign_databases_are_refused() {
    let home = TestHome::new().await;
    let (folder, clock) = (home.folder, home.clock);
    drop((home.home, home.repositories));
    let database = folder.path().join("msp.db");
    let raw = rusqlite::Connection::open(&database).expect("opens");
    raw.pragma_update(None, "user_version", 99).expect("set");
    drop(raw);
    let newer = open_at(folder.path(), &clock).await.err().expect("refused");
    assert!(matches!(newer, OpenError::TooNew { found: 99, .. }), "{newer}");

    for content in [&b"this is a text file, and a long one at that"[..]] {
        fs::write(&database, content.repeat(100)).expect("written");
        let foreign = open_at(folder.path(), &clock).await.err().expect("refused");
        assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
    }
    fs::remove_file(&database).expect("removed");
    let raw = rusqlite::Connection::open(&database).expect("opens");
    raw.execute_batch("CREATE TABLE other (a)").expect("made");
    drop(raw);
    let foreign = open_at(folder.path(), &clock).await.err().expect("refused");
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_homes_on_one_folder_write_at_once_and_readers_never_see_half_a_commit() {
    let home = TestHome::new().await;
    let data = home.folder.path().to_owned();
    let clock: Arc<TestClock> = home.clock.clone();
    // As another process would: own runtime, own connections, nothing shared but the file.
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let home = open_at(&data, &clock).await.expect("opens beside the first");
            let repositories = Repositories::new(home.stores.clone(), clock as Arc<dyn Clock>);
            for number in 0..20 {
                let name = format!("Other {number}");
                repositories
                    .organizations
                    .create(NewOrganization::named(name), &actor(UserId::random()))
                    .await
                    .expect("created");
            }
        });
    });
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (grants, done) = (home.repositories.grants.clone(), done.clone());
        let tables = home.home.stores.tables.clone();
        async move {
            let mut reads = 0_u32;
            while !done.load(Ordering::Acquire) || reads == 0 {
                let pairs = tables.query_all(Table::Platform, Query::partition("PAIR")).await.expect("read");
                let values: Vec<_> = pairs.iter().map(|row| row.int("N").expect("a number")).collect();
                assert!(values.is_empty() || values == [values[0]; 2], "half a commit was seen: {values:?}");
                let _ = grants.of_user(UserId::random()).await.expect("read");
                reads += 1;
            }
        }
    });
    for number in 0..100_i64 {
        let pair = |row: &str| Write::UpsertReplace(Entity::new("PAIR", row).with("N", number));
        home.home.stores.tables.batch(Table::Platform, vec![pair("a"), pair("b")]).await.expect("written");
    }
    for number in 0..20 {
        let name = format!("Mine {number}");
        home.repositories.organizations.create(NewOrganization::named(name), &Actor::PLATFORM).await.expect("created");
    }
    tokio::task::spawn_blocking(|| other.join()).await.expect("no panic").expect("the other home finished");
    done.store(true, Ordering::Release);
    reader.await.expect("no panic");
    assert_eq!(home.repositories.organizations.all().await.expect("read").len(), 40);
}
