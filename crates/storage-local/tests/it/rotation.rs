//! Another master key: whichever step is the last, the secrets can be read afterwards.

use crate::support::{TestClock, TestHome, open_at};
use msp_domain::{OrgId, Scope};
use msp_storage::repositories::Actor;
use msp_storage::repositories::audit::AuditDraft;
use msp_storage::{
    Entity, IfMatch, SecretAddress, SecretNamespace, SecretStore, SecretValue, StoreError, Table, TableWrite, Write,
};
use msp_storage_local::{KeyRotation, LocalHome, LocalOptions, RotationError, lock_engine};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

fn addresses() -> Vec<SecretAddress> {
    let org = Scope::Org(OrgId::from(uuid::Uuid::from_u128(7)));
    vec![
        SecretAddress::new(SecretNamespace::Workflow, Scope::Global, "api_key"),
        SecretAddress::new(SecretNamespace::Workflow, org, "api_key"),
        SecretAddress::new(SecretNamespace::Integration, org, "msgraph"),
        SecretAddress::new(SecretNamespace::Parameter, org, "0197c1c8-0000-7000-8000-000000000000"),
        SecretAddress::new(SecretNamespace::Notification, org, "0197c1c8-0000-4000-8000-000000000000.a1"),
        SecretAddress::new(SecretNamespace::Platform, Scope::Global, "a:b"),
    ]
}

async fn set_all(secrets: &dyn SecretStore) {
    for address in addresses() {
        let value = SecretValue::new(format!("value of {address:?}"));
        secrets.set(&address, &value).await.expect("set");
    }
}

async fn assert_all_readable(secrets: &dyn SecretStore) {
    for address in addresses() {
        let value = secrets.get(&address).await.expect("readable").expect("there");
        assert_eq!(value.reveal(), format!("value of {address:?}"));
    }
}

fn audit(home: &TestHome) -> TableWrite {
    let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Secrets.RotateKey", "master key", json!({}));
    home.repositories.audit.row(draft)
}

fn key(data: &Path) -> Vec<u8> {
    fs::read(data.join("master.key")).expect("the key")
}

/// How far a rotation gets before the power is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    AfterBegin,
    AfterCommit,
    Never,
}

#[tokio::test]
async fn wherever_a_rotation_is_cut_short_every_secret_can_be_read_and_it_can_be_done_again() {
    for cut in [Cut::AfterBegin, Cut::AfterCommit, Cut::Never] {
        let home = TestHome::new().await;
        set_all(home.home.stores.secrets.as_ref()).await;
        let row = audit(&home);
        let TestHome { folder, clock, home, repositories } = home;
        drop((home, repositories));
        let old = key(folder.path());
        let lock = lock_engine(folder.path()).expect("free");
        let rotation = KeyRotation::begin(folder.path(), None, &lock).expect("begun");
        if cut != Cut::AfterBegin {
            assert_eq!(rotation.commit(row).expect("committed"), addresses().len());
        }
        if cut == Cut::Never {
            rotation.finish().expect("finished");
        }
        drop(lock);

        let home = open_at(folder.path(), &clock).await.expect("it opens");
        assert_all_readable(home.stores.secrets.as_ref()).await;
        assert_eq!(key(folder.path()) == old, cut == Cut::AfterBegin, "{cut:?}");
        assert_eq!(folder.path().join("master.key.next").exists(), cut == Cut::AfterBegin, "{cut:?}");
        drop(home);

        let lock = lock_engine(folder.path()).expect("free");
        let before = key(folder.path());
        let rotation = KeyRotation::begin(folder.path(), None, &lock).expect("begun again");
        let row = (Table::AuditLogs, Write::Insert(Entity::new("GLOBAL", "again")));
        rotation.commit(row).expect("committed again");
        rotation.finish().expect("finished again");
        assert_ne!(key(folder.path()), before);
        assert_eq!(fs::metadata(folder.path().join("master.key")).expect("there").permissions().mode() & 0o777, 0o600);
        let home = open_at(folder.path(), &clock).await.expect("it opens");
        assert_all_readable(home.stores.secrets.as_ref()).await;
    }
}

#[tokio::test]
async fn nothing_sealed_with_the_old_key_stays_in_the_files_and_the_change_is_audited() {
    let home = TestHome::new().await;
    set_all(home.home.stores.secrets.as_ref()).await;
    let mut sealed = Vec::new();
    for address in addresses() {
        let row_key = format!("{}:{}", address.namespace.name(), address.name);
        let row = home.home.stores.tables.get(Table::Secrets, &address.scope.key(), &row_key).await.expect("read");
        sealed.push(row.expect("there").text("Sealed").expect("text").to_owned());
    }
    let row = audit(&home);
    let TestHome { folder, clock, home, repositories } = home;
    drop((home, repositories));
    let contains = |text: &str| {
        let content = fs::read(folder.path().join("msp.db")).expect("the database");
        content.windows(text.len()).any(|part| part == text.as_bytes())
    };
    assert!(sealed.iter().all(|text| contains(text)), "they are looked for where they are");

    let lock = lock_engine(folder.path()).expect("free");
    let rotation = KeyRotation::begin(folder.path(), None, &lock).expect("begun");
    rotation.commit(row).expect("committed");
    rotation.finish().expect("finished");
    assert!(!sealed.iter().any(|text| contains(text)));
    let home = open_at(folder.path(), &clock).await.expect("it opens");
    let rows = home.stores.tables.query_all(Table::AuditLogs, msp_storage::Query::partition("GLOBAL")).await;
    let actions: Vec<_> = rows.expect("read").iter().map(|row| row.text("Action").expect("text").to_owned()).collect();
    assert_eq!(actions, ["Secrets.RotateKey"]);
}

#[tokio::test]
async fn a_program_that_has_the_old_key_can_store_nothing_the_new_one_does_not_open() {
    let home = TestHome::new().await;
    let address = &addresses()[0];
    let lock = lock_engine(home.folder.path()).expect("free");
    let rotation = KeyRotation::begin(home.folder.path(), None, &lock).expect("begun");
    rotation.commit(audit(&home)).expect("committed");
    let refused = home.home.stores.secrets.set(address, &SecretValue::new("too late")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    rotation.finish().expect("finished");
    let fresh = open_at(home.folder.path(), &home.clock).await.expect("it opens");
    assert!(fresh.stores.secrets.get(address).await.expect("readable").is_none());
}

#[tokio::test]
async fn a_secret_the_key_does_not_open_is_named_and_nothing_changes() {
    let home = TestHome::new().await;
    set_all(home.home.stores.secrets.as_ref()).await;
    let damaged = Entity::new("GLOBAL", "workflow:api_key").with("Sealed", "bm90aGluZw==");
    let write = Write::Replace(damaged, IfMatch::Any);
    home.home.stores.tables.write(Table::Secrets, write).await.expect("damaged");
    let before = key(home.folder.path());
    let lock = lock_engine(home.folder.path()).expect("free");
    let rotation = KeyRotation::begin(home.folder.path(), None, &lock).expect("begun");
    let refused = rotation.commit(audit(&home)).expect_err("refused");
    assert!(matches!(refused, RotationError::Unreadable { .. }), "{refused}");
    assert!(refused.to_string().contains("workflow:api_key"), "{refused}");
    assert!(!home.folder.path().join("master.key.next").exists(), "a key that nothing is sealed with is kept nowhere");
    drop(rotation);
    drop(lock);
    assert_eq!(key(home.folder.path()), before);
    let value = home.home.stores.secrets.get(&addresses()[2]).await.expect("readable");
    assert!(value.is_some());
    assert!(home.audited(Scope::Global).await.is_empty());
}

#[tokio::test]
async fn a_key_elsewhere_is_changed_there_also_behind_a_link() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let link = folder.path().join("link.key");
    symlink(elsewhere.path().join("real.key"), &link).expect("a link");
    fs::write(elsewhere.path().join("real.key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").expect("a key");
    fs::set_permissions(elsewhere.path().join("real.key"), fs::Permissions::from_mode(0o600)).expect("chmod");
    let data = folder.path().join("data");
    let options = || LocalOptions {
        data: data.clone(),
        master_key_file: Some(link.clone()),
        create: true,
        clock: TestClock::new(),
    };
    let home = LocalHome::open(options()).await.expect("made");
    set_all(home.stores.secrets.as_ref()).await;
    drop(home);
    let lock = lock_engine(&data).expect("free");
    let rotation = KeyRotation::begin(&data, Some(&link), &lock).expect("begun");
    rotation.commit((Table::AuditLogs, Write::Insert(Entity::new("GLOBAL", "row")))).expect("committed");
    drop(rotation);
    drop(lock);
    let home = LocalHome::open(options()).await.expect("what was begun is finished");
    assert_all_readable(home.stores.secrets.as_ref()).await;
    assert!(link.is_symlink());
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 1, "the old key is nowhere");
}
