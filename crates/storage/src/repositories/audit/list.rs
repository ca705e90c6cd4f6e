//! Reading the trail: of one organization or of all, newest first, and single rows.

use super::{Audit, AuditRow, read};
use crate::repositories::executions::Started;
use crate::repositories::merged::{Lenient, MergedPage, MergedQuery, RowFilter, Unreadable, merged, merged_over_all};
use crate::{Entity, StoreError, Table, Timeline};
use msp_domain::Scope;
use msp_domain::ids::reverse_timestamp;
use uuid::Uuid;

/// Every audit row stands before it.
const END: &str = "~";

/// Which rows. What is empty admits everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// Only of this user, or of `platform`.
    pub user: Option<String>,
    /// Only one of these actions.
    pub actions: Vec<String>,
    /// Only about this kind of thing.
    pub entity_type: Option<String>,
    /// Only about this thing.
    pub entity_id: Option<String>,
    /// Words that must all stand somewhere in it, in lower case.
    pub words: Vec<String>,
}

impl AuditFilter {
    /// Whether a row is one of those.
    pub fn admits(&self, row: &AuditRow) -> bool {
        let draft = &row.draft;
        self.user.as_ref().is_none_or(|user| draft.actor.key() == *user)
            && (self.actions.is_empty() || self.actions.contains(&draft.action))
            && self.entity_type.as_ref().is_none_or(|kind| draft.entity_type == *kind)
            && self.entity_id.as_ref().is_none_or(|id| draft.entity_id == *id)
            && self.words_stand_in(row)
    }

    fn words_stand_in(&self, row: &AuditRow) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let draft = &row.draft;
        let address = draft.actor.ip_address.as_deref().unwrap_or_default();
        let text =
            [&draft.action, &draft.entity_type, &draft.entity_id, address, &draft.details.to_string()].join("\n");
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
}

impl RowFilter for AuditFilter {
    type Item = AuditRow;

    fn is_filtered(&self) -> bool {
        *self != Self::default()
    }

    fn read(&self, scope: Scope, row: &Entity) -> Result<Option<AuditRow>, StoreError> {
        let row = read(scope, row)?;
        Ok(self.admits(&row).then_some(row))
    }
}

impl Audit {
    /// Newest first over several scopes. A filter looks at 5,000 rows for all of them together, or at five of each scope if
    /// that is more: a page may be short, even empty, while `next_cursor` says that older rows remain.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one this list gave.
    pub async fn search(
        &self,
        scopes: Vec<Scope>,
        filter: &AuditFilter,
        happened: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<AuditRow>, StoreError> {
        let query = audit_query(happened, cursor, limit);
        let scopes = scopes.into_iter().map(|scope| (scope, filter.clone())).collect();
        merged(self.tables.as_ref(), query, scopes).await
    }

    /// As [`Self::search`] of one scope, with a word of each row that cannot be read.
    ///
    /// # Errors
    /// As for [`Self::search`].
    pub async fn search_lenient(
        &self,
        scope: Scope,
        filter: &AuditFilter,
        happened: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<MergedPage<Result<AuditRow, Unreadable>>, StoreError> {
        let query = audit_query(happened, cursor, limit);
        merged(self.tables.as_ref(), query, vec![(scope, Lenient(filter.clone()))]).await
    }

    /// As [`Self::search`] over all scopes there are; `None` where the home has no order over them.
    pub(in crate::repositories) async fn search_over_all(
        &self,
        filter: &AuditFilter,
        happened: Started,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Option<MergedPage<AuditRow>>, StoreError> {
        merged_over_all(self.tables.as_ref(), audit_query(happened, cursor, limit), filter).await
    }

    /// The row with this id, in the first of these scopes that has it. Its key follows from its id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn get(&self, scopes: &[Scope], id: Uuid) -> Result<Option<AuditRow>, StoreError> {
        let Some(key) = row_key(id) else { return Ok(None) };
        for scope in scopes {
            if let Some(row) = self.tables.get(Table::AuditLogs, &scope.key(), &key).await? {
                return read(*scope, &row).map(Some);
            }
        }
        Ok(None)
    }

    /// The row with this key, if it is still there.
    pub(in crate::repositories) async fn at(&self, scope: Scope, key: &str) -> Result<Option<AuditRow>, StoreError> {
        let row = self.tables.get(Table::AuditLogs, &scope.key(), key).await?;
        row.map(|row| read(scope, &row)).transpose()
    }
}

fn audit_query(happened: Started, cursor: Option<&str>, limit: usize) -> MergedQuery<'_> {
    MergedQuery {
        timeline: Timeline::Audit,
        row_from: happened.row_from(),
        row_before: happened.row_before().unwrap_or_else(|| END.to_owned()),
        cursor,
        limit,
    }
}

/// Where the row with this id stands; `None` for an id that carries no time.
fn row_key(id: Uuid) -> Option<String> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    Some(format!("{}_{}", reverse_timestamp(seconds * 1000 + u64::from(nanos) / 1_000_000), id.hyphenated()))
}
