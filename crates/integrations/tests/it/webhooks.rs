use crate::bench::Bench;
use chrono::Utc;
use msp_integrations::{PostError, Webhook, Webhooks};
use msp_simulator::{Fault, FaultKind};
use serde_json::json;
use std::time::Duration;

fn fault(bench: &Bench, status: u16, retry_after: Option<&str>) {
    let kind = FaultKind::Status { status, retry_after: retry_after.map(str::to_owned) };
    bench.simulator.add_fault(Fault {
        path_contains: "/hooks/".into(),
        method: None,
        calls: 1,
        after_executing: false,
        kind,
    });
}

#[tokio::test]
async fn a_post_passes_the_address_filter_follows_no_redirect_and_says_how_long_to_wait() {
    let bench = Bench::bare().await;
    let webhooks = Webhooks::new(bench.repositories.addresses.clone());
    let webhook = Webhook::parse(&format!("http://{}/hooks/canary", bench.address)).expect("an address");
    let post = async || webhooks.post(&webhook, &json!({ "type": "message" }), Utc::now()).await;
    match post().await {
        Err(PostError::Refused(why)) => assert!(why.contains("has not allowed it") && !why.contains("canary"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.simulator.journal(), []);
    bench.allow().await;
    let answered = |status, retry_after| Err(PostError::Answered { status, retry_after });
    for (status, header, wait) in [(302, None, None), (429, Some("7"), Some(Duration::from_secs(7))), (503, None, None)]
    {
        fault(&bench, status, header);
        assert_eq!(post().await, answered(status, wait));
    }
}
