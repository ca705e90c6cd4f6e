//! Forms: table `Forms`, PK organization or `GLOBAL`, RK form id. No generation: a run reads the form it is submitted with.
//! Each scope has a version of its own, table `Platform`, PK `FORMS`, for the index of the search.

mod described;
mod import;
mod index;

pub use import::Imported;
pub use index::{FormsVersion, IndexedForm};

use super::audit::AuditDraft;
use super::{Actor, Journal, check_version, etag_of, readable, retry, write_over};
use crate::{Commit, Entity, Etag, Guard, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Utc};
use msp_domain::{Scope, form::FormSchema};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Most forms of one organization, and of everybody: a list of one of them is read whole to be sorted by name.
pub const MAX_FORMS: usize = 1_000;

/// A form on record.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredForm {
    /// Its id.
    pub id: Uuid,
    /// Whose it is; `GLOBAL` is everybody's.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it is listed under.
    pub category: String,
    /// Whether a person confirms before it runs.
    pub confirm: bool,
    /// The workflow it runs.
    pub workflow: String,
    /// Whether it can be submitted.
    pub is_active: bool,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Its version.
    pub etag: Etag,
    document: String,
}

impl StoredForm {
    /// The form as it was saved.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is no form any more: another tool wrote it.
    pub fn schema(&self) -> Result<FormSchema, StoreError> {
        let corrupt = |fault: String| StoreError::Corrupt(format!("form {}: {fault}", self.id));
        let document: Value = serde_json::from_str(&self.document).map_err(|error| corrupt(error.to_string()))?;
        FormSchema::parse(&document).map_err(|faults| {
            let first = faults.first().map(|fault| format!("{} {}", fault.pointer, fault.detail));
            corrupt(first.unwrap_or_default())
        })
    }
}

/// The forms.
#[derive(Clone)]
pub struct Forms {
    journal: Journal,
    index: index::Index,
}

impl Forms {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, index: index::Index::default() }
    }

    /// Those of one scope that are readable, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list(&self, scope: Scope) -> Result<Vec<StoredForm>, StoreError> {
        let rows = self.rows(scope).await?;
        Ok(by_name(readable(Table::Forms, &rows, |row| read(scope, row))))
    }

    /// Those of one scope in no order, each with what keeps it from being read: for whoever must not miss one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn each_of(&self, scope: Scope) -> Result<Vec<Result<StoredForm, StoreError>>, StoreError> {
        Ok(self.rows(scope).await?.iter().map(|row| read(scope, row)).collect())
    }

    async fn rows(&self, scope: Scope) -> Result<Vec<Entity>, StoreError> {
        self.journal.tables.query_all(Table::Forms, Query::partition(scope.key())).await
    }

    /// The form with this id in exactly this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its row is not readable.
    pub async fn get(&self, scope: Scope, id: Uuid) -> Result<Option<StoredForm>, StoreError> {
        let row = self.journal.tables.get(Table::Forms, &scope.key(), &row_key(id)).await?;
        row.as_ref().map(|row| read(scope, row)).transpose()
    }

    /// Adds a form; it can be submitted at once.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the scope has as many as it may.
    pub async fn create(&self, scope: Scope, schema: &FormSchema, actor: &Actor) -> Result<StoredForm, StoreError> {
        retry(async || {
            let seen = self.version(scope).await?;
            let forms = self.rows(scope).await?.len();
            self.add(seen, forms, schema, actor).await
        })
        .await
    }

    /// Adds a form to those there are at this version.
    async fn add(
        &self,
        seen: FormsVersion,
        forms: usize,
        schema: &FormSchema,
        actor: &Actor,
    ) -> Result<StoredForm, StoreError> {
        if forms >= MAX_FORMS {
            return Err(StoreError::Limit(format!("there are {MAX_FORMS} forms here, and that is the most")));
        }
        let form = self.blank(seen.scope(), actor).holding(schema);
        let details = json!({ "after": describe(&form) });
        let mut guards = self.journal.open(seen.scope()).await?;
        guards.push(seen.guard());
        self.store((form, None), guards, actor, "Form.Create", details).await
    }

    /// What saving a form writes over `before`, for a commit that holds more and has [`Self::moved`] once.
    pub(super) fn writes(
        &self,
        scope: Scope,
        before: Option<&StoredForm>,
        schema: &FormSchema,
        is_active: bool,
        actor: &Actor,
    ) -> Vec<TableWrite> {
        let (now, blank) = (self.journal.clock.now(), || self.blank(scope, actor));
        let form = before.cloned().unwrap_or_else(blank).holding(schema);
        let form = StoredForm { is_active, updated_by: actor.key(), updated_at: now, ..form };
        let (action, details) = match before {
            Some(before) => ("Form.Update", described::change(&describe(before), &describe(&form))),
            None => ("Form.Create", json!({ "after": describe(&form) })),
        };
        self.change_of(&form, before.map(|before| before.etag.clone()), actor, action, details)
    }

    /// What a commit that changes forms of a scope writes besides.
    pub(super) fn moved(&self, scope: Scope) -> TableWrite {
        index::moved(scope)
    }

    /// A new form that says nothing yet.
    fn blank(&self, scope: Scope, actor: &Actor) -> StoredForm {
        let now = self.journal.clock.now();
        StoredForm {
            id: Uuid::new_v4(),
            scope,
            name: String::new(),
            description: String::new(),
            category: String::new(),
            confirm: false,
            workflow: String::new(),
            is_active: true,
            created_by: actor.key(),
            created_at: now,
            updated_by: actor.key(),
            updated_at: now,
            etag: Etag(String::new()),
            document: String::new(),
        }
    }

    fn change_of(
        &self,
        form: &StoredForm,
        current: Option<Etag>,
        actor: &Actor,
        action: &str,
        details: Value,
    ) -> Vec<TableWrite> {
        let draft = AuditDraft::new(form.scope, actor, action, row_key(form.id), described::fitting(details));
        vec![(Table::Forms, write_over(current, row(form))), self.journal.audit.row(draft)]
    }

    /// Replaces what a form says. `if_match` of `None` takes whatever version is there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::PreconditionFailed`] when `if_match` is stale.
    pub async fn replace(
        &self,
        (scope, id): (Scope, Uuid),
        schema: &FormSchema,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredForm, StoreError> {
        self.change((scope, id), if_match, actor, |form| form.holding(schema)).await
    }

    /// Says whether a form can be submitted.
    ///
    /// # Errors
    /// As for [`Self::replace`].
    pub async fn set_active(
        &self,
        (scope, id): (Scope, Uuid),
        is_active: bool,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredForm, StoreError> {
        self.change((scope, id), if_match, actor, |form| StoredForm { is_active, ..form }).await
    }

    async fn change(
        &self,
        (scope, id): (Scope, Uuid),
        if_match: Option<&Etag>,
        actor: &Actor,
        changed: impl Fn(StoredForm) -> StoredForm,
    ) -> Result<StoredForm, StoreError> {
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let (current, described) = (before.etag.clone(), describe(&before));
            let mut after = changed(before);
            after.updated_by = actor.key();
            after.updated_at = self.journal.clock.now();
            let details = described::change(&described, &describe(&after));
            self.store((after, Some(current)), Vec::new(), actor, "Form.Update", details).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    /// Removes a form; what ran from it stays on record.
    ///
    /// # Errors
    /// As for [`Self::replace`].
    pub async fn delete(
        &self,
        (scope, id): (Scope, Uuid),
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let attempt = async || {
            let before = self.get(scope, id).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let details = described::fitting(json!({ "before": describe(&before) }));
            let writes = vec![
                (Table::Forms, Write::delete(scope.key(), row_key(id), IfMatch::Etag(before.etag))),
                self.journal.audit.row(AuditDraft::new(scope, actor, "Form.Delete", row_key(id), details)),
                index::moved(scope),
            ];
            self.journal.tables.commit(Commit::of(writes)).await.map(Some)
        };
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    async fn store(
        &self,
        (mut form, current): (StoredForm, Option<Etag>),
        guards: Vec<Guard>,
        actor: &Actor,
        action: &str,
        details: Value,
    ) -> Result<StoredForm, StoreError> {
        let mut writes = self.change_of(&form, current, actor, action, details);
        writes.push(index::moved(form.scope));
        match self.journal.tables.commit_etags(Commit { writes, guards }).await?.into_iter().next().flatten() {
            Some(etag) => form.etag = etag,
            None => form = self.get(form.scope, form.id).await?.ok_or(StoreError::NotFound)?,
        }
        Ok(form)
    }
}

impl StoredForm {
    /// The same form saying what `schema` says.
    fn holding(self, schema: &FormSchema) -> Self {
        Self {
            name: schema.name.clone(),
            description: schema.description.clone(),
            category: schema.category.clone(),
            confirm: schema.confirm,
            workflow: schema.workflow.clone(),
            document: serde_json::to_string(schema).expect("a form always serialises"),
            ..self
        }
    }
}

fn by_name(mut forms: Vec<StoredForm>) -> Vec<StoredForm> {
    forms.sort_by_cached_key(|form| (form.name.to_lowercase(), form.id));
    forms
}

/// Whether a row of the table is a form.
pub(super) fn check(row: &Entity) -> Result<(), StoreError> {
    let scope = Scope::from_key(&row.partition_key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    read(scope, row)?.schema().map(drop)
}

fn row_key(id: Uuid) -> String {
    id.hyphenated().to_string()
}

/// What the audit trail says: the whole document, since that is what was changed.
fn describe(form: &StoredForm) -> Value {
    json!({ "is_active": form.is_active, "form": serde_json::from_str::<Value>(&form.document).unwrap_or_default() })
}

fn row(form: &StoredForm) -> Entity {
    Entity::new(form.scope.key(), row_key(form.id))
        .with("Name", form.name.as_str())
        .with("Description", form.description.as_str())
        .with("Category", form.category.as_str())
        .with("Confirm", form.confirm)
        .with("FormSchema", form.document.as_str())
        .with("LinkedWorkflow", form.workflow.as_str())
        .with("IsActive", form.is_active)
        .with("CreatedBy", form.created_by.as_str())
        .with("CreatedAt", form.created_at)
        .with("UpdatedBy", form.updated_by.as_str())
        .with("UpdatedAt", form.updated_at)
}

fn read(scope: Scope, row: &Entity) -> Result<StoredForm, StoreError> {
    let text = |name: &str| row.text_opt(name).map(|text| text.unwrap_or_default().to_owned());
    let created_at = row.instant("CreatedAt")?;
    let document = row.text("FormSchema")?;
    let confirm = match row.properties.contains_key("Confirm") {
        true => row.flag("Confirm")?,
        false => says_confirm(document),
    };
    Ok(StoredForm {
        id: row.row_key.parse().map_err(|_| StoreError::Corrupt(format!("form {} has no GUID", row.row_key)))?,
        scope,
        name: row.text("Name")?.to_owned(),
        description: text("Description")?,
        category: text("Category")?,
        confirm,
        workflow: row.text("LinkedWorkflow")?.to_owned(),
        is_active: row.flag("IsActive")?,
        created_by: text("CreatedBy")?,
        created_at,
        updated_by: text("UpdatedBy")?,
        updated_at: row.instant_opt("UpdatedAt")?.unwrap_or(created_at),
        etag: etag_of(row)?,
        document: document.to_owned(),
    })
}

/// What the document of a row without the property says: other tools and earlier versions write it nowhere else.
fn says_confirm(document: &str) -> bool {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        confirm: bool,
    }
    serde_json::from_str::<Document>(document).is_ok_and(|document| document.confirm)
}
