//! Files of executions: those they were given, and those they wrote. They go when the execution goes.

use super::{FileWriter, Files, StoredFile, TakenUpload, rows, rows::State};
use crate::repositories::paging::{Scan, page};
use crate::repositories::{Listing, etag_of};
use crate::{Entity, IfMatch, Query, StoreError, Table, TableWrite, Write};
use msp_domain::{ExecutionId, Scope};
use uuid::Uuid;

/// Most files of one execution.
pub const MAX_FILES: usize = 200;
/// Most bytes of all files of one execution.
pub const MAX_TOTAL_BYTES: u64 = 500 * 1024 * 1024;
/// Files removed before more are looked for.
const REMOVED_AT_ONCE: usize = 100;

/// Where a file of an execution comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSource {
    /// It was submitted.
    Input,
    /// The workflow wrote it.
    Output,
}

impl FileSource {
    /// The name on record and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// A file of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionFile {
    /// The file.
    pub file: StoredFile,
    /// Where it comes from.
    pub source: FileSource,
    /// The field it was submitted in.
    pub field: Option<String>,
}

/// A file a workflow is about to write.
#[derive(Debug, Clone)]
pub struct NewOutput {
    /// Which execution.
    pub execution: ExecutionId,
    /// Where that runs.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
    /// What the workflow says it is.
    pub content_type: String,
    /// How many bytes there will be.
    pub size_bytes: u64,
}

/// Why a file was not begun.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The execution has as many as it may have.
    #[error("an execution has at most {MAX_FILES} files")]
    TooMany,
    /// Its files are as large as they may be.
    #[error("the files of an execution have at most {MAX_TOTAL_BYTES} bytes together")]
    TooLarge,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Files {
    /// A page of the files of an execution, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the cursor is not one of this list.
    pub async fn of_execution(
        &self,
        execution: ExecutionId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listing<ExecutionFile>, StoreError> {
        let query = Query::partition(execution.key());
        let whole = |row: Entity| match State::of(&row) {
            State::Whole => read(&row).map(Some),
            State::Partial => Ok(None),
        };
        let scan = Scan::AtMost(2 * MAX_FILES);
        page(self.journal.tables.as_ref(), Table::ExecutionFiles, query, cursor, limit, scan, whole).await
    }

    /// A file of an execution.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not readable.
    pub async fn execution_file(&self, execution: ExecutionId, id: Uuid) -> Result<Option<ExecutionFile>, StoreError> {
        let row = self.journal.tables.get(Table::ExecutionFiles, &execution.key(), &rows::key(id)).await?;
        row.filter(|row| State::of(row) == State::Whole).as_ref().map(read).transpose()
    }

    /// Begins a file that a workflow writes. Its one engine begins them one after the other.
    ///
    /// # Errors
    /// [`OutputError`]; then nothing was written.
    pub async fn begin_output(&self, new: &NewOutput) -> Result<FileWriter, OutputError> {
        let rows = self.journal.tables.query_all(Table::ExecutionFiles, Query::partition(new.execution.key())).await?;
        if rows.len() >= MAX_FILES {
            return Err(OutputError::TooMany);
        }
        let sizes: Result<Vec<u64>, StoreError> = rows.iter().map(rows::size_of).collect();
        if sizes?.into_iter().fold(new.size_bytes, u64::saturating_add) > MAX_TOTAL_BYTES {
            return Err(OutputError::TooLarge);
        }
        let (id, now) = (self.new_id(), self.journal.clock.now());
        let row = rows::partial((new.execution.key(), id), &new.name, &new.content_type, new.size_bytes, now)
            .with("Source", FileSource::Output.name())
            .with_some("OrgId", new.scope.org().map(|org| org.as_uuid()));
        self.journal.tables.write(Table::ExecutionFiles, Write::Insert(row)).await?;
        Ok(FileWriter::new(self.blobs.clone(), id, new.size_bytes))
    }

    /// Ends a file that a workflow writes: from now on it is there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was removed meanwhile; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn complete_output(
        &self,
        execution: ExecutionId,
        writer: FileWriter,
    ) -> Result<ExecutionFile, StoreError> {
        let key = rows::key(writer.id());
        let written = writer.finish().await?;
        let tables = &self.journal.tables;
        let row = tables.get(Table::ExecutionFiles, &execution.key(), &key).await?.ok_or(StoreError::NotFound)?;
        let etag = etag_of(&row)?;
        let row = rows::whole(row, &written);
        let file = read(&row)?;
        tables.write(Table::ExecutionFiles, Write::Replace(row, IfMatch::Etag(etag))).await?;
        Ok(file)
    }

    /// Removes a file that could not be written to its end.
    ///
    /// # Errors
    /// [`StoreError`]; it then goes with its execution.
    pub async fn abandon_output(&self, execution: ExecutionId, id: Uuid) -> Result<(), StoreError> {
        self.remove_parts(id).await?;
        self.remove_row(&execution.key(), &rows::key(id)).await
    }

    /// Removes every file of an execution, bytes first: interrupted anywhere, the same call goes on.
    ///
    /// # Errors
    /// [`StoreError`]; safe to repeat.
    pub async fn remove_all(&self, execution: ExecutionId) -> Result<(), StoreError> {
        let mut query = Query::partition(execution.key()).limit(REMOVED_AT_ONCE);
        loop {
            let page = self.journal.tables.query(Table::ExecutionFiles, query.clone()).await?;
            for row in &page.entities {
                // A key that is no id has no bytes.
                if let Ok(id) = rows::id_of(row) {
                    self.remove_parts(id).await?;
                }
                self.remove_row(&row.partition_key, &row.row_key).await?;
            }
            match page.continuation {
                Some(next) => query.continuation = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn remove_row(&self, partition_key: &str, row_key: &str) -> Result<(), StoreError> {
        let delete = Write::delete(partition_key, row_key, IfMatch::Any);
        match self.journal.tables.write(Table::ExecutionFiles, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The writes by which an upload becomes a file of an execution, for the commit that records it. The claim comes first:
/// interrupted behind it, the file is lost to everybody rather than in two places.
pub(in crate::repositories) fn taken(execution: ExecutionId, taken: &TakenUpload) -> [TableWrite; 2] {
    let file = &taken.upload.file;
    let row =
        rows::partial((execution.key(), file.id), &file.name, &file.content_type, file.size_bytes, file.created_at);
    let written =
        super::writer::Written { parts: file.parts.clone(), size_bytes: file.size_bytes, sha256: file.sha256.clone() };
    let row = rows::whole(row, &written)
        .with("Source", FileSource::Input.name())
        .with("Field", taken.field.as_str())
        .with_some("OrgId", taken.upload.scope.org().map(|org| org.as_uuid()));
    [taken.upload.claim(), (Table::ExecutionFiles, Write::UpsertReplace(row))]
}

fn read(row: &Entity) -> Result<ExecutionFile, StoreError> {
    let source = match row.text("Source")? {
        "input" => FileSource::Input,
        "output" => FileSource::Output,
        other => return Err(StoreError::Corrupt(format!("file {} comes from `{other}`", row.row_key))),
    };
    Ok(ExecutionFile { file: rows::read(row)?, source, field: row.text_opt("Field")?.map(str::to_owned) })
}
