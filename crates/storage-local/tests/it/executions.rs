//! The life of an execution on record.

use crate::support::{TestHome, execute_audit};
use chrono::Duration;
use msp_domain::{Clock, ExecutionId, ExecutionStatus, LogLevel, LogLine, OrgId, Scope, UserId};
use msp_storage::repositories::executions::{
    Ending, Entry, ExecutionFilter, NewExecution, NewMark, Started, StoredJson,
};
use msp_storage::{Entity, ExecutionPointer, StoreError, Table, Write};
use std::time::Duration as StdDuration;
use uuid::Uuid;

fn pointer(scope: Scope, id: ExecutionId) -> ExecutionPointer {
    ExecutionPointer { scope, execution_id: id }
}

fn everything(scope: Scope) -> Vec<(Scope, ExecutionFilter)> {
    vec![(scope, ExecutionFilter::default())]
}

fn ending(home: &TestHome, status: ExecutionStatus) -> Ending {
    Ending {
        status,
        result_json: Some(r#"{"success":true}"#.into()),
        error_type: None,
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: 2,
    }
}

fn line(seq: u64, message: &str) -> LogLine {
    LogLine {
        seq,
        at: chrono::DateTime::from_timestamp_millis(1_763_800_000_000).expect("an instant"),
        level: LogLevel::Info,
        source: "print".into(),
        message: message.into(),
        step: None,
    }
}

#[tokio::test]
async fn a_claimed_execution_is_on_record_everywhere_and_its_end_is_known_everywhere() {
    let home = TestHome::new().await;
    let (scope, user) = (Scope::Org(OrgId::random()), UserId::random());
    let new = home.new_execution(scope, user);
    let owner = Entry::Claimed { owner: "boot-1".into(), deadline_at: home.clock.now() + Duration::seconds(60) };
    let inserted = home.insert(&new, &owner).await;

    let executions = &home.repositories.executions;
    assert_eq!(executions.get(scope, new.id).await.expect("read"), Some(inserted.clone()));
    assert_eq!(inserted.status, ExecutionStatus::Running);
    assert_eq!(executions.scope_of_own(user, new.id).await.expect("read"), Some(scope));
    assert_eq!(executions.scope_of_own(UserId::random(), new.id).await.expect("read"), None);
    assert_eq!(executions.active().await.expect("read")[0].owner.as_deref(), Some("boot-1"));
    assert_eq!(home.audited(scope).await, ["Workflow.Execute"]);

    home.clock.turn(Duration::milliseconds(1500));
    let ended = executions.finish(&inserted, &ending(&home, ExecutionStatus::Success)).await.expect("finished");
    assert_eq!(ended.duration_ms, Some(1500));
    assert_eq!(executions.get(scope, new.id).await.expect("read"), Some(ended));
    assert!(executions.unended(None).await.expect("read").is_empty());
    let mirror = home.home.stores.tables.get(Table::UserExecutions, &user.key(), &new.id.row_key().expect("v7")).await;
    assert_eq!(mirror.expect("read").expect("there").text("Status").expect("text"), "Success");
}

#[tokio::test]
async fn a_second_and_different_end_is_refused_and_the_same_end_again_is_success() {
    let home = TestHome::new().await;
    let new = home.new_execution(Scope::Global, UserId::random());
    let queued = home.insert(&new, &Entry::Queued).await;
    let executions = &home.repositories.executions;
    let success = ending(&home, ExecutionStatus::Success);
    let first = executions.finish(&queued, &success).await.expect("finished");
    assert_eq!(executions.finish(&queued, &success).await.expect("repeated"), first);
    let other = executions.finish(&queued, &ending(&home, ExecutionStatus::Interrupted)).await;
    assert!(matches!(other, Err(StoreError::PreconditionFailed)), "{other:?}");
    assert_eq!(executions.get(Scope::Global, new.id).await.expect("read"), Some(first));
}

#[tokio::test]
async fn of_many_who_claim_a_pending_execution_one_gets_it() {
    let home = TestHome::new().await;
    let new = home.new_execution(Scope::Global, UserId::random());
    home.insert(&new, &Entry::Queued).await;
    let executions = &home.repositories.executions;
    let now = home.clock.now();
    let claims = (0..16).map(|_| executions.claim(pointer(new.scope, new.id), "boot-1", "b2", now, Vec::new(), false));
    let claimed: Vec<_> =
        futures::future::join_all(claims).await.into_iter().filter_map(|claim| claim.expect("answered")).collect();
    assert_eq!(claimed.len(), 1, "exactly one claim wins");
    assert_eq!((claimed[0].epoch, claimed[0].status), (1, ExecutionStatus::Running));
    assert_eq!(claimed[0].bundle_hash, "b2", "the record names what it runs on, not what it was queued under");
    assert_eq!(claimed[0].deadline_at, Some(now + Duration::seconds(60)));
    let stored = executions.get(new.scope, new.id).await.expect("read");
    assert_eq!(stored.as_ref(), claimed.first());
    let again = executions.claim(pointer(new.scope, new.id), "boot-1", "b2", now, Vec::new(), true).await;
    assert_eq!(again.expect("answered"), stored, "whoever does not know whether he got it asks again");
    let another = executions.claim(pointer(new.scope, new.id), "boot-2", "b2", now, Vec::new(), true).await;
    assert_eq!(another.expect("answered"), None, "it is not his");
    let unknown =
        executions.claim(pointer(new.scope, ExecutionId::at(now)), "boot-1", "b2", now, Vec::new(), false).await;
    assert_eq!(unknown.expect("answered"), None, "what was never recorded is not claimed");
}

#[tokio::test]
async fn an_insert_can_be_repeated_and_a_failed_guard_leaves_nothing() {
    let home = TestHome::new().await;
    let new = home.new_execution(Scope::Global, UserId::random());
    let first = home.insert(&new, &Entry::Queued).await;
    assert_eq!(home.insert(&new, &Entry::Queued).await, first);
    assert_eq!(home.audited(Scope::Global).await.len(), 1);

    let late = home.new_execution(Scope::Global, UserId::random());
    let guard = home.repositories.generation.guard(Some(first.etag.clone()));
    let outcome = home.repositories.executions.insert(&late, &Entry::Queued, vec![guard], execute_audit(&late)).await;
    assert!(matches!(outcome, Err(StoreError::PreconditionFailed)));
    assert_eq!(home.repositories.executions.get(late.scope, late.id).await.expect("read"), None);
    assert_eq!(home.repositories.executions.active().await.expect("read").len(), 1);
}

#[tokio::test]
async fn large_inputs_and_results_go_to_blobs_and_long_messages_are_cut() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let mut new = home.new_execution(Scope::Global, UserId::random());
    new.input_json = format!("\"{}\"", "𝄞".repeat(15_000));
    let inserted = home.insert(&new, &Entry::Queued).await;
    assert!(matches!(&inserted.input, StoredJson::Blob { size_bytes: 60_002, .. }), "{:?}", inserted.input);
    assert_eq!(executions.load_json(&inserted.input).await.expect("loaded"), new.input_json);

    let large = format!("\"{}\"", "x".repeat(3_000_000));
    let ended = Ending {
        result_json: Some(large.clone()),
        error_message: Some("y".repeat(3_000_000)),
        error_type: Some("z".repeat(3_000_000)),
        ..ending(&home, ExecutionStatus::Failed)
    };
    let ended = executions.finish(&inserted, &ended).await.expect("an end is always written");
    assert_eq!(executions.load_json(&ended.result.clone().expect("a result")).await.expect("loaded"), large);
    assert!(ended.error_message.as_deref().is_some_and(|message| message.ends_with("(cut)")));
    assert_eq!(executions.get(new.scope, new.id).await.expect("read"), Some(ended));
}

#[tokio::test]
async fn logs_are_read_in_order_behind_a_position_and_may_be_appended_twice() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let new = home.new_execution(Scope::Global, UserId::random());
    let mut run = home.insert(&new, &Entry::Queued).await;
    executions.append_logs(&run, &[line(1, "waiting for a worker")]).await.expect("appended while pending");
    run = executions
        .claim(pointer(new.scope, new.id), "boot-1", "b2", home.clock.now(), Vec::new(), false)
        .await
        .expect("asked")
        .expect("won");
    let lines: Vec<_> = (2..=250).map(|seq| line(seq, &"w".repeat(32 * 1024))).collect();
    executions.append_logs(&run, &lines).await.expect("appended");
    executions.append_logs(&run, &lines[..10]).await.expect("appended again");
    executions.append_logs(&run, &[line(251, &"ü".repeat(100_000))]).await.expect("an overlong line is cut");

    let all = executions.logs(new.id, 0, 1000).await.expect("read");
    assert_eq!(all.iter().map(|line| line.seq).collect::<Vec<_>>(), (1..=251).collect::<Vec<_>>());
    assert_eq!(all[1], lines[0]);
    let some = executions.logs(new.id, 100, 3).await.expect("read");
    assert_eq!(some.iter().map(|line| line.seq).collect::<Vec<_>>(), [101, 102, 103]);
    assert!(executions.logs(new.id, 251, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn progress_keeps_the_version_going_and_a_stale_one_is_refused() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let new = home.new_execution(Scope::Global, UserId::random());
    let mut run = home.insert(&new, &Entry::Queued).await;
    let mut stale = run.clone();
    executions.update_progress(&mut run, Some(140.0), Some("nearly"), 7).await.expect("written");
    executions.update_progress(&mut run, None, Some("there"), 8).await.expect("written");
    assert_eq!(executions.get(new.scope, new.id).await.expect("read").as_ref(), Some(&run));
    assert_eq!(
        (run.progress_percent, run.progress_message.as_deref(), run.logs_through),
        (Some(100.0), Some("there"), 8)
    );
    let refused = executions.update_progress(&mut stale, Some(1.0), None, 1).await;
    assert!(matches!(refused, Err(StoreError::PreconditionFailed)));
}

#[tokio::test]
async fn history_is_newest_first_stays_in_its_scope_and_hides_reserved_rows() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let (scope, other) = (Scope::Org(OrgId::random()), Scope::Org(OrgId::random()));
    let user = UserId::random();
    let mut ids = Vec::new();
    for number in 0..7 {
        home.clock.turn(Duration::seconds(1));
        let mut new = home.new_execution(scope, user);
        new.workflow_name = if number % 3 == 0 { "third".into() } else { "usual".into() };
        home.insert(&new, &Entry::Queued).await;
        ids.insert(0, new.id);
    }
    home.insert(&home.new_execution(other, user), &Entry::Queued).await;
    let reserved = Entity::new(scope.key(), "~idem_0123").with("Until", home.clock.now());
    home.home.stores.tables.write(Table::WorkflowExecutions, Write::Insert(reserved)).await.expect("written");

    for (filter, wanted) in [
        (ExecutionFilter::default(), ids.clone()),
        (ExecutionFilter { workflow_name: Some("third".into()), ..Default::default() }, vec![ids[0], ids[3], ids[6]]),
        (ExecutionFilter { statuses: vec![ExecutionStatus::Success], ..Default::default() }, vec![]),
    ] {
        let mut listed = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = executions
                .list(vec![(scope, filter.clone())], Started::default(), cursor.as_deref(), 2)
                .await
                .expect("listed");
            assert!(page.items.len() <= 2);
            listed.extend(page.items.into_iter().map(|execution| execution.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, wanted);
    }
    let forged = executions.list(everything(scope), Started::default(), Some("not a cursor"), 2).await;
    assert!(matches!(forged, Err(StoreError::Limit(_))));
}

#[tokio::test]
async fn a_filtered_list_looks_at_a_bounded_number_of_rows_and_says_where_to_go_on() {
    let home = TestHome::new().await;
    let tables = &home.home.stores.tables;
    let scope = Scope::Org(OrgId::random());
    for batch in 0..51_u64 {
        let row = |number: u64| {
            let id = Uuid::new_v4();
            Write::Insert(
                Entity::new(scope.key(), format!("{:013}_{id}", batch * 100 + number))
                    .with("ExecutionId", id.to_string())
                    .with("WorkflowName", if batch * 100 + number == 5_050 { "wanted" } else { "other" })
                    .with("Status", "Success")
                    .with("StartedAt", home.clock.now()),
            )
        };
        tables.batch(Table::WorkflowExecutions, (0..100).map(row).collect()).await.expect("written");
    }
    let filter = ExecutionFilter { workflow_name: Some("wanted".into()), ..Default::default() };
    let executions = &home.repositories.executions;
    let list = async |cursor: Option<&str>| {
        executions.list(vec![(scope, filter.clone())], Started::default(), cursor, 10).await.expect("listed")
    };
    let first = list(None).await;
    assert!(first.items.is_empty(), "the row lies behind the first 5,000");
    let looked_at = first.searched_to.expect("how far").timestamp_millis();
    assert_eq!(looked_at, 9_999_999_999_999 - 4_999, "the last of them");
    let second = list(first.next_cursor.as_deref()).await;
    assert_eq!((second.items.len(), second.next_cursor), (1, None));
    // Written by another tool, with an id that carries no time and as text.
    let found = executions.get(scope, second.items[0].id).await.expect("read");
    assert_eq!(found.as_ref(), second.items.first());
}

#[tokio::test]
async fn queued_messages_come_oldest_first_hide_while_handled_and_return() {
    let home = TestHome::new().await;
    let queue = &home.home.stores.queue;
    let mut ids = Vec::new();
    for _ in 0..3 {
        home.clock.turn(Duration::seconds(1));
        let new = home.new_execution(Scope::Org(OrgId::random()), UserId::random());
        home.insert(&new, &Entry::Queued).await;
        queue.send(pointer(new.scope, new.id)).await.expect("sent");
        ids.push(pointer(new.scope, new.id));
    }
    queue.wait(StdDuration::from_secs(10)).await;
    let first = queue.receive(2, StdDuration::from_secs(30)).await.expect("received");
    assert_eq!(first.iter().map(|message| message.pointer).collect::<Vec<_>>(), ids[..2]);
    let rest = queue.receive(10, StdDuration::from_secs(30)).await.expect("received");
    assert_eq!(rest.iter().map(|message| message.pointer).collect::<Vec<_>>(), ids[2..]);
    queue.delete(&rest[0]).await.expect("deleted");

    home.clock.turn(Duration::seconds(31));
    let again = queue.receive(10, StdDuration::from_secs(30)).await.expect("received");
    assert_eq!(again.iter().map(|message| message.dequeue_count).collect::<Vec<_>>(), [2, 2]);
    assert!(matches!(queue.delete(&first[0]).await, Err(StoreError::PreconditionFailed)), "a stale receipt");
    queue.delete(&again[0]).await.expect("the newest receipt counts");
    // After a crash between delivery and claim, recovery sends again and need not wait for the timeout.
    queue.send(ids[1]).await.expect("sent");
    assert_eq!(queue.receive(10, StdDuration::from_secs(30)).await.expect("received")[0].pointer, ids[1]);
}

#[tokio::test]
async fn an_idempotency_key_admits_one_execution_until_its_mark_has_expired() {
    let home = TestHome::new().await;
    let (scope, user) = (Scope::Org(OrgId::random()), UserId::random());
    let executions = &home.repositories.executions;
    let mark = |hours| NewMark {
        key_hash: "ab12".into(),
        body_hash: "cd34".into(),
        expires_at: home.clock.now() + Duration::hours(hours),
        replaces: None,
    };
    let first = NewExecution { mark: Some(mark(24)), ..home.new_execution(scope, user) };
    home.insert(&first, &Entry::Queued).await;
    let second = NewExecution { mark: Some(mark(24)), ..home.new_execution(scope, user) };
    let refused = executions.insert(&second, &Entry::Queued, Vec::new(), execute_audit(&second)).await;
    assert!(matches!(refused, Err(StoreError::AlreadyExists)), "{refused:?}");
    assert_eq!(executions.get(scope, second.id).await.expect("read"), None, "nothing of it was written");
    let listed = executions.list(everything(scope), Started::default(), None, 10).await.expect("listed");
    assert_eq!(listed.items.len(), 1, "a mark is no execution");

    executions.sweep_marks(scope, home.clock.now()).await.expect("swept");
    let found = executions.mark(scope, "ab12").await.expect("read").expect("still counts");
    assert_eq!((found.execution_id, found.body_hash.as_str()), (first.id, "cd34"));
    executions.sweep_marks(scope, home.clock.now() + Duration::hours(25)).await.expect("swept");
    assert_eq!(executions.mark(scope, "ab12").await.expect("read"), None);
    home.insert(&second, &Entry::Queued).await;
}
