//! Batches and what a repair finds of them.

use crate::support::TestHome;
use msp_domain::{Clock, OrgId, Scope};
use msp_storage::repositories::batches::{Batch, BatchCounts};
use msp_storage::repositories::repair::Finding;
use msp_storage::{Entity, IfMatch, Query, Table, Write};

const OPEN: &str = "BATCHES";

async fn marks(home: &TestHome) -> Vec<Entity> {
    home.home.stores.tables.query_all(Table::ActiveExecutions, Query::partition(OPEN)).await.expect("read")
}

async fn delete(home: &TestHome, table: Table, partition_key: &str, row_key: &str) {
    let delete = Write::delete(partition_key, row_key, IfMatch::Any);
    home.home.stores.tables.write(table, delete).await.expect("deleted");
}

async fn completed(home: &TestHome, scope: Scope, counts: BatchCounts) -> Batch {
    let batch = home.batch(scope, 3).await;
    home.repositories.batches.complete(&batch, counts).await.expect("completed")
}

#[tokio::test]
async fn a_repair_puts_right_what_says_that_batches_go_on_and_removes_what_is_left_of_others() {
    let home = TestHome::new().await;
    let scope = Scope::Org(OrgId::random());
    let (batches, stores) = (&home.repositories.batches, &home.home.stores);
    let cancelled = BatchCounts { cancelled: 3, ..BatchCounts::default() };
    let ran = BatchCounts { success: 2, failed: 1, ..BatchCounts::default() };

    let healthy = home.batch(scope, 3).await;
    let never_ran = completed(&home, scope, cancelled).await;
    assert_eq!(home.repaired().await, [], "neither is damage");

    let unlisted = home.batch(scope, 3).await;
    delete(&home, Table::ActiveExecutions, OPEN, &unlisted.id.key()).await;
    let lost = home.batch(scope, 3).await;
    delete(&home, Table::Batches, &scope.key(), &lost.id.row_key().expect("a time")).await;
    let still_listed = completed(&home, scope, cancelled).await;
    let mark = Entity::new(OPEN, still_listed.id.key()).with("OrgId", scope.org().expect("one").as_uuid());
    stores.tables.write(Table::ActiveExecutions, Write::Insert(mark)).await.expect("written");
    let of_nothing = completed(&home, scope, ran).await;
    let rows_of = |batch: &Batch| format!("batches/{}/rows.json", batch.id);

    let look = async |mend| {
        let mut found = Vec::new();
        let mut see = |finding: &Finding| found.push(finding.clone());
        let actor = msp_storage::repositories::Actor::PLATFORM;
        home.repositories.repair(mend, &actor, &mut see).await.expect("looked");
        found
    };
    let found = look(false).await;
    let wanted = [
        Finding::BatchNotFound { id: unlisted.id },
        Finding::BatchOfNothing { id: of_nothing.id },
        Finding::BatchMarkStale { row_key: lost.id.key() },
        Finding::BatchMarkStale { row_key: still_listed.id.key() },
        Finding::BlobNobodyNames { path: rows_of(&lost) },
    ];
    assert!(wanted.iter().all(|finding| found.contains(finding)), "{found:#?}");
    assert_eq!(look(false).await, found, "a look changes nothing");
    home.repaired().await;
    assert_eq!(home.repaired().await, []);

    let mut open: Vec<_> = marks(&home).await.into_iter().map(|mark| mark.row_key).collect();
    open.sort_unstable();
    let mut wanted = [healthy.id.key(), unlisted.id.key()];
    wanted.sort_unstable();
    assert_eq!(open, wanted);
    assert_eq!(batches.open().await.expect("read").len(), 2);
    assert!(batches.get(scope, of_nothing.id).await.expect("read").is_none());
    let mut left = stores.blobs.list("batches/").await.expect("listed");
    left.sort_unstable();
    let mut wanted = [&healthy, &never_ran, &unlisted, &still_listed].map(rows_of);
    wanted.sort_unstable();
    assert_eq!(left, wanted);

    stores.blobs.delete(&rows_of(&healthy)).await.expect("deleted");
    assert_eq!(home.repaired().await, [Finding::BatchRowsMissing { id: healthy.id }]);
}

#[tokio::test]
async fn how_far_a_batch_is_is_noted_and_what_ended_stays_as_it_ended() {
    let home = TestHome::new().await;
    let scope = Scope::Global;
    let batches = &home.repositories.batches;
    let batch = home.batch(scope, 10).await;
    assert_eq!(batch.noted, BatchCounts { pending: 10, ..BatchCounts::default() });
    let noted = BatchCounts { running: 2, success: 3, failed: 1, ..BatchCounts::default() };
    batches.note(&batch, noted).await.expect("noted");
    let under_way = batches.get(scope, batch.id).await.expect("read").expect("there");
    assert_eq!((under_way.noted, under_way.counts), (BatchCounts { pending: 4, ..noted }, None));

    let ended = BatchCounts { success: 9, failed: 1, ..BatchCounts::default() };
    let completed = batches.complete(&under_way, ended).await.expect("completed");
    assert_eq!((completed.noted, completed.counts), (ended, Some(ended)));
    assert_eq!(completed.completed_at, Some(home.clock.now()));
    batches.withdraw(&completed).await.expect("removed");
    batches.note(&batch, noted).await.expect("nothing to note");
    assert!(batches.get(scope, batch.id).await.expect("read").is_none());
}
