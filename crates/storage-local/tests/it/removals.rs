//! Removing executions: whole or not at all for whoever looks, and finished however often it is interrupted.

use crate::dying::dying;
use crate::support::{TestHome, actor};
use bytes::Bytes;
use msp_domain::{Clock, ExecutionId, ExecutionStatus, LogLevel, LogLine, OrgId, Scope, Step, UserId};
use msp_storage::repositories::executions::{
    Ending, Entry, Execution, ExecutionFilter, NewExecution, NewMark, Started,
};
use msp_storage::{Query, StoreError, Table};

/// A log long enough to be packed, in more rows than a batch has.
const LINES: u64 = 1_100;

fn lines(through: u64) -> Vec<LogLine> {
    let line = |seq| LogLine {
        seq,
        at: chrono::DateTime::from_timestamp_millis(1_763_800_000_123).expect("an instant"),
        level: LogLevel::Info,
        source: "print".into(),
        message: format!("line {seq} {}", "x".repeat(300)),
        step: None,
    };
    (1..=through).map(line).collect()
}

async fn running(home: &TestHome, new: &NewExecution) -> Execution {
    let owner = Entry::Claimed { owner: "boot-1".into(), deadline_at: home.clock.now() };
    home.insert(new, &owner).await
}

/// An execution that has everything an execution can have, its log packed by half.
async fn ended(home: &TestHome, scope: Scope, user: UserId) -> Execution {
    let executions = &home.repositories.executions;
    let mut new = home.new_execution(scope, user);
    new.input_json = format!("\"{}\"", "i".repeat(40_000));
    new.mark = Some(NewMark {
        key_hash: format!("{}00", new.id),
        body_hash: "b".into(),
        expires_at: home.clock.now() + chrono::Duration::hours(24),
        replaces: None,
    });
    let run = running(home, &new).await;
    executions.append_logs(&run, &lines(LINES)).await.expect("logged");
    let step = Step {
        seq: 1,
        name: "first".into(),
        status: ExecutionStatus::Success,
        started_at: home.clock.now(),
        ended_at: Some(home.clock.now()),
        error_message: None,
    };
    executions.write_steps(&run, &[step]).await.expect("written");
    let ending = Ending {
        status: ExecutionStatus::Success,
        result_json: Some(format!("\"{}\"", "r".repeat(40_000))),
        error_type: None,
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: LINES,
    };
    let ended = executions.finish(&run, &ending).await.expect("ended");
    let chunk = executions.store_chunk(new.id).await.expect("stored").expect("a chunk");
    executions.index_chunk(&chunk).await.expect("indexed");
    ended
}

/// Every row and blob that is there because of an execution; audit rows and idempotency keys are not its own.
async fn traces(home: &TestHome, id: ExecutionId) -> Vec<String> {
    let mut traces = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::AuditLogs) {
        for row in home.home.stores.tables.query_all(table, Query::default()).await.expect("read") {
            let is_of_it = row.partition_key == id.key() || row.row_key.ends_with(&id.key());
            traces.extend(is_of_it.then(|| format!("{} {} {}", table.name(), row.partition_key, row.row_key)));
        }
    }
    traces.extend(home.home.stores.blobs.list(&format!("executions/{id}/")).await.expect("listed"));
    traces
}

/// What a person sees of it: all of it or nothing.
async fn assert_whole_or_gone(home: &TestHome, execution: &Execution, when: &str) {
    let executions = &home.repositories.executions;
    let (scope, id) = (execution.scope, execution.id);
    let listed = executions.list(vec![(scope, ExecutionFilter::default())], Started::default(), None, 10).await;
    let listed = listed.expect("listed").items.iter().any(|item| item.id == id);
    let owned = executions.scope_of_own(execution.executed_by, id).await.expect("read").is_some();
    match executions.get(scope, id).await.expect("read") {
        Some(stored) => {
            assert!(listed && owned, "{when}: it is there and not listed");
            executions.load_json(&stored.input).await.expect("its input");
            executions.load_json(&stored.result.clone().expect("a result")).await.expect("its result");
            assert_eq!(executions.logs(id, 0, 1000).await.expect("its log").len(), 1000, "{when}");
            assert_eq!(executions.steps(&stored).await.expect("its steps").len(), 1, "{when}");
        }
        None => assert!(!listed && !owned, "{when}: it is gone and listed"),
    }
}

#[tokio::test]
async fn a_removed_execution_leaves_nothing_and_its_neighbours_everything() {
    let home = TestHome::new().await;
    let (scope, user) = (Scope::Org(OrgId::random()), UserId::random());
    let first = ended(&home, scope, user).await;
    let kept = ended(&home, scope, user).await;
    let before = traces(&home, kept.id).await;
    let audited = home.audited(scope).await;

    home.repositories.executions.remove(scope, first.id).await.expect("removed");
    home.repositories.executions.remove(scope, first.id).await.expect("and again");

    assert_eq!(traces(&home, first.id).await, Vec::<String>::new());
    assert_eq!(traces(&home, kept.id).await, before);
    assert_eq!(home.audited(scope).await, audited, "the audit trail stays");
    assert_whole_or_gone(&home, &kept, "beside a removal").await;
}

#[tokio::test]
async fn wherever_a_removal_is_interrupted_nothing_is_seen_by_halves_and_the_next_call_finishes_it() {
    let home = TestHome::new().await;
    let (scope, user) = (Scope::Org(OrgId::random()), UserId::random());
    for loses_only_the_answer in [false, true] {
        let mut at = 1;
        loop {
            let when = format!("dead at write {at}, only the answer lost: {loses_only_the_answer}");
            let execution = ended(&home, scope, user).await;
            let removed = dying(&home, at, loses_only_the_answer).executions.remove(scope, execution.id).await;
            assert_whole_or_gone(&home, &execution, &when).await;
            let executions = &home.repositories.executions;
            let is_gone = executions.get(scope, execution.id).await.expect("read").is_none();
            let left = !traces(&home, execution.id).await.is_empty();
            let begun = executions.removals().await.expect("listed");
            assert_eq!(begun.len(), usize::from(is_gone && left), "{when}: what is left is listed");
            executions.remove(scope, execution.id).await.expect("finished");
            assert_eq!(traces(&home, execution.id).await, Vec::<String>::new(), "{when}");
            if removed.is_ok() {
                break;
            }
            at += 1;
        }
        assert!(at > 15, "it died at only {at} places");
    }
}

#[tokio::test]
async fn an_execution_that_has_not_ended_is_never_removed() {
    let home = TestHome::new().await;
    let scope = Scope::Org(OrgId::random());
    let executions = &home.repositories.executions;
    let queued = home.insert(&home.new_execution(scope, UserId::random()), &Entry::Queued).await;
    let claimed = running(&home, &home.new_execution(scope, UserId::random())).await;
    for run in [&queued, &claimed] {
        let before = traces(&home, run.id).await;
        let refused = executions.remove(scope, run.id).await;
        assert!(matches!(refused, Err(StoreError::PreconditionFailed)), "{refused:?}");
        assert_eq!(traces(&home, run.id).await, before);
    }
    assert!(matches!(executions.remove_all(scope).await, Err(StoreError::PreconditionFailed)));
    assert_eq!(executions.unended(Some(scope)).await.expect("listed").len(), 2);
    assert!(executions.unended(Some(Scope::Global)).await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_scope_is_cleared_of_executions_and_keys_and_no_other_is_touched() {
    let home = TestHome::new().await;
    let (scope, other, user) = (Scope::Org(OrgId::random()), Scope::Org(OrgId::random()), UserId::random());
    let executions = &home.repositories.executions;
    let kept = ended(&home, other, user).await;
    let mut gone = Vec::new();
    for _ in 0..20 {
        let run = running(&home, &home.new_execution(scope, user)).await;
        let ending = Ending {
            status: ExecutionStatus::Failed,
            result_json: None,
            error_type: None,
            error_message: None,
            completed_at: home.clock.now(),
            logs_through: 0,
        };
        gone.push(executions.finish(&run, &ending).await.expect("ended"));
    }
    gone.push(ended(&home, scope, user).await);
    assert!(dying(&home, 25, false).executions.remove_all(scope).await.is_err(), "interrupted");
    executions.remove_all(scope).await.expect("removed");
    for execution in &gone {
        assert_eq!(traces(&home, execution.id).await, Vec::<String>::new());
    }
    let rows = home.home.stores.tables.query_all(Table::WorkflowExecutions, Query::partition(scope.key())).await;
    assert!(rows.expect("read").is_empty(), "an idempotency key is left");
    assert_whole_or_gone(&home, &kept, "another scope").await;
    assert!(executions.get(other, kept.id).await.expect("read").is_some());
}

#[tokio::test]
async fn a_log_that_is_packed_while_its_execution_is_removed_leaves_nothing() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let execution = ended(&home, Scope::Global, UserId::random()).await;
    let chunk = executions.store_chunk(execution.id).await.expect("stored").expect("a chunk");
    executions.remove(Scope::Global, execution.id).await.expect("removed");
    // Once more, as if the blob had been written only now.
    home.home.stores.blobs.put(chunk.path(), Bytes::from_static(b"late")).await.expect("written");
    let indexed = executions.index_chunk(&chunk).await;
    assert!(matches!(indexed, Err(StoreError::NotFound)), "{indexed:?}");
    assert_eq!(traces(&home, execution.id).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_repair_finishes_what_was_begun() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let execution = ended(&home, Scope::Global, UserId::random()).await;
    assert!(executions.begin_removal(Scope::Global, execution.id).await.expect("begun"));
    let mut found = Vec::new();
    let actor = actor(UserId::random());
    for (mend, repaired) in [(false, 0), (true, 0), (true, 1)] {
        found.clear();
        home.repositories.repair(mend, &actor, &mut |finding| found.push(finding.to_string())).await.expect("repaired");
        let is_named = found.iter().any(|finding| finding.contains("a part of it is left"));
        assert_eq!(is_named, repaired == 0, "{found:?}");
    }
    assert_eq!(traces(&home, execution.id).await, Vec::<String>::new());
}
