//! Sign-in with Entra ID, by the program itself.

use crate::support::{Installation, Server};
use msp_auth::entra::ADMINISTRATOR_ROLE;
use msp_domain::SystemClock;
use msp_test_support::{Person, TestIssuer};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, sync::Arc};

const WORKFLOWS: &str = r#"
from shared.decorators import workflow

@workflow(name="greet")
async def greet(context):
    return context.org.name
"#;

/// Makes people sign in through an issuer from the next start on.
fn sign_in_through(installation: &mut Installation, issuer: &TestIssuer) {
    let secret = installation.workspace().join("../client-secret");
    fs::write(&secret, format!("{}\n", issuer.client_secret())).expect("written");
    installation.set("AzureAd__TenantId", issuer.tenant_id().to_string());
    installation.set("AzureAd__ClientId", issuer.client_id().to_string());
    installation.set("MSP_ENTRA_CLIENT_SECRET_FILE", secret.to_str().expect("a path"));
    installation.set("MSP_ENTRA_AUTHORITY", issuer.authority());
}

async fn greet(server: &Server, token: &str, org: &str) -> (u16, Value) {
    let request = server.request(Method::POST, "/workflows/greet").bearer_auth(token);
    let answer = request.header("X-Organization-Id", org).json(&json!({})).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_the_tenant_come_in_and_local_accounts_have_no_way_left() {
    let mut installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    let server = installation.serve();
    let local = installation.succeed(&["token"]);
    assert_eq!(server.get(&local, "/api/me").await.0, 200);
    assert!(server.process.stop().success());

    let issuer = TestIssuer::start(Arc::new(SystemClock));
    sign_in_through(&mut installation, &issuer);
    let server = installation.serve();
    assert_eq!(server.link(), None, "a one-time link would be of no use");
    assert!(server.process.stderr().contains(ADMINISTRATOR_ROLE), "{}", server.process.stderr());
    assert_eq!(server.get(&local, "/api/me").await.0, 401, "a token of `msp token` outlived the change");
    for arguments in [
        &["token"][..],
        &["token", "--service", "Nightly report"],
        &["user", "link"],
        &["user", "add", "bo@msp.example", "--name", "Bo"],
    ] {
        let refused = installation.run(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains("people sign in with Entra ID here"), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }

    let admin = issuer.access_token(&Person::named("Grace").with_role(ADMINISTRATOR_ROLE));
    let contoso = server.request(Method::POST, "/api/organizations").bearer_auth(&admin);
    let contoso = contoso.json(&json!({ "name": "Contoso" })).send().await.expect("an answer");
    let contoso: Value = contoso.json().await.expect("JSON");
    let contoso = contoso["id"].as_str().expect("an id");
    let ada = issuer.access_token(&Person::named("Ada"));
    let (status, me) = server.get(&ada, "/api/me").await;
    assert_eq!((status, &me["organizations"]), (200, &json!([])));
    assert_eq!(greet(&server, &ada, contoso).await.0, 403);
    installation.succeed(&["user", "grant", "ada@msp.example", "Contoso=execute_workflows"]);
    assert_eq!(greet(&server, &ada, contoso).await, (200, json!("Contoso")));
    installation.succeed(&["user", "deactivate", "ada@msp.example"]);
    assert_eq!(greet(&server, &ada, contoso).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works_for_an_administrator_who_has_signed_in() {
    let mut installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    let issuer = TestIssuer::start(Arc::new(SystemClock));
    sign_in_through(&mut installation, &issuer);
    let server = installation.serve();
    let nobody_yet = installation.run(&["workflows", "run", "greet"]);
    assert_eq!(nobody_yet.code, Some(1));
    assert!(nobody_yet.stderr.contains("has signed in with Entra ID yet"), "{}", nobody_yet.stderr);

    let admin = Person::named("Grace").with_role(ADMINISTRATOR_ROLE);
    let token = issuer.access_token(&admin);
    let contoso = server.request(Method::POST, "/api/organizations").bearer_auth(&token);
    let contoso = contoso.json(&json!({ "name": "Contoso" })).send().await.expect("an answer");
    assert_eq!(contoso.status(), 201);
    assert_eq!(installation.succeed(&["workflows", "run", "greet", "--org", "Contoso"]), "\"Contoso\"");
    let runs = server.get(&token, "/api/executions").await.1;
    assert_eq!(runs["items"][0]["executed_by"], json!(admin.oid), "{runs}");
    assert!(server.process.stop().success());
    // Without a server, by one of its own.
    assert_eq!(installation.succeed(&["workflows", "run", "greet", "--org", "Contoso"]), "\"Contoso\"");
}

#[test]
fn a_server_that_others_reach_must_know_where_people_come_back_to() {
    let mut installation = Installation::new();
    let issuer = TestIssuer::start(Arc::new(SystemClock));
    sign_in_through(&mut installation, &issuer);
    let refused = installation.run(&["serve", "--listen", "0.0.0.0:0", "--allow-remote"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("MSP_PUBLIC_URL is missing"), "{}", refused.stderr);
    assert!(!installation.data().exists(), "a refused start left something behind");
}
