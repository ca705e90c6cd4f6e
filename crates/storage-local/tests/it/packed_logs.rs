//! Long logs on their way from rows to blobs, read and interrupted at every step.

use crate::support::TestHome;
use msp_domain::{Clock, ExecutionId, ExecutionStatus, LogLevel, LogLine, Scope, UserId};
use msp_storage::repositories::executions::{Ending, Entry, Execution, Executions, LOG_LINES_IN_ROWS, LogChunk};
use msp_storage::{Entity, Query, StoreError, Table};

/// Enough for several chunks.
const LINES: u64 = 1_500;

fn line(seq: u64) -> LogLine {
    LogLine {
        seq,
        at: chrono::DateTime::from_timestamp_millis(1_763_800_000_123).expect("an instant"),
        level: LogLevel::Warning,
        source: "logger \"x\"".into(),
        message: format!("{seq} {}\n\u{2028}", "ü".repeat(usize::try_from(seq % 400).expect("small"))),
        step: seq.is_multiple_of(3).then_some(1),
    }
}

/// An execution that has ended and wrote so many lines.
async fn ended(home: &TestHome, lines: u64) -> Execution {
    let new = home.new_execution(Scope::Global, UserId::random());
    let owner = Entry::Claimed { owner: "boot-1".into(), deadline_at: home.clock.now() };
    let run = home.insert(&new, &owner).await;
    let executions = &home.repositories.executions;
    executions.append_logs(&run, &(1..=lines).map(line).collect::<Vec<_>>()).await.expect("appended");
    let ending = Ending {
        status: ExecutionStatus::Success,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: lines,
    };
    executions.finish(&run, &ending).await.expect("ended")
}

async fn assert_reads_alike(executions: &Executions, id: ExecutionId, through: u64, when: &str) {
    for (after, limit) in
        [(0, 1000), (0, 1), (1, 999), (499, 1), (500, 700), (700, 1000), (through - 1, 10), (through, 5), (u64::MAX, 5)]
    {
        let read = executions.logs(id, after, limit).await.expect("read");
        let limit = u64::try_from(limit).expect("small");
        let expected: Vec<_> = (1..=through).filter(|seq| *seq > after).map(line).take(limit as usize).collect();
        assert_eq!(read, expected, "{when}: after {after}, at most {limit}");
    }
    let mut every: Vec<u64> = Vec::new();
    loop {
        let page = executions.logs(id, every.last().copied().unwrap_or(0), 173).await.expect("read");
        every.extend(page.iter().map(|line| line.seq));
        if page.len() < 173 {
            break;
        }
    }
    assert_eq!(every, (1..=through).collect::<Vec<_>>(), "{when}: page by page");
}

async fn rows(home: &TestHome, id: ExecutionId) -> (Vec<Entity>, Vec<Entity>) {
    let stored = home.home.stores.tables.query_all(Table::ExecutionLogs, Query::partition(id.key())).await;
    stored.expect("read").into_iter().partition(|row| row.row_key.starts_with('~'))
}

async fn next_chunk(executions: &Executions, id: ExecutionId) -> Option<LogChunk> {
    executions.store_chunk(id).await.expect("stored")
}

async fn pack(executions: &Executions, id: ExecutionId) {
    executions.drop_indexed_rows(id).await.expect("dropped");
    while let Some(chunk) = next_chunk(executions, id).await {
        executions.index_chunk(&chunk).await.expect("indexed");
        executions.drop_indexed_rows(id).await.expect("dropped");
    }
    executions.log_is_packed(id).await.expect("done");
}

#[tokio::test]
async fn a_log_reads_the_same_before_between_and_after_every_step_of_packing() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let id = ended(&home, LINES).await.id;
    assert_eq!(executions.logs_to_pack().await.expect("listed"), [id]);
    assert_reads_alike(executions, id, LINES, "before").await;
    let mut chunks = 0;
    while let Some(chunk) = next_chunk(executions, id).await {
        chunks += 1;
        assert_reads_alike(executions, id, LINES, "a blob nobody names").await;
        assert_eq!(next_chunk(executions, id).await.as_ref(), Some(&chunk), "what is done again has the same name");
        executions.index_chunk(&chunk).await.expect("indexed");
        assert_reads_alike(executions, id, LINES, "rows that the index has").await;
        executions.drop_indexed_rows(id).await.expect("dropped");
        assert_reads_alike(executions, id, LINES, "a chunk").await;
    }
    assert!(chunks > 1, "{chunks} chunks");
    executions.log_is_packed(id).await.expect("done");
    executions.log_is_packed(id).await.expect("and again");
    assert!(executions.logs_to_pack().await.expect("listed").is_empty());
    let (index, lines) = rows(&home, id).await;
    assert_eq!((index.len(), lines.len()), (chunks, 0));
    let blobs = home.home.stores.blobs.list(&format!("executions/{id}/")).await.expect("listed");
    let named: Vec<_> = index.iter().map(|entry| entry.text("LinesBlob").expect("a path")).collect();
    assert_eq!(blobs, named);
    for path in &blobs {
        let size = home.home.stores.blobs.get(path).await.expect("read").expect("there").len();
        assert!(size <= 256 * 1024, "{path} has {size} bytes");
    }
}

#[tokio::test]
async fn a_reader_that_is_faster_or_slower_than_the_packer_misses_nothing() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let id = ended(&home, LINES).await.id;
    let read = async {
        for _ in 0..3 {
            let mut seqs: Vec<u64> = Vec::new();
            while seqs.last() != Some(&LINES) {
                let after = seqs.last().copied().unwrap_or(0);
                let lines = executions.logs(id, after, 37).await.expect("read");
                assert!(!lines.is_empty(), "it seems to end at {after}");
                seqs.extend(lines.iter().map(|line| line.seq));
            }
            assert_eq!(seqs, (1..=LINES).collect::<Vec<_>>());
        }
    };
    tokio::join!(read, pack(executions, id));
    assert_reads_alike(executions, id, LINES, "after").await;
}

#[tokio::test]
async fn only_long_logs_wait_to_be_packed() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    ended(&home, LOG_LINES_IN_ROWS).await;
    assert!(executions.logs_to_pack().await.expect("listed").is_empty());
    let long = ended(&home, LOG_LINES_IN_ROWS + 1).await;
    assert_eq!(executions.logs_to_pack().await.expect("listed"), [long.id]);
    assert!(executions.unended(None).await.expect("listed").is_empty(), "it has ended");
    let last = executions.last_log(&long).await.expect("read");
    pack(executions, long.id).await;
    assert_eq!(executions.last_log(&long).await.expect("read"), last);
}

#[tokio::test]
async fn a_chunk_that_is_damaged_or_gone_is_an_error_and_never_a_gap() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let id = ended(&home, LINES).await.id;
    pack(executions, id).await;
    let blobs = &home.home.stores.blobs;
    let paths = blobs.list(&format!("executions/{id}/")).await.expect("listed");
    let whole = blobs.get(&paths[0]).await.expect("read").expect("there");
    blobs.put(&paths[0], whole.slice(..whole.len() / 2)).await.expect("cut");
    let damaged = executions.logs(id, 0, 10).await;
    assert!(matches!(damaged, Err(StoreError::Corrupt(_))), "{damaged:?}");
    blobs.delete(&paths[0]).await.expect("deleted");
    let gone = executions.logs(id, 0, 10).await;
    assert!(matches!(gone, Err(StoreError::Corrupt(_))), "{gone:?}");
    assert_eq!(executions.logs(id, LINES - 5, 10).await.expect("read").len(), 5, "other chunks are read");
    blobs.put(&paths[0], whole).await.expect("put back");
    assert_reads_alike(executions, id, LINES, "put back").await;
}
