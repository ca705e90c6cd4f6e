//! `msp seed`.

use crate::support::Installation;
use reqwest::Method;

#[tokio::test]
async fn seeding_twice_adds_nothing_twice_and_keeps_what_was_changed() {
    let installation = Installation::new();
    let first = installation.succeed(&["seed"]);
    assert_eq!(first.lines().count(), 3);
    let world = installation.simulated();
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    let contoso = first.lines().find_map(|line| line.strip_suffix("  Contoso")).expect("Contoso").to_owned();
    let path = format!("/api/organizations/{contoso}/config/default_usage_location");
    let change = server
        .request(Method::PUT, &path)
        .bearer_auth(&token)
        .header("x-organization-id", &contoso)
        .json(&serde_json::json!({ "type": "string", "value": "CA" }))
        .send()
        .await
        .expect("an answer");
    assert!(change.status().is_success(), "{change:?}");

    assert_eq!(installation.succeed(&["seed"]), first);
    assert_eq!(installation.simulated(), world);
    let config = server.request(Method::GET, &path).bearer_auth(&token).header("x-organization-id", &contoso);
    let config: serde_json::Value = config.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(config["value"], "CA");
}

#[test]
fn a_simulator_on_another_address_is_followed() {
    let installation = Installation::new();
    installation.succeed(&["seed"]);
    let (_simulator, address) = installation.simulate();
    installation.succeed(&["seed", "--simulator", &address]);
    let output = installation.run(&["seed", "--simulator", "192.0.2.1:7073"]);
    assert_eq!(output.code, Some(2), "{output:?}");
}
