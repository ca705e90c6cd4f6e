//! Ranges, filters and pages.

use super::{TABLE, assert_limit, insert, partition};
use crate::{Comparison, Entity, Filter, Property, Query, TableStore, Timeline, Write};
use chrono::DateTime;
use uuid::Uuid;

async fn rows(tables: &dyn TableStore, query: Query) -> Vec<String> {
    let found = tables.query_all(TABLE, query).await.expect("a query answers");
    found.into_iter().map(|entity| entity.row_key).collect()
}

fn compare(name: &str, comparison: Comparison, value: impl Into<Property>) -> Filter {
    Filter::Compare(name.to_owned(), comparison, value.into())
}

fn filtered(partition: &str, filter: Filter) -> Query {
    Query { filter: Some(filter), ..Query::partition(partition) }
}

pub(super) async fn a_partition_is_listed_in_ordinal_key_order(tables: &dyn TableStore) {
    let (here, elsewhere) = (partition(), partition());
    for row in ["b", "~", "a", "B", "_", "10", "9", "a-b", "a.b"] {
        insert(tables, Entity::new(&here, row)).await;
    }
    insert(tables, Entity::new(&elsewhere, "a0")).await;
    let listed = rows(tables, Query::partition(&here)).await;
    let ordinal = ["10", "9", "B", "_", "a", "a-b", "a.b", "b", "~"];
    assert_eq!(listed, ordinal, "a partition is listed alone and by the bytes of its row keys");
}

pub(super) async fn row_ranges_include_their_start_and_exclude_their_end(tables: &dyn TableStore) {
    let partition = partition();
    for row in ["config:a", "config:b", "config", "confih", "integration:a"] {
        insert(tables, Entity::new(&partition, row)).await;
    }
    let with_prefix = rows(tables, Query::partition(&partition).rows_with_prefix("config:")).await;
    assert_eq!(with_prefix, ["config:a", "config:b"], "a prefix finds exactly the rows that begin with it");
    let range =
        Query { row_from: Some("config:a".into()), row_before: Some("confih".into()), ..Query::partition(&partition) };
    assert_eq!(rows(tables, range).await, ["config:a", "config:b"], "a range has its start and not its end");
}

pub(super) async fn filters_compare_every_type(tables: &dyn TableStore) {
    let partition = partition();
    let instant = |millis| DateTime::from_timestamp_millis(millis).expect("an instant");
    for (row, n) in [("1", 1_i64), ("2", 2), ("3", 3)] {
        let entity = Entity::new(&partition, row)
            .with("Text", format!("it's {n}"))
            .with("Int", n - 2)
            .with("Double", n as f64 / 2.0)
            .with("Bool", n == 2)
            .with("At", instant(1_763_800_000_000 + n))
            .with("Id", Uuid::from_u128(n as u128))
            .with("Bytes", vec![n as u8]);
        insert(tables, entity).await;
    }
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    let ordered: [(&str, Property); 4] = [
        ("Text", "it's 2".into()),
        ("Int", 0_i64.into()),
        ("Double", 1.0.into()),
        ("At", instant(1_763_800_000_002).into()),
    ];
    for (name, value) in ordered {
        for (comparison, wanted) in
            [(Eq, &["2"][..]), (Ne, &["1", "3"]), (Gt, &["3"]), (Ge, &["2", "3"]), (Lt, &["1"]), (Le, &["1", "2"])]
        {
            let found = rows(tables, filtered(&partition, compare(name, comparison, value.clone()))).await;
            assert_eq!(found, wanted, "{name} compares by {comparison:?}");
        }
    }
    let equal: [(&str, Property); 3] =
        [("Bool", true.into()), ("Id", Uuid::from_u128(2).into()), ("Bytes", vec![2].into())];
    for (name, value) in equal {
        let found = rows(tables, filtered(&partition, compare(name, Eq, value.clone()))).await;
        assert_eq!(found, ["2"], "{name} compares by Eq");
        let found = rows(tables, filtered(&partition, compare(name, Ne, value))).await;
        assert_eq!(found, ["1", "3"], "{name} compares by Ne");
    }
}

pub(super) async fn a_missing_or_differently_typed_property_never_matches(tables: &dyn TableStore) {
    let partition = partition();
    insert(tables, Entity::new(&partition, "lacks").with("Other", 1_i64)).await;
    insert(tables, Entity::new(&partition, "text").with("N", "x")).await;
    insert(tables, Entity::new(&partition, "has").with("N", 7_i64)).await;
    let ne = rows(tables, filtered(&partition, compare("N", Comparison::Ne, 1_i64))).await;
    assert_eq!(ne, ["has"], "an entity without the property, or with another type, never matches, not even Ne");
}

pub(super) async fn filters_join_with_and_and_or(tables: &dyn TableStore) {
    let partition = partition();
    for n in 0..8_i64 {
        insert(tables, Entity::new(&partition, n.to_string()).with("N", n).with("Even", n % 2 == 0)).await;
    }
    let even = compare("Even", Comparison::Eq, true);
    let low = compare("N", Comparison::Lt, 3_i64);
    let high = compare("N", Comparison::Gt, 5_i64);
    let outside = Filter::Or(vec![low, high]);
    let found = rows(tables, filtered(&partition, Filter::And(vec![even, outside.clone()]))).await;
    assert_eq!(found, ["0", "2", "6"], "And needs all, Or needs one");
    let mut query = filtered(&partition, outside);
    query.row_from = Some("2".into());
    assert_eq!(rows(tables, query).await, ["2", "6", "7"], "a filter and a row range both hold");
}

/// 1,100 rows `0000`..`1099`, `N` counting up.
async fn fill(tables: &dyn TableStore, partition: &str) {
    for batch in 0..11_i64 {
        let row = |n: i64| Write::Insert(Entity::new(partition, format!("{n:04}")).with("N", n));
        let writes = (batch * 100..batch * 100 + 100).map(row).collect();
        tables.batch(TABLE, writes).await.expect("a batch of 100 is accepted");
    }
}

pub(super) async fn pages_follow_each_other_without_gap_or_repetition(tables: &dyn TableStore) {
    let partition = partition();
    fill(tables, &partition).await;
    let all: Vec<String> = (0..1100).map(|n| format!("{n:04}")).collect();

    let first = tables.query(TABLE, Query::partition(&partition)).await.expect("a page");
    assert!(first.entities.len() <= 1000, "a page has at most 1000 entities");
    assert!(first.continuation.is_some(), "a page that leaves something out says where it goes on");
    assert_eq!(rows(tables, Query::partition(&partition)).await, all, "pages of the store's own size hold everything");

    let mut paged = Vec::new();
    let mut query = Query::partition(&partition).limit(7);
    query.row_from = Some("0003".into());
    query.row_before = Some("0050".into());
    loop {
        let page = tables.query(TABLE, query.clone()).await.expect("a page");
        assert!(page.entities.len() <= 7, "a page is no larger than asked for");
        paged.extend(page.entities.into_iter().map(|entity| entity.row_key));
        match page.continuation {
            Some(next) => query.continuation = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, all[3..50], "pages of a range follow each other without gap or repetition");

    let mut exact = Query::partition(&partition).limit(50);
    exact.row_before = Some("0050".into());
    assert_eq!(rows(tables, exact).await.len(), 50, "a page that just fits is the whole answer");
}

pub(super) async fn a_filter_may_leave_pages_short_but_loses_nothing(tables: &dyn TableStore) {
    let partition = partition();
    fill(tables, &partition).await;
    let ends = Filter::Or(vec![compare("N", Comparison::Lt, 2_i64), compare("N", Comparison::Ge, 1098_i64)]);
    let mut query = filtered(&partition, ends);
    assert_eq!(rows(tables, query.clone()).await, ["0000", "0001", "1098", "1099"], "rows far apart are all found");
    query.limit = 3;
    assert_eq!(rows(tables, query).await, ["0000", "0001", "1098", "1099"], "also page by page");
    let none = filtered(&partition, compare("N", Comparison::Eq, -1_i64));
    assert!(rows(tables, none).await.is_empty(), "a filter nothing satisfies ends");
}

pub(super) async fn a_continuation_stays_in_its_partition(tables: &dyn TableStore) {
    let (mine, foreign) = (partition(), partition());
    for partition in [&mine, &foreign] {
        for row in ["a", "b"] {
            insert(tables, Entity::new(partition, row).with("Of", partition.as_str())).await;
        }
    }
    let page = tables.query(TABLE, Query::partition(&foreign).limit(1)).await.expect("a page");
    let query = Query { continuation: page.continuation, ..Query::partition(&mine) };
    match tables.query(TABLE, query).await {
        Ok(page) => assert!(
            page.entities.iter().all(|entity| entity.partition_key == mine),
            "a continuation of another partition never shows that partition"
        ),
        refused => assert_limit(&refused, "a continuation of another partition is refused"),
    }
}

pub(super) async fn rows_of_all_partitions_have_one_order_where_the_home_has_it(tables: &dyn TableStore) {
    for timeline in [Timeline::Executions, Timeline::Audit, Timeline::Batches] {
        rows_have_one_order(tables, timeline).await;
    }
}

async fn rows_have_one_order(tables: &dyn TableStore, timeline: Timeline) {
    let (table, place) = (timeline.table(), Uuid::new_v4().simple().to_string());
    let (one, two) = (partition(), partition());
    for (partition, row) in [(&one, "1"), (&two, "2"), (&one, "3"), (&two, "4")] {
        let entity = Entity::new(partition, format!("{place}{row}"));
        tables.write(table, Write::Insert(entity)).await.expect("a new entity can be inserted");
    }
    let key = |row: &str| format!("{place}{row}");
    let across = async |limit| tables.across(timeline, &key("2"), &key("4"), limit).await.expect("a query answers");
    let Some(rows) = across(10).await else { return };
    let keys: Vec<_> = rows.into_iter().map(|row| (row.partition_key, row.row_key)).collect();
    assert_eq!(keys, [(two, key("2")), (one, key("3"))], "from the start to before the end, whatever the partition");
    assert_eq!(across(1).await.expect("an order").len(), 1, "no more than asked for");
}
