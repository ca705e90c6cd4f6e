//! The emergency stop on record.

use crate::support::{TestHome, actor, execute_audit};
use msp_domain::{OrgId, PauseTarget, Scope, UserId};
use msp_storage::repositories::executions::Entry;
use msp_storage::{ExecutionPointer, StoreError};

#[tokio::test]
async fn a_pause_is_set_once_replaced_by_another_reason_and_lifted_once() {
    let home = TestHome::new().await;
    let pauses = &home.repositories.pauses;
    let admin = actor(UserId::random());
    let org = home.org().await;
    let targets =
        [PauseTarget::Everything, PauseTarget::Organization(org), PauseTarget::Workflow("\u{fc}bersicht".to_owned())];
    for target in &targets {
        let set = pauses.pause(target, "licences are assigned twice", "Ada", &admin).await.expect("paused");
        let generation = home.repositories.generation.current().await.expect("read");
        home.clock.turn(chrono::Duration::minutes(1));
        let again = pauses.pause(target, "licences are assigned twice", "Bob", &admin).await.expect("paused");
        assert_eq!(again, set, "the same pause");
        assert_eq!(home.repositories.generation.current().await.expect("read"), generation);
    }
    let everything = pauses.pause(&targets[0], "the vendor is down", "Bob", &admin).await.expect("paused");
    let listed = pauses.list().await.expect("listed");
    assert_eq!(listed.len(), 3);
    assert!(listed.contains(&everything) && everything.paused_by_name == "Bob");

    home.clock.turn(chrono::Duration::minutes(1));
    for target in &targets {
        let generation = home.repositories.generation.current().await.expect("read");
        assert_eq!(pauses.resume(target, &admin).await.expect("resumed").expect("was paused").target, *target);
        assert_ne!(home.repositories.generation.current().await.expect("read"), generation);
        assert_eq!(pauses.resume(target, &admin).await.expect("again"), None);
    }
    assert!(pauses.list().await.expect("listed").is_empty());
    let mut audited = home.audited(Scope::Org(org)).await;
    audited.sort();
    assert_eq!(audited, ["Organization.Create", "Pause.Lift", "Pause.Set"]);
    assert_eq!(home.audited(Scope::Global).await, ["Pause.Lift", "Pause.Lift", "Pause.Set", "Pause.Set", "Pause.Set"]);
}

#[tokio::test]
async fn what_was_allowed_before_a_pause_is_neither_recorded_nor_claimed_after_it() {
    let home = TestHome::new().await;
    let executions = &home.repositories.executions;
    let org = Scope::Org(OrgId::random());
    let queued = home.new_execution(org, UserId::random());
    home.insert(&queued, &Entry::Queued).await;
    let seen = home.repositories.generation.current().await.expect("read");
    let pauses = &home.repositories.pauses;
    pauses.pause(&PauseTarget::Everything, "a test", "Ada", &actor(UserId::random())).await.expect("paused");

    let guards = || vec![home.repositories.generation.guard(seen.clone())];
    let later = home.new_execution(org, UserId::random());
    let refused = executions.insert(&later, &Entry::Queued, guards(), execute_audit(&later)).await;
    assert!(matches!(refused, Err(StoreError::PreconditionFailed)), "{refused:?}");
    let pointer = ExecutionPointer { scope: org, execution_id: queued.id };
    let refused = executions.claim(pointer, "boot-1", "b1", queued.started_at, guards(), false).await;
    assert!(matches!(refused, Err(StoreError::PreconditionFailed)), "{refused:?}");

    let current = home.repositories.generation.current().await.expect("read");
    let guard = home.repositories.generation.guard(current);
    let claimed = executions.claim(pointer, "boot-1", "b1", queued.started_at, vec![guard], false).await;
    assert!(claimed.expect("claimed").is_some());
}
