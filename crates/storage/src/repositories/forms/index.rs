//! What a search needs of every form, in memory. Every change of a form changes a row of its scope, so a look at these rows
//! tells which scopes must be read again, also after a change another process made.

use super::{Forms, StoredForm};
use crate::repositories::forget_row;
use crate::{Entity, Etag, Guard, Query, StoreError, Table, TableWrite, Write};
use msp_domain::Scope;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The partition of the rows that say when the forms of a scope changed.
const PARTITION: &str = "FORMS";
/// Most forms held: beyond any installation, and some 100 MB. What is held is then forgotten and read anew.
const MOST_KEPT: usize = 200_000;

/// A form as it is searched and found.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedForm {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
    /// What it is for, its category and its workflow.
    pub about: String,
    /// The workflow it runs.
    pub workflow: String,
    /// Whether it can be submitted.
    pub is_active: bool,
}

impl From<StoredForm> for IndexedForm {
    fn from(form: StoredForm) -> Self {
        let about = [form.description.as_str(), form.category.as_str(), form.workflow.as_str()];
        let about = about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ");
        let StoredForm { id, scope, name, workflow, is_active, .. } = form;
        Self { id, scope, name, about, workflow, is_active }
    }
}

/// The forms of one scope at one version.
pub(super) struct Kept {
    version: Option<Etag>,
    forms: Arc<Vec<IndexedForm>>,
}

/// What is held. Clones of the repository share it.
pub(super) type Index = Arc<Mutex<HashMap<Scope, Kept>>>;

/// Which forms a scope has, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct FormsVersion {
    scope: Scope,
    etag: Option<Etag>,
}

impl FormsVersion {
    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    /// What holds while no form of the scope has changed.
    pub(in crate::repositories) fn guard(&self) -> Guard {
        let (partition_key, row_key) = (PARTITION.to_owned(), self.scope.key());
        Guard { table: Table::Platform, partition_key, row_key, etag: self.etag.clone() }
    }
}

/// The write that goes into the commit of every change of a form of this scope.
pub(super) fn moved(scope: Scope) -> TableWrite {
    (Table::Platform, Write::UpsertReplace(Entity::new(PARTITION, scope.key()).with("Value", Uuid::new_v4())))
}

impl Forms {
    /// The readable forms of these scopes as they are now. Reads one row per scope, and the forms of those that have changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn index(&self, scopes: &[Scope]) -> Result<Vec<Arc<Vec<IndexedForm>>>, StoreError> {
        let versions = self.journal.tables.query_all(Table::Platform, Query::partition(PARTITION)).await?;
        let versions: HashMap<String, Option<Etag>> = versions.into_iter().map(|row| (row.row_key, row.etag)).collect();
        let mut found = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let version = versions.get(&scope.key()).cloned().flatten();
            if let Some(forms) = self.kept(*scope, version.as_ref()) {
                found.push(forms);
                continue;
            }
            // Read after its version: what is held may be newer than it says, and is then read once more, never older.
            let forms = self.list(*scope).await?.into_iter().map(IndexedForm::from).collect();
            let forms: Arc<Vec<IndexedForm>> = Arc::new(forms);
            self.keep(*scope, Kept { version, forms: Arc::clone(&forms) });
            found.push(forms);
        }
        Ok(found)
    }

    /// The version of a scope's forms, to be read before they are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn version(&self, scope: Scope) -> Result<FormsVersion, StoreError> {
        let row = self.journal.tables.get(Table::Platform, PARTITION, &scope.key()).await?;
        Ok(FormsVersion { scope, etag: row.and_then(|row| row.etag) })
    }

    /// Removes the version of a scope that has no forms any more.
    pub(in crate::repositories) async fn forget(&self, scope: Scope) -> Result<(), StoreError> {
        forget_row(self.journal.tables.as_ref(), Table::Platform, PARTITION, &scope.key()).await
    }

    fn kept(&self, scope: Scope, version: Option<&Etag>) -> Option<Arc<Vec<IndexedForm>>> {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.get(&scope).filter(|kept| kept.version.as_ref() == version).map(|kept| Arc::clone(&kept.forms))
    }

    fn keep(&self, scope: Scope, kept: Kept) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.values().map(|kept| kept.forms.len()).sum::<usize>() >= MOST_KEPT {
            index.clear();
        }
        index.insert(scope, kept);
    }
}
