//! The whole story: a new colleague at a client.

use crate::support::Installation;
use serde_json::Value;

/// Office 365 E3, which Contoso has one unit left of.
const LICENCE: &str = "6fd2c87f-b296-42f0-b197-1e91e994b900";

#[tokio::test]
async fn a_user_is_onboarded_licensed_noted_and_on_record() {
    let installation = Installation::with_examples();
    let (_simulator, address) = installation.simulate();
    installation.succeed(&["seed", "--simulator", &address]);
    let server = installation.serve();
    let onboard = |email: &str| {
        let email = format!("email={email}");
        let licence = format!("license={LICENCE}");
        let names = ["-p", "first_name=Grace", "-p", "last_name=Weber", "-p", &email, "-p", &licence];
        installation.run(&[&["workflows", "run", "user_onboarding", "--org", "Contoso"], &names[..]].concat())
    };

    let run = onboard("grace.weber@contoso.example");
    assert_eq!(run.code, Some(0), "{run:#?}");
    let result: Value = serde_json::from_str(&run.stdout).expect("the result");
    assert_eq!(result["success"], true);
    assert!(run.stderr.contains("created grace.weber@contoso.example"), "{}", run.stderr);
    assert!(run.stderr.contains("100 %"), "{}", run.stderr);

    // At the client: the user, its licence, the note in HaloPSA.
    let world = installation.simulated();
    let tenant = &world["tenants"]["c0c0c0c0-0001-4c0c-8c0c-c0c0c0c0c0c0"];
    let users = tenant["users"].as_array().expect("users");
    let user = users.iter().find(|user| user["user_principal_name"] == "grace.weber@contoso.example").expect("Grace");
    assert_eq!(user["licenses"], serde_json::json!([LICENCE]));
    assert_eq!(user["usage_location"], "US");
    assert!(world["halo"]["demo-msp"]["notes"][0]["note"].as_str().expect("a note").contains("Grace Weber"));

    // On record: the execution and its log.
    let token = installation.succeed(&["token"]);
    let id = run.stderr.lines().find_map(|line| line.strip_prefix("execution ")).expect("the execution's id");
    let (_, execution) = server.get(&token, &format!("/api/executions/{id}")).await;
    assert_eq!(execution["status"], "Success");
    assert_eq!(execution["result"], result);
    let (_, logs) = server.get(&token, &format!("/api/executions/{id}/logs")).await;
    let lines = logs["items"].as_array().expect("lines");
    assert!(lines.iter().any(|line| line["message"] == "created grace.weber@contoso.example"), "{logs}");

    // The last unit is gone now, and the technician is told so.
    let refused = onboard("hugo.lang@contoso.example");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("No free unit of this license in Contoso"), "{}", refused.stderr);
}

#[test]
fn without_a_server_an_engine_is_started_for_the_one_run() {
    let installation = Installation::with_examples();
    let (_simulator, address) = installation.simulate();
    installation.succeed(&["seed", "--simulator", &address]);
    // As a server that was killed leaves it.
    let stale = r#"{ "url": "http://127.0.0.1:1", "pid": 1 }"#;
    std::fs::write(installation.data().join("server.json"), stale).expect("written");
    let run = installation.run(&["workflows", "run", "rotate_api_key", "--org", "Fabrikam", "-p", "valid_days:=30"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(!(run.stdout + &run.stderr).contains("demo-key-of-fabrikam"), "a secret was printed");
    let detached = installation.run(&["workflows", "run", "slow_report", "--org", "Fabrikam", "--async"]);
    assert_eq!(detached.code, Some(2), "{detached:#?}");
}
