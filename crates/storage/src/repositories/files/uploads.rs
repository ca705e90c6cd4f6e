//! Uploads: files of one caller for one organization, until an execution takes them or a day has passed.

use super::{FileWriter, Files, StoredFile, rows, rows::State};
use crate::repositories::audit::AuditDraft;
use crate::repositories::executions::rows::scope_of;
use crate::repositories::{Actor, Interfered, etag_of, forget_row, if_readable, readable, retry, write_over};
use crate::{Commit, Comparison, Entity, Etag, Filter, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Duration, Utc};
use msp_domain::{OrgId, Scope, UserId};
use serde_json::json;
use uuid::Uuid;

/// How long an upload waits for a submission.
pub const KEPT: Duration = Duration::hours(24);
/// How long one may take to arrive: more than the server waits for it.
const RECEIVED_WITHIN: Duration = Duration::hours(1);
/// Most uploads of one caller that wait or arrive at a time.
pub const MAX_WAITING: usize = 50;
/// Most bytes of one caller that wait or arrive at a time.
pub const MAX_WAITING_BYTES: u64 = 200 * 1024 * 1024;

/// Sorts after every upload. Written with each new one, so that two of them never count the same bytes as free.
const TURN: &str = "~turn";
/// Uploads that one pass of a sweep looks at before it asks for more.
const SWEEP_PAGE: usize = 100;

/// An upload that is about to arrive.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Whose.
    pub user: UserId,
    /// What for.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
    /// What its sender says it is.
    pub content_type: String,
    /// How many bytes there will be at most.
    pub size_bytes: u64,
}

/// An upload that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub file: StoredFile,
    /// Whose.
    pub user: UserId,
    /// What for.
    pub scope: Scope,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    pub(super) etag: Etag,
}

/// An upload that an execution takes for one of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenUpload {
    /// The upload.
    pub upload: Upload,
    /// The field.
    pub field: String,
}

/// Why an upload was not begun.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The caller has too many, or too large ones, waiting.
    #[error("too many uploads wait already")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Interfered for UploadError {
    fn interfered(&self) -> bool {
        matches!(self, Self::Store(error) if error.interfered())
    }
}

impl Files {
    /// Begins an upload. From here on its bytes count, though none has arrived.
    ///
    /// # Errors
    /// [`UploadError`]; then nothing was written.
    pub async fn begin_upload(&self, new: &NewUpload) -> Result<FileWriter, UploadError> {
        let (id, user) = (self.new_id(), new.user.key());
        let attempt = async || {
            let now = self.journal.clock.now();
            let mut turn = None;
            let (mut count, mut bytes) = (0, new.size_bytes);
            for row in self.journal.tables.query_all(Table::Uploads, Query::partition(user.as_str())).await? {
                if row.row_key == TURN {
                    turn = Some(etag_of(&row)?);
                } else if row.instant("ExpiresAt").map_or(true, |expires_at| expires_at > now) {
                    // One that is not readable may still be there.
                    count += 1;
                    bytes = bytes.saturating_add(rows::size_of(&row).unwrap_or(0));
                }
            }
            if count >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
                return Err(UploadError::TooMany);
            }
            let row = rows::partial((user.clone(), id), &new.name, &new.content_type, new.size_bytes, now)
                .with_some("OrgId", new.scope.org().map(|org| org.as_uuid()))
                .with("ExpiresAt", now + RECEIVED_WITHIN);
            let writes = vec![
                (Table::Uploads, write_over(turn, Entity::new(user.as_str(), TURN).with("UpdatedAt", now))),
                (Table::Uploads, Write::Insert(row)),
            ];
            Ok(self.journal.tables.commit(Commit::of(writes)).await?)
        };
        retry(attempt).await?;
        Ok(FileWriter::new(self.blobs.clone(), id, new.size_bytes))
    }

    /// Ends an upload: from now on it waits.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::PreconditionFailed`] when it was removed meanwhile;
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn complete_upload(&self, user: UserId, writer: FileWriter, actor: &Actor) -> Result<Upload, StoreError> {
        let key = rows::key(writer.id());
        let written = writer.finish().await?;
        let row = self.journal.tables.get(Table::Uploads, &user.key(), &key).await?.ok_or(StoreError::NotFound)?;
        let etag = etag_of(&row)?;
        let row = rows::whole(row, &written).with("ExpiresAt", self.journal.clock.now() + KEPT);
        let draft = AuditDraft::new(scope_of(&row)?, actor, "Upload.Create", key.as_str(), described(&row, "after")?);
        let writes = vec![(Table::Uploads, Write::Replace(row, IfMatch::Etag(etag))), self.journal.audit.row(draft)];
        self.journal.tables.commit(Commit::of(writes)).await?;
        let row = self.journal.tables.get(Table::Uploads, &user.key(), &key).await?.ok_or(StoreError::NotFound)?;
        read(user, &row)
    }

    /// Removes what an interrupted upload left behind; it was never there for anybody.
    ///
    /// # Errors
    /// [`StoreError`]; the sweep tries again.
    pub async fn abandon_upload(&self, user: UserId, id: Uuid) -> Result<(), StoreError> {
        self.remove_parts(id).await?;
        let delete = Write::delete(user.key(), rows::key(id), IfMatch::Any);
        match self.journal.tables.write(Table::Uploads, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The uploads of a caller that wait for a submission of this scope, oldest first. At most [`MAX_WAITING`]; what is not
    /// readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn uploads(&self, user: UserId, scope: Scope) -> Result<Vec<Upload>, StoreError> {
        let now = self.journal.clock.now();
        let query = Query { row_before: Some("~".to_owned()), ..Query::partition(user.key()) };
        let rows = self.journal.tables.query_all(Table::Uploads, query).await?;
        let whole: Vec<Entity> = rows.into_iter().filter(|row| State::of(row) == State::Whole).collect();
        let uploads = readable(Table::Uploads, &whole, |row| read(user, row));
        Ok(uploads.into_iter().filter(|upload| upload.scope == scope && upload.expires_at > now).collect())
    }

    /// An upload of this caller that waits for a submission of this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not readable.
    pub async fn upload(&self, user: UserId, scope: Scope, id: Uuid) -> Result<Option<Upload>, StoreError> {
        let Some(row) = self.journal.tables.get(Table::Uploads, &user.key(), &rows::key(id)).await? else {
            return Ok(None);
        };
        if State::of(&row) == State::Partial {
            return Ok(None);
        }
        let upload = read(user, &row)?;
        Ok(Some(upload).filter(|upload| upload.scope == scope && upload.expires_at > self.journal.clock.now()))
    }

    /// Removes an upload that waits.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or an execution took it this moment.
    pub async fn remove_upload(&self, upload: &Upload, actor: &Actor) -> Result<(), StoreError> {
        let row = self.journal.tables.get(Table::Uploads, &upload.user.key(), &rows::key(upload.file.id)).await?;
        self.discard(&row.ok_or(StoreError::NotFound)?, actor, "Upload.Delete").await
    }

    /// Removes the uploads that have expired, those that never arrived whole included. One that is not readable is named in
    /// the log and keeps no other. Interrupted anywhere, it goes on where it was when it is called again.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed until then is gone.
    pub async fn sweep_uploads(&self) -> Result<(), StoreError> {
        let expired = Filter::Compare("ExpiresAt".to_owned(), Comparison::Le, self.journal.clock.now().into());
        self.discard_all(expired, &Actor::PLATFORM, "Upload.Expire").await
    }

    /// Removes the uploads that wait for a submission of this scope, those that are arriving included: for an organization
    /// that goes. As for [`Self::sweep_uploads`], and what is not readable goes with the rest.
    pub(in crate::repositories) async fn remove_uploads(&self, scope: Scope, actor: &Actor) -> Result<(), StoreError> {
        let Some(org) = scope.org() else { return Ok(()) };
        self.discard_all(of_org(org), actor, "Upload.Delete").await?;
        let tables = self.journal.tables.as_ref();
        let of_it = Query { filter: Some(of_org(org)), ..Query::default() };
        for row in tables.query_all(Table::Uploads, of_it).await? {
            // A key that is no id has no bytes.
            if let Ok(id) = rows::id_of(&row) {
                self.remove_parts(id).await?;
            }
            forget_row(tables, Table::Uploads, &row.partition_key, &row.row_key).await?;
        }
        Ok(())
    }

    /// How many uploads of an organization there are.
    pub(in crate::repositories) async fn count_uploads(&self, org: OrgId) -> Result<usize, StoreError> {
        let query = Query { filter: Some(of_org(org)), ..Query::default() };
        Ok(self.journal.tables.query_all(Table::Uploads, query).await?.len())
    }

    async fn discard_all(&self, which: Filter, actor: &Actor, action: &str) -> Result<(), StoreError> {
        let mut query = Query { filter: Some(which), ..Query::default() }.limit(SWEEP_PAGE);
        loop {
            let page = self.journal.tables.query(Table::Uploads, query.clone()).await?;
            for row in &page.entities {
                match self.discard(row, actor, action).await {
                    // Taken, or removed by somebody else, this moment.
                    Ok(()) | Err(StoreError::NotFound) => {}
                    Err(error @ StoreError::Corrupt(_)) => drop(if_readable::<()>(Table::Uploads, row, Err(error))),
                    Err(error) => return Err(error),
                }
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Hides an upload from submissions, on record, then removes its bytes, then its row.
    async fn discard(&self, row: &Entity, actor: &Actor, action: &str) -> Result<(), StoreError> {
        let id = rows::id_of(row)?;
        if State::of(row) == State::Whole {
            let draft = AuditDraft::new(scope_of(row)?, actor, action, row.row_key.as_str(), described(row, "before")?);
            let hide = Write::Merge(rows::hidden(row), IfMatch::Etag(etag_of(row)?));
            let writes = vec![(Table::Uploads, hide), self.journal.audit.row(draft)];
            match self.journal.tables.commit(Commit::of(writes)).await {
                Err(StoreError::PreconditionFailed) => return Err(StoreError::NotFound),
                outcome => outcome?,
            }
        }
        self.remove_parts(id).await?;
        let delete = Write::delete(row.partition_key.as_str(), row.row_key.as_str(), IfMatch::Any);
        match self.journal.tables.write(Table::Uploads, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Upload {
    /// The write that takes it away from everybody else: of any number of submissions, one succeeds.
    pub(in crate::repositories) fn claim(&self) -> TableWrite {
        let if_match = IfMatch::Etag(self.etag.clone());
        (Table::Uploads, Write::delete(self.user.key(), rows::key(self.file.id), if_match))
    }
}

/// Whether an upload is readable as far as its state asks for.
pub(in crate::repositories) fn check_upload(row: &Entity) -> Result<(), StoreError> {
    rows::id_of(row)?;
    row.instant("ExpiresAt")?;
    if State::of(row) == State::Whole { read(UserId::from(Uuid::nil()), row).map(drop) } else { Ok(()) }
}

fn described(row: &Entity, when: &str) -> Result<serde_json::Value, StoreError> {
    let file = rows::read(row)?;
    let facts = json!({
        "name": file.name, "content_type": file.content_type, "size_bytes": file.size_bytes, "sha256": file.sha256,
    });
    Ok(json!({ when: facts }))
}

fn read(user: UserId, row: &Entity) -> Result<Upload, StoreError> {
    Ok(Upload {
        file: rows::read(row)?,
        user,
        scope: scope_of(row)?,
        expires_at: row.instant("ExpiresAt")?,
        etag: etag_of(row)?,
    })
}

fn of_org(org: OrgId) -> Filter {
    Filter::Compare("OrgId".to_owned(), Comparison::Eq, org.as_uuid().into())
}
