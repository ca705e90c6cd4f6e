use crate::bench::Bench;
use msp_simulator::Service;
use serde_json::json;

#[tokio::test]
async fn an_activity_goes_on_the_ticket_or_on_the_client_with_whole_numbers() {
    let bench = Bench::new().await;
    bench.halo(json!({ "ticket_id": 95.0, "note": "Created" })).await.expect("on the ticket");
    let note = bench.halo(json!({ "client_id": "12", "note": "Onboarded" })).await.expect("on the client");
    assert_eq!(note["client_id"], 12);

    let halo = bench.simulator.state().halo["acme"].clone();
    assert_eq!((halo.actions[0].ticket_id, halo.actions[0].outcome_id), (95, 7));
    assert!(halo.actions[0].hidden_from_user);
    assert_eq!(halo.notes[0].note, "Onboarded");
}

#[tokio::test]
async fn faulty_activities_never_leave_the_host_and_refused_ones_are_explained() {
    let bench = Bench::new().await;
    for (arguments, word) in [
        (json!({ "client_id": 12 }), "`note`"),
        (json!({ "note": "x" }), "`client_id`"),
        (json!({ "note": "x", "ticket_id": 95.5 }), "`ticket_id`"),
        (json!({ "note": "x", "client_id": 12, "outcome_id": 3 }), "`outcome_id`"),
        (json!({ "note": "x", "ticket": 95 }), "`ticket_id`"),
    ] {
        let error = bench.halo(arguments).await.expect_err(word);
        assert_eq!(error.code, "invalid_arguments");
        assert!(error.message.contains(word), "{error}");
    }
    assert_eq!(bench.simulator.journal(), []);
    let error = bench.halo(json!({ "note": "x", "ticket_id": 96 })).await.expect_err("no such ticket");
    assert_eq!((error.code, error.status), ("rejected", Some(400)));
    assert!(error.message.contains("Ticket 96"), "{error}");
    assert_eq!(bench.arrived(Service::Halo).len(), 1);
}
