//! Log lines: PK execution id, RK `{epoch:6}_{seq:8}`, so they read in the order they were written. Those of a long log
//! move to blobs once its execution has ended (`packing.rs`).

use super::Executions;
use super::record::Execution;
use crate::{Entity, Query, StoreError, Table, Write, limits};
use msp_domain::{ExecutionId, LogLevel, LogLine};

/// A batch is closed before it reaches the store's 4 MiB.
const MAX_BATCH_BYTES: usize = limits::MAX_BATCH_BYTES - limits::MAX_ENTITY_BYTES;
/// Sorts behind every line.
pub(super) const BEHIND_LINES: &str = "~";
/// Longest source (a logger's name), in UTF-16 units.
const MAX_SOURCE: usize = 1_000;

impl Executions {
    /// Appends log lines of the execution's current epoch. Repeating a call is harmless.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`]; lines of the first batches may then be stored.
    pub async fn append_logs(&self, execution: &Execution, lines: &[LogLine]) -> Result<(), StoreError> {
        let mut batch: Vec<Write> = Vec::new();
        let mut size = 0;
        for line in lines {
            let row = row(execution, line);
            let added = limits::entity_bytes(&row);
            if batch.len() == limits::MAX_BATCH_WRITES || size + added > MAX_BATCH_BYTES {
                self.journal.tables.batch(Table::ExecutionLogs, std::mem::take(&mut batch)).await?;
                size = 0;
            }
            size += added;
            batch.push(Write::UpsertReplace(row));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.journal.tables.batch(Table::ExecutionLogs, batch).await
    }

    /// Log lines with `seq > after`, in order, at most `limit` (up to 1000), whether they are rows or packed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a line is not readable, or a blob with lines is gone.
    pub async fn logs(&self, id: ExecutionId, after: u64, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let limit = limit.clamp(1, limits::MAX_PAGE);
        let mut lines: Vec<LogLine> = Vec::new();
        while lines.len() < limit {
            let after = lines.last().map_or(after, |line| line.seq);
            let wanted = limit - lines.len();
            // Rows before the index: a row goes only after the index has its line, so a line that is missed here is
            // found there, however far somebody packs meanwhile.
            let rows = self.rows_of_log(id, after, wanted).await?;
            let is_whole =
                rows.len() == wanted && rows.last().is_some_and(|last| last.seq == after.saturating_add(wanted as u64));
            let chunk = if is_whole { None } else { self.chunk_behind(id, after).await? };
            match chunk {
                Some(chunk) => lines.extend(self.read_chunk(&chunk, after, wanted).await?),
                None => {
                    lines.extend(rows);
                    break;
                }
            }
        }
        Ok(lines)
    }

    /// The lines that are rows, with `seq > after`, in order.
    pub(super) async fn rows_of_log(
        &self,
        id: ExecutionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LogLine>, StoreError> {
        let mut lines = Vec::new();
        // Epoch 0 holds what the platform said before the first claim; nearly every run has its lines in epoch 1.
        // Starting each epoch behind `after` keeps following a long log cheap.
        for (from, before) in [(0, format!("{:06}_", 1)), (1, BEHIND_LINES.to_owned())] {
            let mut query = Query {
                row_from: Some(row_key(from, after.saturating_add(1))),
                row_before: Some(before),
                ..Query::partition(id.key())
            };
            while lines.len() < limit {
                query.limit = limit - lines.len();
                let page = self.journal.tables.query(Table::ExecutionLogs, query.clone()).await?;
                for row in &page.entities {
                    lines.extend(Some(read(row)?).filter(|line| line.seq > after));
                }
                match page.continuation {
                    Some(next) => query.continuation = Some(next),
                    None => break,
                }
            }
        }
        Ok(lines)
    }

    /// The last log line of an execution that nobody runs any more.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a line is not readable.
    pub async fn last_log(&self, execution: &Execution) -> Result<Option<LogLine>, StoreError> {
        let mut last: Option<LogLine> = None;
        loop {
            let after = last.as_ref().map_or(execution.logs_through.saturating_sub(1), |line| line.seq);
            let page = self.logs(execution.id, after, limits::MAX_PAGE).await?;
            match page.into_iter().next_back() {
                Some(line) => last = Some(line),
                None => return Ok(last),
            }
        }
    }
}

fn row_key(epoch: u32, seq: u64) -> String {
    format!("{epoch:06}_{seq:08}")
}

fn row(execution: &Execution, line: &LogLine) -> Entity {
    Entity::new(execution.id.key(), row_key(execution.epoch, line.seq))
        .with("Seq", i64::try_from(line.seq).unwrap_or(i64::MAX))
        .with("LoggedAt", line.at)
        .with("Level", level_name(line.level))
        .with("Source", limits::shorten(&line.source, MAX_SOURCE))
        .with("Message", limits::shorten(&line.message, limits::MAX_STRING_UNITS))
        .with_some("Step", line.step.map(i64::from))
}

fn read(row: &Entity) -> Result<LogLine, StoreError> {
    let corrupt = |name: &str| StoreError::Corrupt(format!("log line {} has a bad `{name}`", row.row_key));
    Ok(LogLine {
        seq: u64::try_from(row.int("Seq")?).map_err(|_| corrupt("Seq"))?,
        at: row.instant("LoggedAt")?,
        level: level_of(row.text("Level")?).ok_or_else(|| corrupt("Level"))?,
        source: row.text("Source")?.to_owned(),
        message: row.text("Message")?.to_owned(),
        step: row.int_opt("Step")?.map(|step| u32::try_from(step).map_err(|_| corrupt("Step"))).transpose()?,
    })
}

const LEVELS: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error];

fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
    }
}

fn level_of(name: &str) -> Option<LogLevel> {
    LEVELS.into_iter().find(|level| level_name(*level) == name)
}
