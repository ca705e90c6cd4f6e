//! Pages and their cursors. A cursor is the row key the next page starts at, in base64url: it names no partition, so
//! nobody can use one to read another.

use super::Listing;
use crate::{Entity, Query, StoreError, Table, TableStore, limits};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Most rows a filtered list looks at per call (design section 10).
pub const SCAN_LIMIT: usize = 5_000;
/// Rows fetched at once while filtering: a row may hold two texts of 30,000 characters.
pub(super) const SCAN_PAGE: usize = 250;

/// How much of a partition one call may look at.
#[derive(Clone, Copy)]
pub(super) enum Scan {
    /// Every row is an item.
    Unfiltered,
    /// Some rows are; at most this many are looked at.
    AtMost(usize),
}

/// One page of the rows `read` makes an item of.
pub(super) async fn page<T>(
    tables: &dyn TableStore,
    table: Table,
    mut query: Query,
    cursor: Option<&str>,
    limit: usize,
    scan: Scan,
    read: impl Fn(Entity) -> Result<Option<T>, StoreError> + Send,
) -> Result<Listing<T>, StoreError> {
    let limit = limit.clamp(1, limits::MAX_PAGE);
    if let Some(cursor) = cursor {
        query.row_from = Some(decode(cursor)?);
    }
    let mut items = Vec::new();
    let mut scanned = 0;
    loop {
        query.limit = match scan {
            Scan::Unfiltered => limit - items.len(),
            Scan::AtMost(most) => SCAN_PAGE.min(most - scanned),
        };
        let page = tables.query(table, query.clone()).await?;
        let more = page.continuation.is_some();
        let mut entities = page.entities.into_iter().peekable();
        while let Some(entity) = entities.next() {
            scanned += 1;
            let row_key = entity.row_key.clone();
            items.extend(read(entity)?);
            let exhausted = matches!(scan, Scan::AtMost(most) if scanned >= most);
            if items.len() == limit || exhausted {
                let ended = entities.peek().is_none() && !more;
                return Ok(Listing { items, next_cursor: (!ended).then(|| encode(&just_after(&row_key))) });
            }
        }
        match page.continuation {
            Some(next) => query.continuation = Some(next),
            None => return Ok(Listing { items, next_cursor: None }),
        }
    }
}

/// What everything after a row stands at or after: `-` sorts before every other character a key may have.
pub(super) fn just_after(row_key: &str) -> String {
    format!("{row_key}-")
}

/// The cursor of everything from a row key on.
pub(super) fn encode(row_key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(row_key)
}

pub(super) fn decode(cursor: &str) -> Result<String, StoreError> {
    let foreign = || StoreError::Limit("the cursor is not one this list gave".to_owned());
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let row_key = String::from_utf8(bytes).map_err(|_| foreign())?;
    // One more than a key may have: the cursor may be that of the longest key.
    limits::check_key(row_key.strip_suffix('-').unwrap_or(&row_key)).map_err(|_| foreign())?;
    Ok(row_key)
}
