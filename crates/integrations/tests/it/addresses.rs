use crate::bench::{APP, Bench, GRAPH_SECRET};
use msp_storage::repositories::Actor;
use serde_json::{Value, json};

fn settings(origin: &str) -> Value {
    json!({ "client_id": APP, "auth_url": origin, "base_url": origin, "client_secret": GRAPH_SECRET })
}

#[tokio::test]
async fn a_private_address_is_refused_until_an_administrator_allows_exactly_it() {
    let bench = Bench::bare().await;
    let port = bench.address.port();
    let spellings = [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
    ];
    for origin in &spellings {
        bench.set_up(&bench.contoso, "msgraph", settings(origin)).await;
        let error = bench.graph("list_users", json!({})).await.expect_err(origin);
        assert_eq!(error.code, "unavailable");
        assert!(error.message.contains("has not allowed it"), "{error}");
    }
    let other = std::net::SocketAddr::new(bench.address.ip(), port.wrapping_add(1).max(1));
    bench.repositories.addresses.allow(other, &Actor::PLATFORM).await.expect("allowed");
    bench.graph("list_users", json!({})).await.expect_err("another port is another address");
    assert_eq!(bench.simulator.journal(), []);

    bench.allow().await;
    for origin in &spellings {
        bench.set_up(&bench.contoso, "msgraph", settings(origin)).await;
        bench.graph("list_users", json!({})).await.expect(origin);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let bench = Bench::new().await;
    let kind = msp_simulator::FaultKind::Status { status: 302, retry_after: None };
    let fault =
        msp_simulator::Fault { path_contains: "/v1.0/".into(), method: None, calls: 1, after_executing: false, kind };
    bench.simulator.add_fault(fault);
    let error = bench.graph("list_users", json!({})).await.expect_err("a redirect");
    assert!(error.message.contains("base_url"), "{error}");
}
