//! The seals of the audit trail: what was written verifies, whatever was done to it since is named.

use crate::dying::torn;
use crate::support::{TestClock, TestHome, open_at};
use chrono::{Duration, TimeDelta};
use msp_domain::{Clock, OrgId, Scope};
use msp_storage::repositories::Actor;
use msp_storage::repositories::audit::AuditDraft;
use msp_storage::repositories::organizations::NewOrganization;
use msp_storage::repositories::seals::{Anchor, GRACE, Verified, at_once};
use msp_storage::{Commit, Entity, IfMatch, Property, Query, Repositories, StoreError, Table, Write};
use msp_storage_local::{KeyRotation, lock_engine};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

fn contoso() -> Scope {
    Scope::Org(OrgId::from(Uuid::from_u128(7)))
}

impl TestHome {
    async fn write(&self, scope: Scope, what: &str) {
        let draft = AuditDraft::new(scope, &Actor::PLATFORM, "Config.Set", what, json!({ "what": what }));
        self.repositories.audit.record(draft).await.expect("recorded");
        self.clock.turn(Duration::milliseconds(10));
    }

    /// Some rows of two chains, in three blocks each.
    async fn sealed() -> Self {
        let home = Self::new().await;
        for block in 0..3 {
            for row in 0..4 {
                home.write(contoso(), &format!("contoso {block} {row}")).await;
                home.write(Scope::Global, &format!("global {block} {row}")).await;
            }
            home.repositories.seals.seal_rest().await.expect("sealed");
            home.clock.turn(Duration::minutes(5));
        }
        home
    }

    async fn found(&self, anchors: &[Anchor]) -> (Verified, Vec<String>) {
        let mut faults = Vec::new();
        let verified = self
            .repositories
            .seals
            .verify(None, anchors, &mut |fault| faults.push(fault.to_string()))
            .await
            .expect("checked");
        assert_eq!(verified.faults, faults.len() as u64);
        (verified, faults)
    }

    async fn faults(&self) -> Vec<String> {
        self.found(&[]).await.1
    }

    async fn all(&self, table: Table, partition: &str) -> Vec<Entity> {
        self.home.stores.tables.query_all(table, Query::partition(partition)).await.expect("read")
    }

    /// The audit rows of Contoso, oldest first.
    async fn rows(&self) -> Vec<Entity> {
        let mut rows = self.all(Table::AuditLogs, &contoso().key()).await;
        rows.reverse();
        rows
    }

    async fn put(&self, table: Table, entity: Entity) {
        self.home.stores.tables.write(table, Write::UpsertReplace(entity)).await.expect("written");
    }

    async fn remove(&self, table: Table, entity: &Entity) {
        let delete = Write::delete(entity.partition_key.as_str(), entity.row_key.as_str(), IfMatch::Any);
        self.home.stores.tables.write(table, delete).await.expect("removed");
    }
}

#[track_caller]
fn assert_one(faults: &[String], parts: &[&str]) {
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for part in parts {
        assert!(faults[0].contains(part), "`{part}` is not in: {}", faults[0]);
    }
}

#[tokio::test]
async fn what_was_written_verifies_and_what_is_not_sealed_yet_is_counted() {
    let home = TestHome::sealed().await;
    home.write(contoso(), "young").await;
    let since = home.clock.now() - TimeDelta::milliseconds(10);
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty(), "{faults:#?}");
    let states: Vec<_> = verified.chains.iter().map(|chain| (chain.scope, chain.blocks, chain.rows)).collect();
    assert_eq!(states, [(Scope::Global, 3, 12), (contoso(), 3, 12)]);
    assert_eq!((verified.chains[1].unsealed, verified.chains[1].unsealed_since), (1, Some(since)));
    assert_eq!(home.repositories.seals.seal_due().await.expect("sealed"), 0, "a row may still be committed before it");
    home.clock.turn(Duration::seconds(1));
    assert_eq!(home.repositories.seals.seal_due().await.expect("sealed"), 1);
    assert_eq!(home.found(&[]).await.0.chains[1].unsealed, 0);
}

#[tokio::test]
async fn any_property_of_a_row_that_was_edited_added_or_taken_away_is_told_with_its_row_and_block() {
    let home = TestHome::sealed().await;
    let original = home.rows().await.remove(5);
    let mut properties: Vec<_> = original.properties.keys().cloned().collect();
    properties.push("Added".to_owned());
    for name in properties {
        for edited in [Some(Property::String("something else".to_owned())), None] {
            let mut row = original.clone();
            match edited {
                Some(value) => row.properties.insert(name.clone(), value),
                None if name == "Added" => continue,
                None => row.properties.remove(&name),
            };
            home.put(Table::AuditLogs, row).await;
            assert_one(&home.faults().await, &[&contoso().key(), &original.row_key, "edited", "block 2"]);
        }
    }
    home.put(Table::AuditLogs, original).await;
    assert!(home.faults().await.is_empty(), "put back as it was");
}

#[tokio::test]
async fn a_row_that_was_removed_inserted_or_copied_to_another_organization_is_named() {
    let home = TestHome::sealed().await;
    let row = home.rows().await.remove(2);
    home.remove(Table::AuditLogs, &row).await;
    assert_one(&home.faults().await, &[&row.row_key, "removed", "block 1"]);
    home.put(Table::AuditLogs, row.clone()).await;

    let inserted = Entity { row_key: row.row_key.replace('_', "_f"), ..row.clone() };
    home.put(Table::AuditLogs, inserted.clone()).await;
    assert_one(&home.faults().await, &[&inserted.row_key, "Config.Set", "in no block"]);
    home.repositories.seals.seal_everything(at_once).await.expect("sealed");
    assert_one(&home.faults().await, &[&inserted.row_key]);
    home.remove(Table::AuditLogs, &inserted).await;

    home.put(Table::AuditLogs, Entity { partition_key: "GLOBAL".into(), ..row.clone() }).await;
    assert_one(&home.faults().await, &["GLOBAL: ", &row.row_key, "in no block"]);
}

#[tokio::test]
async fn blocks_that_were_edited_removed_or_exchanged_are_named() {
    let home = TestHome::sealed().await;
    let key = contoso().key();
    let blocks = home.all(Table::AuditSeals, &key).await;
    let list = blocks[1].text("Rows").expect("a list").to_owned();

    let row = home.rows().await.remove(4);
    let shorter: String =
        list.lines().filter(|line| !line.starts_with(&row.row_key)).map(|l| format!("{l}\n")).collect();
    home.put(Table::AuditSeals, blocks[1].clone().with("Rows", shorter)).await;
    home.remove(Table::AuditLogs, &row).await;
    assert_one(&home.faults().await, &["block 2 was edited"]);
    home.put(Table::AuditSeals, blocks[1].clone()).await;
    home.put(Table::AuditLogs, row).await;

    home.remove(Table::AuditSeals, &blocks[1]).await;
    let faults = home.faults().await;
    assert!(faults[0].contains("block 2 was removed"), "{faults:#?}");
    assert_eq!(faults.len(), 5, "and its four rows are in no block: {faults:#?}");
    home.put(Table::AuditSeals, blocks[1].clone()).await;

    for (at, other) in [(1, 2), (2, 1)] {
        home.put(Table::AuditSeals, Entity { row_key: blocks[at].row_key.clone(), ..blocks[other].clone() }).await;
    }
    let faults = home.faults().await;
    assert!(
        ["block 2 was edited", "block 3 was edited"].iter().all(|text| faults.concat().contains(text)),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn a_tail_that_was_cut_with_its_rows_is_missed_by_the_head_and_with_an_old_head_by_an_anchor() {
    let home = TestHome::sealed().await;
    let key = contoso().key();
    let old_head = home.all(Table::AuditSeals, "HEAD").await.into_iter().find(|row| row.row_key == key);
    let early = home.repositories.seals.anchors().await.expect("anchors");
    home.write(contoso(), "what somebody wants to hide").await;
    home.repositories.seals.seal_rest().await.expect("sealed");
    let anchors = home.repositories.seals.anchors().await.expect("anchors");
    let text: String = anchors.iter().map(|anchor| serde_json::to_string(anchor).expect("JSON") + "\n").collect();
    assert_eq!(Anchor::parse_lines(&text).expect("anchors"), anchors);
    let (verified, faults) = home.found(&[early.clone(), anchors.clone()].concat()).await;
    assert!(faults.is_empty() && verified.anchored == 4, "{verified:?} {faults:#?}");

    let blocks = home.all(Table::AuditSeals, &key).await;
    home.remove(Table::AuditSeals, &blocks[3]).await;
    home.remove(Table::AuditLogs, home.rows().await.last().expect("a row")).await;
    assert_one(&home.faults().await, &[&key, "blocks 4 to 4 were cut"]);
    home.put(Table::AuditSeals, old_head.expect("a head")).await;
    assert!(home.faults().await.is_empty(), "without an anchor nobody can tell; docs/SECURITY.md says so");
    assert_one(&home.found(&anchors).await.1, &[&key, "ended at block 4", "ends at block 3 now"]);
    assert!(home.found(&early).await.1.is_empty());

    let mut forged = early[1].clone();
    forged.rows += 1;
    assert_one(&home.found(&[forged]).await.1, &["anchor 1", "edited"]);
}

#[tokio::test]
async fn a_head_that_was_edited_put_back_or_removed_and_a_whole_chain_that_is_gone_are_told() {
    let home = TestHome::sealed().await;
    let key = contoso().key();
    let heads = home.all(Table::AuditSeals, "HEAD").await;
    let head = heads.iter().find(|row| row.row_key == key).expect("a head").clone();
    home.put(Table::AuditSeals, head.clone().with("Seq", 2)).await;
    assert_one(&home.faults().await, &["its head was edited"]);
    home.write(contoso(), "later").await;
    let refused = home.repositories.seals.seal_rest().await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "nothing is put on top of what was forged: {refused:?}");
    home.put(Table::AuditSeals, head.clone()).await;
    for _ in 0..2 {
        home.write(contoso(), "later").await;
        home.repositories.seals.seal_rest().await.expect("sealed");
    }
    let current = home.all(Table::AuditSeals, "HEAD").await.into_iter().find(|row| row.row_key == key).expect("a head");
    home.put(Table::AuditSeals, head).await;
    assert_one(&home.faults().await, &["names block 3, but there are 5"]);
    home.put(Table::AuditSeals, current.clone()).await;

    let anchors = home.repositories.seals.anchors().await.expect("anchors");
    for block in home.all(Table::AuditSeals, &key).await {
        home.remove(Table::AuditSeals, &block).await;
    }
    for row in home.rows().await {
        home.remove(Table::AuditLogs, &row).await;
    }
    home.remove(Table::AuditSeals, &current).await;
    assert_one(&home.faults().await, &["chain", "of 2 is gone"]);
    let faults = home.found(&anchors).await.1;
    assert!(faults.iter().any(|fault| fault.contains(&key) && fault.contains("ends at block 0 now")), "{faults:#?}");
    home.write(contoso(), "begun anew").await;
    home.repositories.seals.seal_rest().await.expect("sealed");
    assert_one(&home.faults().await, &["of 3 is gone"]);
}

#[tokio::test]
async fn a_key_that_is_gone_or_another_one_is_told_and_never_replaced() {
    let home = TestHome::sealed().await;
    let named = home.all(Table::AuditSeals, "KEY").await.remove(0);
    let secret = home.all(Table::Secrets, "GLOBAL").await.remove(0);
    let fresh = Repositories::new(home.home.stores.clone(), Arc::clone(&home.clock) as Arc<dyn Clock>);
    home.remove(Table::AuditSeals, &named).await;
    assert_one(&home.faults().await, &["names the key", "removed"]);
    home.put(Table::AuditSeals, named.clone().with("KeyId", "another")).await;
    assert_one(&home.faults().await, &["not among the secrets"]);
    assert!(matches!(fresh.seals.seal_everything(at_once).await, Err(StoreError::Corrupt(_))));
    home.put(Table::AuditSeals, named).await;
    assert!(home.faults().await.is_empty());
    home.remove(Table::Secrets, &secret).await;
    assert_one(&home.faults().await, &["not among the secrets"]);
}

#[tokio::test]
async fn a_row_that_appears_after_newer_ones_were_sealed_is_sealed_later_and_one_that_is_too_late_is_told() {
    let home = TestHome::sealed().await;
    let late = |home: &TestHome| {
        let draft = AuditDraft::new(contoso(), &Actor::PLATFORM, "Config.Set", "late", json!({}));
        match home.repositories.audit.row(draft).1 {
            Write::Insert(entity) => entity,
            other => panic!("{other:?}"),
        }
    };
    let slow = late(&home);
    home.clock.turn(Duration::seconds(2));
    home.write(contoso(), "newer").await;
    home.clock.turn(Duration::seconds(2));
    home.repositories.seals.seal_due().await.expect("sealed");
    home.put(Table::AuditLogs, slow.clone()).await;
    home.repositories.seals.seal_due().await.expect("sealed");
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty(), "late is not forged: {faults:#?}");
    assert_eq!(verified.chains[1].unsealed, 1);
    home.clock.turn(Duration::seconds(30));
    assert_eq!(home.repositories.seals.seal_due().await.expect("sealed"), 1);
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty() && verified.chains[1].unsealed == 0, "{faults:#?}");

    let too_slow = late(&home);
    home.clock.turn(GRACE + Duration::seconds(2));
    home.write(contoso(), "newer").await;
    home.repositories.seals.seal_rest().await.expect("sealed");
    home.put(Table::AuditLogs, too_slow.clone()).await;
    home.repositories.seals.seal_everything(at_once).await.expect("sealed");
    assert_one(&home.faults().await, &[&too_slow.row_key, "in no block"]);
}

#[tokio::test]
async fn rows_written_while_the_clock_was_put_back_are_sealed() {
    let home = TestHome::sealed().await;
    home.clock.turn(-Duration::hours(1));
    home.write(contoso(), "an hour before the last seal").await;
    assert!(home.faults().await.is_empty(), "it is not sealed yet");
    home.clock.turn(Duration::seconds(31));
    assert_eq!(home.repositories.seals.seal_due().await.expect("sealed"), 1);
    home.clock.turn(Duration::hours(2));
    home.write(contoso(), "later").await;
    home.repositories.seals.seal_rest().await.expect("sealed");
    assert!(home.faults().await.is_empty());
}

#[tokio::test]
async fn rows_that_a_clock_put_back_meets_a_second_time_are_sealed_once() {
    let home = TestHome::new().await;
    for _ in 0..3 {
        home.write(contoso(), "before").await;
        home.clock.turn(Duration::minutes(10));
        home.repositories.seals.seal_due().await.expect("sealed");
    }
    home.clock.turn(-Duration::hours(1));
    for _ in 0..12 {
        home.write(contoso(), "once more").await;
        home.clock.turn(Duration::minutes(10));
        home.repositories.seals.seal_due().await.expect("sealed");
        home.repositories.seals.seal_everything(at_once).await.expect("sealed");
    }
    home.repositories.seals.seal_rest().await.expect("sealed");
    let blocks = home.all(Table::AuditSeals, &contoso().key()).await;
    let sealed: i64 = blocks.iter().map(|block| block.int("RowCount").expect("a count")).sum();
    assert_eq!(sealed, 15, "each row stands in one block");
    assert!(home.faults().await.is_empty());
}

#[tokio::test]
async fn many_rows_from_before_there_were_seals_are_sealed_in_blocks_that_any_store_holds() {
    let home = TestHome::new().await;
    for chunk in 0..10 {
        let rows = (0..100).map(|row| {
            let draft = AuditDraft::new(contoso(), &Actor::PLATFORM, "Config.Set", format!("{chunk} {row}"), json!({}));
            home.repositories.audit.row(draft)
        });
        home.home.stores.tables.commit(Commit::of(rows.collect())).await.expect("written");
        home.clock.turn(Duration::seconds(1));
    }
    // What was marked by this process is forgotten with it.
    let next = Repositories::new(home.home.stores.clone(), Arc::clone(&home.clock) as Arc<dyn Clock>);
    assert_eq!(
        next.seals.seal_everything(at_once).await.expect("sealed"),
        0,
        "an organization nobody knows has no chain"
    );
    let org = home
        .repositories
        .organizations
        .create(NewOrganization::named("Contoso"), &Actor::PLATFORM)
        .await
        .expect("created");
    for row in home.rows().await {
        home.put(Table::AuditLogs, Entity { partition_key: org.id.key(), etag: None, ..row }).await;
    }
    home.clock.turn(Duration::seconds(2));
    next.seals.seal_everything(at_once).await.expect("sealed");
    let blocks = home.all(Table::AuditSeals, &org.id.key()).await;
    assert_eq!(blocks.len(), 4);
    for block in &blocks {
        assert!(block.text("Rows").expect("a list").encode_utf16().count() <= 30_000);
    }
    let (verified, faults) = home.found(&[]).await;
    let chain = verified.chains.iter().find(|chain| chain.scope == Scope::Org(org.id)).expect("a chain");
    assert_eq!((chain.rows, chain.unsealed), (1001, 0));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn wherever_a_sealer_dies_between_block_and_head_the_chain_verifies_and_the_next_one_goes_on() {
    for writes in 0..4 {
        let home = TestHome::sealed().await;
        for row in 0..3 {
            home.write(contoso(), &format!("{row}")).await;
        }
        home.clock.turn(Duration::seconds(2));
        let died = torn(&home, writes + 1).seals.seal_everything(at_once).await;
        assert_eq!(died.is_ok(), writes >= 2, "{writes}: {died:?}");
        assert!(home.faults().await.is_empty(), "{writes}");
        home.write(contoso(), "after it").await;
        home.clock.turn(Duration::seconds(2));
        home.repositories.seals.seal_everything(at_once).await.expect("sealed");
        let (verified, faults) = home.found(&[]).await;
        assert!(faults.is_empty(), "{writes}: {faults:#?}");
        assert_eq!((verified.chains[1].rows, verified.chains[1].unsealed), (16, 0), "each row is sealed once");
    }
}

#[tokio::test]
async fn what_was_there_before_is_sealed_in_blocks_between_which_others_write() {
    const OLD: usize = 700;
    let home = TestHome::new().await;
    for row in 0..OLD {
        home.write(Scope::Global, &format!("{row}")).await;
    }
    home.clock.turn(Duration::seconds(2));
    let next = Repositories::new(home.home.stores.clone(), Arc::clone(&home.clock) as Arc<dyn Clock>);
    let written = AtomicUsize::new(0);
    // If anything were held meanwhile, this would never end.
    let give_way = async || {
        home.write(Scope::Global, "beside it").await;
        written.fetch_add(1, Ordering::SeqCst);
    };
    assert_eq!(next.seals.seal_everything(give_way).await.expect("sealed"), OLD as u64);
    let written = written.load(Ordering::SeqCst);
    assert_eq!(written, 3, "after each block of 300 rows");
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((verified.chains[0].rows, verified.chains[0].unsealed), (OLD as u64, written as u64));
    home.clock.turn(Duration::seconds(2));
    assert_eq!(next.seals.seal_everything(at_once).await.expect("sealed"), written as u64);
    assert!(home.faults().await.is_empty());
}

#[tokio::test]
async fn several_processes_that_seal_at_once_make_one_chain() {
    let home = TestHome::new().await;
    home.repositories.organizations.create(NewOrganization::named("Contoso"), &Actor::PLATFORM).await.expect("created");
    let sealers: Vec<_> = (0..4)
        .map(|_| Repositories::new(home.home.stores.clone(), Arc::clone(&home.clock) as Arc<dyn Clock>))
        .collect();
    for round in 0..10 {
        for row in 0..5 {
            home.write(Scope::Global, &format!("{round} {row}")).await;
        }
        home.clock.turn(Duration::seconds(2));
        let outcomes = futures::future::join_all(sealers.iter().map(|it| it.seals.seal_everything(at_once))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((verified.chains[0].rows, verified.chains[0].unsealed), (50, 0), "each row is sealed once");
    assert_eq!(home.all(Table::AuditSeals, "KEY").await.len(), 1);
    assert_eq!(home.all(Table::Secrets, "GLOBAL").await.len(), 1, "keys nobody uses do not stay");
}

#[tokio::test]
async fn retention_removes_whole_blocks_behind_a_signed_checkpoint_and_is_the_only_way_to_remove_any() {
    let home = TestHome::sealed().await;
    home.repositories
        .organizations
        .create(NewOrganization::named("Fabrikam"), &Actor::PLATFORM)
        .await
        .expect("created");
    home.repositories.seals.seal_rest().await.expect("sealed");
    let anchors = home.repositories.seals.anchors().await.expect("anchors");
    let second_block = home.clock.now() - Duration::minutes(11);
    home.clock.turn(Duration::days(400));
    home.write(contoso(), "a year later").await;
    home.repositories.seals.seal_rest().await.expect("sealed");
    assert_eq!(home.repositories.seals.remove_before(second_block).await.expect("removed"), 8);
    assert_eq!(home.repositories.seals.remove_before(second_block).await.expect("removed"), 0, "once");
    home.repositories.seals.seal_rest().await.expect("sealed");
    let (verified, faults) = home.found(&anchors).await;
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(verified.anchored, 3, "later anchors still fit");
    let chain = verified.chains.iter().find(|chain| chain.scope == contoso()).expect("a chain");
    let checkpoint = chain.checkpoint.clone().expect("a checkpoint");
    assert_eq!((checkpoint.through_seq, checkpoint.rows), (1, 4));
    assert_eq!(home.rows().await.len(), 10, "eight that were kept, one a year later, and that of the removal");
    let actions = home.audited(contoso()).await;
    assert_eq!(actions[0], "Audit.Remove");

    let key = contoso().key();
    let block = home.all(Table::AuditSeals, &key).await.remove(0);
    home.remove(Table::AuditSeals, &block).await;
    for row in home.rows().await.into_iter().take(4) {
        home.remove(Table::AuditLogs, &row).await;
    }
    assert_one(&home.faults().await, &["block 2 was removed"]);
    let forged = home.all(Table::AuditSeals, &key).await.pop().expect("the checkpoint").with("ThroughSeq", 2);
    home.put(Table::AuditSeals, forged).await;
    assert!(home.faults().await.iter().any(|fault| fault.contains("checkpoint was edited")));
}

#[tokio::test]
async fn wherever_a_removal_is_interrupted_the_chain_verifies_and_the_next_one_ends_it() {
    for writes in 0..15 {
        let home = TestHome::sealed().await;
        home.repositories.seals.seal_everything(at_once).await.expect("sealed");
        home.clock.turn(Duration::days(400));
        let before = home.clock.now() - Duration::days(365);
        // The chain of what belongs to no organization comes first.
        let _ = torn(&home, writes).seals.remove_before(before).await;
        assert!(home.faults().await.is_empty(), "{writes}: {:#?}", home.faults().await);
        home.repositories.seals.remove_before(before).await.expect("removed");
        home.repositories.seals.seal_rest().await.expect("sealed");
        assert!(home.faults().await.is_empty(), "{writes}: {:#?}", home.faults().await);
        let left = home.audited(Scope::Global).await;
        let kept = left.iter().filter(|action| *action == "Config.Set").count();
        assert_eq!(kept, 4, "the last block stays: {left:?}");
    }
}

#[tokio::test]
async fn after_another_master_key_the_chain_goes_on_and_verifies() {
    let home = TestHome::sealed().await;
    home.repositories.seals.prepare().await.expect("the key");
    let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Secrets.RotateKey", "master key", json!({}));
    let row = home.repositories.audit.row(draft);
    let lock = lock_engine(home.folder.path()).expect("free");
    let rotation = KeyRotation::begin(home.folder.path(), None, &lock).expect("begun");
    rotation.commit(row).expect("committed");
    rotation.finish().expect("finished");
    home.repositories.seals.seal_rest().await.expect("sealed by whoever changed it");
    let TestHome { folder, clock, home, repositories } = home;
    drop((home, repositories));
    let reopened = open_at(folder.path(), &clock).await.expect("opens");
    let repositories = Repositories::new(reopened.stores.clone(), Arc::<TestClock>::clone(&clock) as Arc<dyn Clock>);
    let home = TestHome { folder, clock, home: reopened, repositories };
    let (verified, faults) = home.found(&[]).await;
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((verified.chains[0].rows, verified.chains[0].unsealed), (13, 0));
}
