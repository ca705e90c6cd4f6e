//! What every home must do. Each home runs these functions in its tests, against stores that may hold other rows:
//! every scenario works in partitions of its own. A rule that is broken panics with a sentence that states it.

mod blobs;
mod commits;
mod limits;
mod queries;
mod queue;
mod races;
mod secrets;
mod writes;

pub use blobs::blobs;
pub use queue::queue;
pub use secrets::secrets;

use crate::{Entity, Etag, StoreError, Table, TableStore, Write};
use std::sync::Arc;
use uuid::Uuid;

/// The table most scenarios work in. Any would do.
const TABLE: Table = Table::AuditLogs;
/// Another one.
const OTHER: Table = Table::Platform;

/// Every rule of a table store.
///
/// # Panics
/// When a rule is broken.
pub async fn tables(store: Arc<dyn TableStore>) {
    let tables = store.as_ref();
    writes::an_entity_reads_back_as_it_was_written(tables).await;
    writes::insert_refuses_what_is_there(tables).await;
    writes::replace_sets_all_and_merge_keeps_the_others(tables).await;
    writes::upserts_insert_what_is_missing(tables).await;
    writes::delete_removes_and_misses_what_is_gone(tables).await;
    writes::every_write_gives_a_new_etag_and_a_stale_one_is_refused(tables).await;
    writes::an_etag_does_not_survive_deletion(tables).await;
    queries::a_partition_is_listed_in_ordinal_key_order(tables).await;
    queries::row_ranges_include_their_start_and_exclude_their_end(tables).await;
    queries::filters_compare_every_type(tables).await;
    queries::a_missing_or_differently_typed_property_never_matches(tables).await;
    queries::filters_join_with_and_and_or(tables).await;
    queries::pages_follow_each_other_without_gap_or_repetition(tables).await;
    queries::a_filter_may_leave_pages_short_but_loses_nothing(tables).await;
    queries::a_continuation_stays_in_its_partition(tables).await;
    queries::rows_of_all_partitions_have_one_order_where_the_home_has_it(tables).await;
    commits::a_batch_is_all_or_nothing(tables).await;
    commits::a_commit_is_all_or_nothing_over_tables(tables).await;
    commits::guards_hold_or_nothing_is_written(tables).await;
    commits::a_commit_answers_etags_that_fit(tables).await;
    limits::values_and_entities_have_a_size(tables).await;
    limits::names_and_keys_have_an_alphabet(tables).await;
    limits::batches_are_bounded(tables).await;
    limits::queries_are_bounded(tables).await;
    races::of_racing_inserts_one_wins(store.clone()).await;
    races::of_racing_updates_one_wins(store.clone()).await;
    races::of_racing_guarded_commits_one_wins(store).await;
}

/// A partition nobody else uses.
fn partition() -> String {
    Uuid::new_v4().to_string()
}

async fn get(tables: &dyn TableStore, partition_key: &str, row_key: &str) -> Option<Entity> {
    tables.get(TABLE, partition_key, row_key).await.expect("an entity can be read")
}

async fn insert(tables: &dyn TableStore, entity: Entity) -> Etag {
    let etag = tables.write(TABLE, Write::Insert(entity)).await.expect("a new entity can be inserted");
    etag.expect("an insert answers the ETag")
}

/// The entity as a store gives it back.
fn stored(entity: Entity, etag: Etag) -> Option<Entity> {
    Some(Entity { etag: Some(etag), ..entity })
}

fn assert_limit<T: std::fmt::Debug>(outcome: &Result<T, StoreError>, rule: &str) {
    match outcome {
        Err(StoreError::Limit(reason)) => {
            assert!(reason.contains(' '), "a refusal explains itself in a sentence, not {reason:?}");
        }
        other => panic!("{rule}: expected a refusal by limit, got {other:?}"),
    }
}

macro_rules! assert_error {
    ($outcome:expr, $error:pat, $rule:literal) => {
        match $outcome {
            Err($error) => {}
            other => panic!("{}: got {other:?}", $rule),
        }
    };
}
use assert_error;
