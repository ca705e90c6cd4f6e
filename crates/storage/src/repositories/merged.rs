//! One list over any number of scopes, newest first. Row keys that begin with their time sort the same way in every
//! partition, so one position in time is a position in each of them.
//!
//! Where the home has one order over all partitions it is followed, so that a page costs the same for one organization and
//! for hundreds. Where it has none, or where most rows in it are of nobody who was asked for, every scope is asked and the
//! answers are merged.

mod across;

use super::if_readable;
use super::paging::{SCAN_LIMIT, Scan, decode, encode, page};
use crate::{Entity, Query, StoreError, TableStore, Timeline};
use across::Wanted;
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use msp_domain::ids::millis_of;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// Fewest rows read at once from a scope: reading one at a time would cost a query each.
const SMALLEST_PAGE: usize = 5;
/// Most rows a filter looks at in one scope before the others have their turn.
const LARGEST_SCAN: usize = 250;

/// One page of what several scopes hold.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedPage<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next_cursor: Option<String>,
    /// Everything that happened after this instant has been looked at; `None` at the end.
    pub searched_to: Option<DateTime<Utc>>,
}

impl<T> MergedPage<T> {
    /// The page before this key; `None`: the last one.
    pub(super) fn ending_at(rest: Option<String>, items: Vec<T>) -> Self {
        Self { items, next_cursor: rest.as_deref().map(encode), searched_to: rest.as_deref().and_then(instant_of) }
    }
}

/// Which rows of a table, and how many.
pub(super) struct MergedQuery<'a> {
    pub timeline: Timeline,
    /// The key all of them stand at or after.
    pub row_from: Option<String>,
    /// The key all of them stand before.
    pub row_before: String,
    pub cursor: Option<&'a str>,
    pub limit: usize,
}

/// What makes items of rows.
pub(super) trait RowFilter: Clone + Send + Sync {
    /// What a row becomes.
    type Item: Send;

    /// Whether some rows may be none of its items.
    fn is_filtered(&self) -> bool;

    /// The item of a row, if it is one.
    fn read(&self, scope: Scope, row: &Entity) -> Result<Option<Self::Item>, StoreError>;
}

/// A row that is there and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// Of what, if its key says so.
    pub id: Option<Uuid>,
}

/// A filter that lets no unreadable row keep it from the others.
#[derive(Clone)]
pub(super) struct Lenient<F>(pub F);

impl<F: RowFilter> RowFilter for Lenient<F> {
    type Item = Result<F::Item, Unreadable>;

    fn is_filtered(&self) -> bool {
        self.0.is_filtered()
    }

    fn read(&self, scope: Scope, row: &Entity) -> Result<Option<Self::Item>, StoreError> {
        match self.0.read(scope, row) {
            Err(StoreError::Corrupt(_)) => {
                Ok(Some(Err(Unreadable { id: row.row_key.rsplit('_').next().and_then(|id| id.parse().ok()) })))
            }
            read => Ok(read?.map(Ok)),
        }
    }
}

/// The item of a row, if it is one. A row that is not readable keeps nobody from the others.
fn item<F: RowFilter>(timeline: Timeline, scope: Scope, filter: &F, row: &Entity) -> Option<F::Item> {
    if_readable(timeline.table(), row, filter.read(scope, row)).flatten()
}

/// One scope on its way through the merge.
struct Lane<F: RowFilter> {
    scope: Scope,
    filter: F,
    /// Rows read and not answered yet, newest first, with their keys.
    ahead: VecDeque<(String, F::Item)>,
    /// The key from which on the scope has not been looked at; `None` at its end.
    rest: Option<String>,
}

impl<F: RowFilter> Lane<F> {
    /// Where the lane stands: its next row, or what it has not looked at.
    fn position(&self) -> Option<&str> {
        self.ahead.front().map(|(key, _)| key.as_str()).or(self.rest.as_deref())
    }
}

/// What one call reads.
struct Reading<'a> {
    tables: &'a dyn TableStore,
    timeline: Timeline,
    row_before: String,
    /// Rows read at once from a scope without filter.
    page: usize,
    /// Rows a filter looks at at once.
    scan: usize,
    /// Rows filters may still look at.
    scan_left: usize,
    limit: usize,
}

/// Where a page starts.
pub(super) fn first_key(query: &MergedQuery<'_>) -> Result<String, StoreError> {
    Ok(query.cursor.map(decode).transpose()?.max(query.row_from.clone()).unwrap_or_default())
}

/// As [`merged`] over all scopes there are; `None` where the home has no order over them.
pub(super) async fn merged_over_all<F: RowFilter>(
    tables: &dyn TableStore,
    query: MergedQuery<'_>,
    filter: &F,
) -> Result<Option<MergedPage<F::Item>>, StoreError> {
    let of = |partition: &str| Scope::from_key(partition).ok().map(|scope| (scope, filter));
    let wanted = Wanted { of, is_filtered: filter.is_filtered(), patience: usize::MAX };
    let across = across::read(tables, &query, first_key(&query)?, wanted).await?;
    Ok(across.map(|across| MergedPage::ending_at(across.rest, across.items)))
}

/// Newest first over several scopes, each with its own filter. Filters look at 5,000 rows for all scopes together
/// (design section 10), or at five of each scope if that is more: a page may be short, even empty, while
/// `next_cursor` says that older rows remain.
pub(super) async fn merged<F: RowFilter>(
    tables: &dyn TableStore,
    query: MergedQuery<'_>,
    scopes: Vec<(Scope, F)>,
) -> Result<MergedPage<F::Item>, StoreError> {
    let mut from = first_key(&query)?;
    let (mut items, mut scan_left) = (Vec::new(), SCAN_LIMIT);
    if scopes.len() > 1 {
        let asked: HashMap<String, &(Scope, F)> = scopes.iter().map(|one| (one.0.key(), one)).collect();
        let wanted = Wanted {
            of: |partition: &str| asked.get(partition).map(|(scope, filter)| (*scope, filter)),
            is_filtered: scopes.iter().any(|(_, filter)| filter.is_filtered()),
            // Asking every scope would read as many.
            patience: SMALLEST_PAGE * scopes.len(),
        };
        if let Some(across) = across::read(tables, &query, from.clone(), wanted).await? {
            if across.is_page(query.limit) {
                return Ok(MergedPage::ending_at(across.rest, across.items));
            }
            from = across.rest.unwrap_or_default();
            (items, scan_left) = (across.items, across.scan_left);
        }
    }
    let lane_count = scopes.len().max(1);
    let limit = query.limit;
    let mut reading = Reading {
        tables,
        timeline: query.timeline,
        row_before: query.row_before,
        page: (limit / lane_count + 1).max(SMALLEST_PAGE).min(limit),
        // Half of it for a first look at every lane, the rest where the merge has to wait.
        scan: (SCAN_LIMIT / 2 / lane_count).clamp(SMALLEST_PAGE, LARGEST_SCAN),
        scan_left,
        limit,
    };
    let mut lanes: Vec<Lane<F>> = scopes
        .into_iter()
        .map(|(scope, filter)| Lane { scope, filter, ahead: VecDeque::new(), rest: Some(from.clone()) })
        .collect();
    for lane in &mut lanes {
        reading.read_on(lane).await?;
    }
    reading.scan = LARGEST_SCAN;
    loop {
        let newest = lanes
            .iter_mut()
            .filter_map(|lane| lane.position().map(str::to_owned).map(|position| (position, lane)))
            .min_by(|(a, _), (b, _)| a.cmp(b));
        let Some((position, lane)) = newest else {
            return Ok(MergedPage::ending_at(None, items));
        };
        // A lane without rows ahead was not looked at far enough: nothing older may be answered before it is.
        let looks_no_further = lane.ahead.is_empty() && reading.scan_left == 0;
        if items.len() == limit || looks_no_further {
            return Ok(MergedPage::ending_at(Some(position), items));
        }
        items.extend(lane.ahead.pop_front().map(|(_, item)| item));
        if lane.ahead.is_empty() && (reading.scan_left > 0 || !lane.filter.is_filtered()) {
            reading.read_on(lane).await?;
        }
    }
}

impl Reading<'_> {
    /// Reads the next rows of a lane, within what the call may still look at.
    async fn read_on<F: RowFilter>(&mut self, lane: &mut Lane<F>) -> Result<(), StoreError> {
        let Some(from) = lane.rest.take() else { return Ok(()) };
        let scope = lane.scope;
        let query = Query { row_before: Some(self.row_before.clone()), ..Query::partition(scope.key()) };
        let (scan, size) = if lane.filter.is_filtered() {
            // Every lane is looked at once, also when there are so many that nothing is left.
            let rows = self.scan.min(self.scan_left.max(SMALLEST_PAGE));
            self.scan_left = self.scan_left.saturating_sub(rows);
            (Scan::AtMost(rows), self.limit)
        } else {
            (Scan::Unfiltered, self.page)
        };
        let filter = &lane.filter;
        let timeline = self.timeline;
        let read = |row: Entity| Ok(item(timeline, scope, filter, &row).map(|item| (row.row_key, item)));
        let cursor = encode(&from);
        let cursor = (!from.is_empty()).then_some(cursor.as_str());
        let listing = page(self.tables, self.timeline.table(), query, cursor, size, scan, read).await?;
        lane.ahead = listing.items.into();
        lane.rest = listing.next_cursor.as_deref().map(decode).transpose()?;
        Ok(())
    }
}

/// The time a row key begins with.
fn instant_of(row_key: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(millis_of(row_key.split('_').next()?)?).ok()?)
}
