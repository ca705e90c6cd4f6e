//! Batches of any number of scopes, newest first.

use super::{Batch, Batches, read};
use crate::repositories::merged::{MergedPage, MergedQuery, RowFilter, merged};
use crate::{Entity, StoreError, Timeline};
use msp_domain::{Scope, UserId};

/// After every row of the table: they begin with digits.
const END: &str = "~";

/// Which batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchFilter {
    /// Only of this user.
    pub submitted_by: Option<UserId>,
}

impl RowFilter for BatchFilter {
    type Item = Batch;

    fn is_filtered(&self) -> bool {
        *self != Self::default()
    }

    fn read(&self, scope: Scope, row: &Entity) -> Result<Option<Batch>, StoreError> {
        let batch = read(scope, row)?;
        Ok(self.submitted_by.is_none_or(|user| batch.submitted_by == user).then_some(batch))
    }
}

impl Batches {
    /// Newest first over several scopes, each with its own filter; what is not readable is left out. Filters look at 5,000
    /// rows for all scopes together, or at five of each scope if that is more: a page may be short, even empty, while
    /// `next_cursor` says that older rows remain.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn list(
        &self,
        scopes: Vec<(Scope, BatchFilter)>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<Batch>, StoreError> {
        let (timeline, row_before) = (Timeline::Batches, END.to_owned());
        let query = MergedQuery { timeline, row_from: None, row_before, cursor, limit };
        merged(self.journal.tables.as_ref(), query, scopes).await
    }
}
