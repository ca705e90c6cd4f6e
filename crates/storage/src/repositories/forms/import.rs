//! Bringing in one form: its name says which one is meant.

use super::{Forms, StoredForm, read};
use crate::repositories::{Actor, readable, retry};
use crate::{StoreError, Table};
use msp_domain::{Scope, form::FormSchema};
use uuid::Uuid;

/// What became of a form that was brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// There was none of its name; `None`: there would be one now.
    Created(Option<Uuid>),
    /// The form of its name says something else now.
    Updated(Uuid),
    /// The form of its name said exactly this.
    Unchanged(Uuid),
    /// So many have its name that nobody can say which is meant.
    Ambiguous(usize),
}

impl Forms {
    /// Replaces the form of this name, or creates it; `dry_run` only says which. However many do so at once, there is one
    /// form of the name afterwards: what is created rests on the version of the list it was looked for in.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the scope has as many forms as it may.
    pub async fn import(
        &self,
        scope: Scope,
        schema: &FormSchema,
        dry_run: bool,
        actor: &Actor,
    ) -> Result<Imported, StoreError> {
        retry(async || {
            let seen = self.version(scope).await?;
            let rows = self.rows(scope).await?;
            let forms = readable(Table::Forms, &rows, |row| read(scope, row));
            let named: Vec<&StoredForm> = forms.iter().filter(|form| form.name == schema.name).collect();
            match named.as_slice() {
                [] if dry_run => Ok(Imported::Created(None)),
                [] => self.add(seen, rows.len(), schema, actor).await.map(|form| Imported::Created(Some(form.id))),
                [same] if same.says(schema)? => Ok(Imported::Unchanged(same.id)),
                [other] => {
                    if !dry_run {
                        self.replace((scope, other.id), schema, Some(&other.etag), actor).await?;
                    }
                    Ok(Imported::Updated(other.id))
                }
                several => Ok(Imported::Ambiguous(several.len())),
            }
        })
        .await
    }
}

impl StoredForm {
    /// Whether it says exactly this. One that cannot be read does not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn says(&self, schema: &FormSchema) -> Result<bool, StoreError> {
        match self.schema() {
            Ok(says) => Ok(says == *schema),
            Err(StoreError::Corrupt(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
