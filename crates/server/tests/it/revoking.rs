//! Rights that are taken away by another process than the one that serves: the next request is refused.

use crate::support::{Installation, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const WORKFLOWS: &str = r#"
from shared.decorators import workflow

@workflow(name="greet")
async def greet(context):
    return context.org.name
"#;

async fn greet(server: &Server, token: &str, org: &str) -> StatusCode {
    let request = server.request(Method::POST, "/workflows/greet").bearer_auth(token);
    let answer = request.header("X-Organization-Id", org).json(&json!({})).send().await.expect("an answer");
    answer.status()
}

async fn organization(server: &Server, token: &str, name: &str) -> String {
    let request = server.request(Method::POST, "/api/organizations").bearer_auth(token).json(&json!({ "name": name }));
    let body: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    body["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_takes_away_is_refused_at_the_very_next_request() {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    let server = installation.serve();
    let admin = installation.succeed(&["token"]);
    let org = organization(&server, &admin, "Contoso").await;
    let tess = "tess@msp.example";
    installation.succeed(&["user", "add", tess, "--name", "Tess", "--grant", "Contoso=execute_workflows"]);
    let token = installation.succeed(&["token", "--user", tess]);

    for _ in 0..3 {
        // Asked more than once, so that what the server keeps in memory is what is taken away.
        for _ in 0..2 {
            assert_eq!(greet(&server, &token, &org).await, 200);
        }
        installation.succeed(&["user", "revoke", tess, "Contoso"]);
        assert_eq!(greet(&server, &token, &org).await, 403);
        installation.succeed(&["user", "grant", tess, "Contoso=execute_workflows"]);
    }
    installation.succeed(&["user", "grant", tess, "Contoso=view_history"]);
    assert_eq!(greet(&server, &token, &org).await, 403, "narrowed");
    assert_eq!(server.get(&token, "/api/executions").await.0, 200);
    installation.succeed(&["user", "deactivate", tess]);
    assert_eq!(server.get(&token, "/api/executions").await.0, 401);
    let refused = installation.run(&["user", "deactivate", tess]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_on_the_command_line_is_one_of_a_service_account_with_its_roles() {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    let server = installation.serve();
    let admin = installation.succeed(&["token"]);
    let org = organization(&server, &admin, "Contoso").await;
    let body = json!({ "name": "Nightly report", "app_roles": ["Workflows.Execute"] });
    let request = server.request(Method::POST, "/api/service-accounts").bearer_auth(&admin).json(&body);
    let account: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let token = installation.succeed(&["token", "--service", "Nightly report"]);
    assert_eq!(greet(&server, &token, &org).await, 403, "no grant yet");
    let grant = format!("/api/users/{}/permissions/{org}", account["id"].as_str().expect("an id"));
    let rights = json!({ "execute_workflows": true, "manage_config": true });
    let request = server.request(Method::PUT, &grant).bearer_auth(&admin).json(&rights);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    assert_eq!(greet(&server, &token, &org).await, 200);
    assert_eq!(server.get(&token, &format!("/api/organizations/{org}/config")).await.0, 403, "no role for that");
    let (_, me) = server.get(&token, "/api/me").await;
    assert_eq!(me["signed_in_with"], "service");
    assert_eq!(installation.run(&["token", "--service", "Nobody"]).code, Some(2));
}
