//! Long logs, packed: once an execution has ended, its lines move from rows to blobs, chunk by chunk.
//!
//! A row `~pack_{last seq:8}` in the execution's partition of `ExecutionLogs` is the index entry of a chunk: from then on the
//! blob has those lines, whatever rows are left. So the order is blob, index, rows; interrupted anywhere, every line is
//! read exactly once, and doing it again goes on from there. Which logs wait for it is a row of `ActiveExecutions`, written
//! with the ending itself.

use super::{Executions, content_name, logs::BEHIND_LINES, record::Execution};
use crate::repositories::readable;
use crate::{Commit, Entity, IfMatch, Query, StoreError, Table, TableWrite, Write, limits};
use bytes::Bytes;
use msp_domain::{ExecutionId, LogLine};

/// A log of more lines than this is packed: one page of lines is not worth a blob.
pub const LOG_LINES_IN_ROWS: u64 = limits::MAX_PAGE as u64;
/// Largest chunk, unless it is a single line: reading a page reads the chunk it is in, and a page of usual lines is half
/// as large.
const CHUNK_BYTES: usize = 256 * 1024;
/// Where the logs that wait are listed.
pub(in crate::repositories) const PACKING_PARTITION: &str = "PACKING";
/// What the keys of index entries begin with.
pub(in crate::repositories) const INDEX_PREFIX: &str = "~pack_";

/// Successive lines of a log in one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    id: ExecutionId,
    first_seq: u64,
    last_seq: u64,
    lines: u64,
    path: String,
}

impl LogChunk {
    /// Where its lines are.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Executions {
    /// The executions whose logs wait to be packed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn logs_to_pack(&self) -> Result<Vec<ExecutionId>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, Query::partition(PACKING_PARTITION)).await?;
        Ok(readable(Table::ActiveExecutions, &rows, |row| execution_of(&row.row_key)))
    }

    /// Puts the next lines of an ended execution into a blob; `None` when every line is in the index. Nobody reads the
    /// blob before [`Self::index_chunk`]; its name follows from its content, so that doing this again is harmless.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a line is not readable; [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn store_chunk(&self, id: ExecutionId) -> Result<Option<LogChunk>, StoreError> {
        let mut content = Vec::new();
        let mut chunk =
            LogChunk { id, first_seq: 0, last_seq: self.packed_through(id).await?, lines: 0, path: String::new() };
        'gather: loop {
            let lines = self.rows_of_log(id, chunk.last_seq, limits::MAX_BATCH_WRITES).await?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                let json = serde_json::to_vec(&line).map_err(|error| StoreError::Corrupt(error.to_string()))?;
                if chunk.lines > 0 && content.len() + json.len() >= CHUNK_BYTES {
                    break 'gather;
                }
                content.extend(json);
                content.push(b'\n');
                chunk.first_seq = if chunk.lines == 0 { line.seq } else { chunk.first_seq };
                chunk.last_seq = line.seq;
                chunk.lines += 1;
            }
        }
        if chunk.lines == 0 {
            return Ok(None);
        }
        chunk.path = path(id, chunk.first_seq, &content);
        self.blobs.put(&chunk.path, Bytes::from(content)).await?;
        Ok(Some(chunk))
    }

    /// Writes the index entry of a chunk: its lines are now read from the blob.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the log does not wait to be packed any more, because its execution was removed: the
    /// blob goes too. [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn index_chunk(&self, chunk: &LogChunk) -> Result<(), StoreError> {
        let entry = Entity::new(chunk.id.key(), index_key(chunk.last_seq))
            .with("FirstSeq", i64::try_from(chunk.first_seq).unwrap_or(i64::MAX))
            .with("LastSeq", i64::try_from(chunk.last_seq).unwrap_or(i64::MAX))
            .with("Lines", i64::try_from(chunk.lines).unwrap_or(i64::MAX))
            .with("LinesBlob", chunk.path.as_str());
        let waits = Write::Merge(Entity::new(PACKING_PARTITION, chunk.id.key()), IfMatch::Any);
        let writes = vec![(Table::ActiveExecutions, waits), (Table::ExecutionLogs, Write::UpsertReplace(entry))];
        let indexed = self.journal.tables.commit(Commit::of(writes)).await;
        if matches!(indexed, Err(StoreError::NotFound)) {
            self.blobs.delete(&chunk.path).await?;
        }
        indexed
    }

    /// Removes the rows of lines that the index has.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn drop_indexed_rows(&self, id: ExecutionId) -> Result<(), StoreError> {
        let through = i64::try_from(self.packed_through(id).await?).unwrap_or(i64::MAX);
        if through == 0 {
            return Ok(());
        }
        let lines = Query { row_before: Some(BEHIND_LINES.to_owned()), ..Query::partition(id.key()) };
        let mut query = lines.limit(limits::MAX_BATCH_WRITES);
        loop {
            let page = self.journal.tables.query(Table::ExecutionLogs, query.clone()).await?;
            let mut deletes = Vec::new();
            for row in &page.entities {
                if row.int("Seq")? <= through {
                    deletes.push(Write::delete(row.partition_key.as_str(), row.row_key.as_str(), IfMatch::Any));
                }
            }
            let reached_others = deletes.len() < page.entities.len();
            if !deletes.is_empty() {
                self.journal.tables.batch(Table::ExecutionLogs, deletes).await?;
            }
            match page.continuation {
                Some(next) if !reached_others => query.continuation = Some(next),
                _ => return Ok(()),
            }
        }
    }

    /// Says that nothing of this log is left to pack.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; safe to repeat.
    pub async fn log_is_packed(&self, id: ExecutionId) -> Result<(), StoreError> {
        let done = Write::delete(PACKING_PARTITION, id.key(), IfMatch::Any);
        match self.journal.tables.write(Table::ActiveExecutions, done).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The last line in the index; 0: none.
    async fn packed_through(&self, id: ExecutionId) -> Result<u64, StoreError> {
        let index = Query::partition(id.key()).rows_with_prefix(INDEX_PREFIX);
        let entries = self.journal.tables.query_all(Table::ExecutionLogs, index).await?;
        entries.last().map_or(Ok(0), |entry| read(id, entry).map(|chunk| chunk.last_seq))
    }

    /// The chunk with the first line behind `after`; `None` when the index ends before.
    pub(super) async fn chunk_behind(&self, id: ExecutionId, after: u64) -> Result<Option<LogChunk>, StoreError> {
        let index = Query::partition(id.key()).rows_with_prefix(INDEX_PREFIX);
        let mut query = Query { row_from: Some(index_key(after.saturating_add(1))), ..index.limit(1) };
        loop {
            let page = self.journal.tables.query(Table::ExecutionLogs, query.clone()).await?;
            match (page.entities.first(), page.continuation) {
                (Some(entry), _) => return read(id, entry).map(Some),
                (None, Some(next)) => query.continuation = Some(next),
                (None, None) => return Ok(None),
            }
        }
    }

    /// The lines of a chunk with `seq > after`, at most `limit`, at least one.
    pub(super) async fn read_chunk(
        &self,
        chunk: &LogChunk,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LogLine>, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("{} does not hold the lines it was written with", chunk.path));
        // The execution is there: that a part of its log is not must not look as if there were no such execution.
        let content = self.blobs.get(&chunk.path).await?.ok_or_else(corrupt)?;
        if path(chunk.id, chunk.first_seq, &content) != chunk.path {
            return Err(corrupt());
        }
        // In a log without gaps the position says how many lines come before: they need not be parsed.
        let has_gaps = chunk.last_seq.saturating_sub(chunk.first_seq).saturating_add(1) != chunk.lines;
        let before = if has_gaps { 0 } else { after.saturating_add(1).saturating_sub(chunk.first_seq) };
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        for json in content.split(|byte| *byte == b'\n').filter(|json| !json.is_empty()).skip(before) {
            let line: LogLine = serde_json::from_slice(json).map_err(|_| corrupt())?;
            lines.extend(Some(line).filter(|line| line.seq > after));
            if lines.len() == limit {
                break;
            }
        }
        if lines.is_empty() { Err(corrupt()) } else { Ok(lines) }
    }
}

/// Lists the log of an execution that is about to end, if it is long enough to be packed.
pub(super) fn to_pack(ended: &Execution) -> Option<TableWrite> {
    let entry = Entity::new(PACKING_PARTITION, ended.id.key());
    (ended.logs_through > LOG_LINES_IN_ROWS).then_some((Table::ActiveExecutions, Write::UpsertReplace(entry)))
}

/// The execution whose key this is.
pub(in crate::repositories) fn execution_of(key: &str) -> Result<ExecutionId, StoreError> {
    key.parse().map_err(|_| StoreError::Corrupt(format!("{key} is no execution")))
}

fn index_key(last_seq: u64) -> String {
    format!("{INDEX_PREFIX}{last_seq:08}")
}

fn path(id: ExecutionId, first_seq: u64, content: &[u8]) -> String {
    format!("executions/{id}/log-{first_seq:08}-{}.jsonl", content_name(content))
}

fn read(id: ExecutionId, entry: &Entity) -> Result<LogChunk, StoreError> {
    let number = |name: &str| {
        let corrupt = |_| StoreError::Corrupt(format!("log chunk {} has a bad `{name}`", entry.row_key));
        u64::try_from(entry.int(name)?).map_err(corrupt)
    };
    Ok(LogChunk {
        id,
        first_seq: number("FirstSeq")?,
        last_seq: number("LastSeq")?,
        lines: number("Lines")?,
        path: entry.text("LinesBlob")?.to_owned(),
    })
}
