//! What a restore makes of executions that had not ended when the backup was made.

use crate::support::TestHome;
use chrono::Duration;
use msp_domain::{Clock as _, ExecutionStatus, Scope, Step, UserId};
use msp_storage::repositories::{Actor, executions::Entry};

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
