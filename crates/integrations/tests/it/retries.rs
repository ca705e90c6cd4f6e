use crate::bench::Bench;
use msp_simulator::{Fault, FaultKind, Service};
use serde_json::{Value, json};

fn fault(path: &str, calls: u32, after_executing: bool, kind: FaultKind) -> Fault {
    Fault { path_contains: path.into(), method: None, calls, after_executing, kind }
}

fn status(status: u16, retry_after: Option<&str>) -> FaultKind {
    FaultKind::Status { status, retry_after: retry_after.map(str::to_owned) }
}

fn molly() -> Value {
    json!({ "userPrincipalName": "molly@contoso.example" })
}

#[tokio::test]
async fn a_busy_service_is_asked_again_when_it_said_to() {
    let bench = Bench::new().await;
    bench.simulator.add_fault(fault("/v1.0/users", 1, false, status(429, Some("7"))));
    bench.simulator.add_fault(fault("/v1.0/users", 1, false, status(503, None)));
    bench.simulator.add_fault(fault("/v1.0/users", 1, false, FaultKind::Reset));
    assert_eq!(bench.graph("list_users", json!({})).await, Ok(json!([])));
    assert_eq!(bench.clock.waited_seconds(), [7, 4, 8]);
    assert_eq!(bench.arrived(Service::Graph).len(), 4);
}

#[tokio::test]
async fn a_service_that_stays_busy_ends_the_call_after_a_bounded_time() {
    let bench = Bench::new().await;
    bench.simulator.add_fault(fault("/v1.0/users", 99, false, status(429, None)));
    let error = bench.graph("list_users", json!({})).await.expect_err("throttled");
    assert_eq!((error.code, error.status), ("throttled", Some(429)));
    assert_eq!(bench.arrived(Service::Graph).len(), 4);
}

#[tokio::test]
async fn a_throttled_create_is_made_again_because_it_was_turned_away() {
    let bench = Bench::new().await;
    bench.simulator.add_fault(fault("/v1.0/users", 1, false, status(429, Some("1"))));
    bench.graph("create_user", molly()).await.expect("created");
    assert_eq!(bench.simulator.state().tenants[&bench.tenant()].users.len(), 1);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_once_and_looked_up() {
    for (kind, carried_out) in [
        (FaultKind::Reset, true),
        (FaultKind::Reset, false),
        (status(504, None), true),
        (status(503, Some("1")), false),
    ] {
        let bench = Bench::new().await;
        bench.simulator.add_fault(fault("/v1.0/users", 1, carried_out, kind));
        let error = bench.graph("create_user", molly()).await.expect_err("unconfirmed");
        assert_eq!(error.code, "unavailable");
        let finding = if carried_out { "exists now" } else { "No user of that name" };
        assert!(error.message.contains(finding), "{error}");
        let creates = bench.arrived(Service::Graph).iter().filter(|entry| entry.method == "POST").count();
        assert_eq!(creates, 1);
        assert!(bench.clock.waited_seconds().is_empty());
    }
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_is_sent_once() {
    let bench = Bench::new().await;
    bench.simulator.add_fault(fault("/api/Actions", 1, true, FaultKind::Reset));
    let error = bench.halo(json!({ "ticket_id": 95, "note": "x" })).await.expect_err("unconfirmed");
    assert_eq!(error.code, "unavailable");
    assert_eq!(bench.simulator.state().halo["acme"].actions.len(), 1);
}
