//! Following the one order a home has over all partitions.

use super::{MergedQuery, RowFilter, item};
use crate::repositories::paging::{SCAN_LIMIT, SCAN_PAGE, just_after};
use crate::{StoreError, TableStore};
use msp_domain::Scope;

/// Whose rows are wanted, by partition key.
pub(super) struct Wanted<G> {
    /// The scope of a partition and what makes items of its rows; `None` for those of others.
    pub of: G,
    /// Whether any of these filters.
    pub is_filtered: bool,
    /// Rows of others after which it is given up.
    pub patience: usize,
}

/// How far it was followed.
pub(super) struct Across<T> {
    /// What was found, newest first.
    pub items: Vec<T>,
    /// The key from which on nothing was looked at; `None` at the end.
    pub rest: Option<String>,
    /// Rows filters may still look at.
    pub scan_left: usize,
}

impl<T> Across<T> {
    /// Whether the page may end here: it is full, or all there is, or filters have looked at enough.
    pub(super) fn is_page(&self, limit: usize) -> bool {
        self.rest.is_none() || self.items.len() == limit || self.scan_left == 0
    }
}

/// Reads until that is a page or patience ends; `None` where the home has no such order.
pub(super) async fn read<'f, F: RowFilter + 'f>(
    tables: &dyn TableStore,
    query: &MergedQuery<'_>,
    mut from: String,
    mut wanted: Wanted<impl Fn(&str) -> Option<(Scope, &'f F)>>,
) -> Result<Option<Across<F::Item>>, StoreError> {
    let mut across = Across { items: Vec::new(), rest: Some(from.clone()), scan_left: SCAN_LIMIT };
    let at_once = if wanted.is_filtered { SCAN_PAGE } else { query.limit + 1 };
    loop {
        let Some(rows) = tables.across(query.timeline, &from, &query.row_before, at_once).await? else {
            return Ok(None);
        };
        let ended = rows.len() < at_once;
        for row in rows {
            from = just_after(&row.row_key);
            let Some((scope, filter)) = (wanted.of)(&row.partition_key) else {
                wanted.patience = wanted.patience.saturating_sub(1);
                continue;
            };
            if across.is_page(query.limit) {
                across.rest = Some(row.row_key);
                return Ok(Some(across));
            }
            if filter.is_filtered() {
                across.scan_left -= 1;
            }
            across.items.extend(item(query.timeline, scope, filter, &row));
            across.rest = Some(from.clone());
        }
        if ended {
            across.rest = None;
        }
        if ended || wanted.patience == 0 {
            return Ok(Some(across));
        }
    }
}
