use crate::bench::Bench;
use chrono::TimeDelta;
use futures::future::join_all;
use msp_simulator::{Change, Fault, FaultKind, Service};
use serde_json::json;
use std::collections::HashSet;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_at_once_fetch_one_token() {
    let bench = Bench::new().await;
    let calls = (0..50).map(|_| bench.graph("list_users", json!({})));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(bench.arrived(Service::Entra).len(), 1);
    assert_eq!(bench.arrived(Service::Graph).len(), 50);
}

#[tokio::test]
async fn callers_who_wait_for_a_token_share_its_refusal() {
    let bench = Bench::new().await;
    let replaced = Change::App { client_id: crate::bench::APP.into(), client_secret: "another".into() };
    bench.simulator.apply([replaced]).expect("changed");
    let calls = (0..20).map(|_| bench.graph("list_users", json!({})));
    assert!(join_all(calls).await.iter().all(Result::is_err));
    assert!(bench.arrived(Service::Entra).len() < 20);
}

#[tokio::test]
async fn two_organizations_never_share_a_token() {
    let bench = Bench::new().await;
    for org in [&bench.contoso, &bench.fabrikam, &bench.contoso] {
        bench.call(org, "msgraph", "list_users", json!({})).await.expect("listed");
    }
    let calls = bench.arrived(Service::Graph);
    let tenants: Vec<_> = calls.iter().map(|call| call.tenant.clone().expect("a tenant")).collect();
    let expected =
        [&bench.contoso, &bench.fabrikam, &bench.contoso].map(|org| org.tenant_id.expect("linked").to_string());
    assert_eq!(tenants, expected);
    let bearers: HashSet<_> = calls.iter().map(|call| call.bearer.clone()).collect();
    assert_eq!(bearers.len(), 2);
    assert_eq!(bench.arrived(Service::Entra).len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_two_minutes_early_and_replaced_once_when_refused() {
    let bench = Bench::new().await;
    let list = || bench.graph("list_users", json!({}));
    list().await.expect("listed");
    bench.clock.turn(TimeDelta::seconds(3479));
    list().await.expect("listed");
    assert_eq!(bench.arrived(Service::Entra).len(), 1);
    bench.clock.turn(TimeDelta::seconds(2));
    list().await.expect("listed");
    assert_eq!(bench.arrived(Service::Entra).len(), 2);

    bench.simulator.revoke_tokens();
    bench.graph("create_user", json!({ "userPrincipalName": "a@contoso.example" })).await.expect("created");
    assert_eq!(bench.arrived(Service::Entra).len(), 3);

    let refuse = FaultKind::Status { status: 401, retry_after: None };
    let fault = Fault { path_contains: "/v1.0/".into(), method: None, calls: 9, after_executing: false, kind: refuse };
    bench.simulator.clear_journal();
    bench.simulator.add_fault(fault);
    assert_eq!(list().await.expect_err("refused").code, "credential_rejected");
    assert_eq!(bench.arrived(Service::Graph).len(), 2);
}
