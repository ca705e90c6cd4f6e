use crate::bench::{Bench, GRAPH_SECRET, HALO_SECRET};
use msp_simulator::{Fault, FaultKind};
use serde_json::json;

fn answers(path: &str, body: String) -> Fault {
    let kind = FaultKind::Body { body };
    Fault { path_contains: path.into(), method: None, calls: 1, after_executing: true, kind }
}

/// Services are made to echo what they were sent, in answers and in refusals.
#[tokio::test]
async fn no_credential_token_or_password_is_in_any_answer_or_error() {
    let bench = Bench::new().await;
    let mut said = Vec::new();
    let user = json!({ "userPrincipalName": "molly@contoso.example" });
    said.push(format!("{:?}", bench.graph("create_user", user.clone()).await));
    said.push(format!("{:?}", bench.graph("create_user", user.clone()).await));
    let entry = bench.simulator.journal().into_iter().find(|entry| entry.path == "/v1.0/users").expect("arrived");
    let bearer = entry.bearer.expect("a token");
    let password = entry.body["passwordProfile"]["password"].as_str().expect("a password").to_owned();
    assert_eq!(entry.body["passwordProfile"]["forceChangePasswordNextSignIn"], true);
    assert!(password.len() >= 16);

    let echo = json!({ "value": [{ "id": format!("a {bearer} b"), bearer.as_str(): GRAPH_SECRET }] });
    bench.simulator.add_fault(answers("/v1.0/users", echo.to_string()));
    said.push(format!("{:?}", bench.graph("list_users", json!({})).await));
    let refusal = json!({ "error": { "code": bearer, "message": format!("Bearer {bearer} {GRAPH_SECRET}") } });
    bench.simulator.add_fault(answers("/v1.0/users", refusal.to_string()));
    said.push(format!("{:?}", bench.graph("get_user", json!({ "user_id": "x" })).await));
    bench.simulator.revoke_tokens();
    let description = format!("client_secret={GRAPH_SECRET} is wrong");
    bench.simulator.add_fault(answers("/oauth2/", json!({ "error_description": description }).to_string()));
    let unauthorized = bench.graph("get_user", json!({ "user_id": "x" })).await;
    assert_eq!(unauthorized.as_ref().map_err(|error| error.code), Err("rejected"));
    said.push(format!("{unauthorized:?}"));
    bench.simulator.add_fault(answers("/auth/token", json!({ "error_description": HALO_SECRET }).to_string()));
    said.push(format!("{:?}", bench.halo(json!({ "ticket_id": 95, "note": "x" })).await));

    let passwords: Vec<_> = bench
        .simulator
        .journal()
        .iter()
        .filter_map(|entry| entry.body["passwordProfile"]["password"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(passwords.len(), 2);
    assert_ne!(passwords[0], passwords[1]);
    for canary in [GRAPH_SECRET, HALO_SECRET, bearer.as_str(), &passwords[0], &passwords[1]] {
        assert!(said.iter().all(|text| !text.contains(canary)), "{canary} in {said:#?}");
    }
    assert!(said.iter().any(|text| text.contains("***")), "nothing was masked: {said:#?}");
}
