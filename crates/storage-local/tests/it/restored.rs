//! What a restore makes of executions that had not ended when the backup was made.

use crate::support::TestHome;
use chrono::Duration;
use msp_domain::{BatchId, Clock as _, ExecutionId, ExecutionStatus, Scope, Step, UserId};
use msp_storage::repositories::{
    Actor,
    audit::AuditDraft,
    batches::{BatchRow, NewBatch},
    executions::{Entry, NewExecution},
};
use serde_json::{Map, json};

#[tokio::test]
async fn an_execution_that_was_running_ends_as_interrupted_with_its_open_steps() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let new = home.new_execution(Scope::Global, UserId::random());
    let now = home.clock.now();
    let entry = Entry::Claimed { owner: "engine".into(), deadline_at: now + Duration::minutes(1) };
    let running = home.insert(&new, &entry).await;
    let step = |seq, status, ended_at| Step {
        seq,
        name: format!("step {seq}"),
        status,
        started_at: now,
        ended_at,
        error_message: None,
    };
    let steps = [step(1, ExecutionStatus::Success, Some(now)), step(2, ExecutionStatus::Running, None)];
    executions.write_steps(&running, &steps).await.expect("written");

    home.clock.turn(Duration::hours(1));
    let set_right = home.repositories.set_right_after_restore(now, &Actor::PLATFORM).await.expect("set right");
    assert_eq!(set_right.interrupted, 1);
    let ended = executions.get(new.scope, new.id).await.expect("read").expect("there");
    assert_eq!((ended.status, ended.error_type.as_deref()), (ExecutionStatus::Interrupted, Some("restored")));
    let closed = executions.steps(&ended).await.expect("read");
    assert_eq!(closed[0], steps[0], "what had ended stays as it was");
    assert_eq!((closed[1].status, closed[1].ended_at), (ExecutionStatus::Interrupted, Some(home.clock.now())));
}

#[tokio::test]
async fn what_is_still_to_come_waits_on_and_rows_that_may_have_run_since_begin_no_more() {
    let home = TestHome::new().await;
    let (executions, batches) = (&home.repositories.executions, &home.repositories.batches);
    let (made_at, user) = (home.clock.now(), UserId::random());
    let scheduled = |hours| {
        let scheduled_for = Some(made_at + Duration::hours(hours));
        NewExecution { scheduled_for, ..home.new_execution(Scope::Global, user) }
    };
    let (passed, to_come) = (scheduled(1), scheduled(3));
    home.insert(&passed, &Entry::Queued).await;
    home.insert(&to_come, &Entry::Queued).await;
    let new = NewBatch {
        id: BatchId::at(made_at),
        scope: Scope::Global,
        form_id: uuid::Uuid::nil(),
        form_name: "New user".into(),
        workflow_name: "user_onboarding".into(),
        submitted_by: user,
        submitted_by_name: "Tess Technician".into(),
        created_at: made_at,
        bundle_hash: "b1".into(),
        timeout_seconds: 60,
        minutes_saved: None,
        has_passwords: false,
        retry_of: None,
        mark: None,
    };
    let rows = [BatchRow { row: 1, execution_id: ExecutionId::at(made_at), input: Map::new(), retry_of: None }];
    let audit = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Batch.Submit", new.id.key(), json!({}));
    let batch = batches.insert(&new, &rows, Vec::new(), audit).await.expect("inserted");
    assert_eq!(batches.rows(&batch).await.expect("the rows"), rows);

    home.clock.turn(Duration::hours(2));
    let set_right = home.repositories.set_right_after_restore(made_at, &Actor::PLATFORM).await.expect("set right");
    assert_eq!(set_right.interrupted, 1);
    let status = async |id| executions.get(Scope::Global, id).await.expect("read").expect("there").status;
    assert_eq!(status(passed.id).await, ExecutionStatus::Interrupted);
    assert_eq!(status(to_come.id).await, ExecutionStatus::Pending);
    let open = batches.open().await.expect("the open batches");
    assert_eq!((open.len(), open[0].cancelled_at), (1, Some(home.clock.now())), "the engine closes it");
    assert_eq!(open[0].count(&[]).cancelled, 1);
    assert!(home.audited(Scope::Global).await.contains(&"Batch.Cancel".to_owned()));
}
