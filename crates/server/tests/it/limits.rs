//! What one client may ask of a server, and what it is told beyond that.

use crate::support::{Installation, Server};
use reqwest::{Method, Response};
use serde_json::Value;

async fn ask(server: &Server, token: &str, headers: usize) -> Response {
    let mut request = server.request(Method::GET, "/api/me").bearer_auth(token);
    for number in 0..headers {
        request = request.header(format!("x-extra-{number}"), "x");
    }
    request.send().await.expect("an answer")
}

async fn slug(answer: Response) -> String {
    let problem: Value = answer.json().await.expect("a problem");
    problem["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
}

#[tokio::test]
async fn a_caller_who_asks_too_much_waits_whatever_token_it_shows_and_nobody_else_does() {
    let mut installation = Installation::new();
    installation.set("MSP_REQUESTS_PER_MINUTE", "60");
    let server = installation.serve();
    let tokens = [installation.succeed(&["token"]), installation.succeed(&["token"])];
    for number in 0..60 {
        assert_eq!(ask(&server, &tokens[number % 2], 0).await.status(), 200, "request {number}");
    }
    for token in &tokens {
        let refused = ask(&server, token, 0).await;
        assert_eq!(refused.status(), 429);
        let wait: u32 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(slug(refused).await, "rate-limited");
    }
    installation.succeed(&["user", "add", "colleague@example.com", "--name", "Colleague"]);
    let colleague = installation.succeed(&["token", "--user", "colleague@example.com"]);
    assert_eq!(ask(&server, &colleague, 0).await.status(), 200);

    // Counted for the trail: a row for each refusal would be as many as somebody asks.
    server.process.stop();
    let server = installation.serve();
    let (status, rows) = server.get(&tokens[0], "/api/audit-logs?action=Access.Denied").await;
    assert_eq!(status, 200, "{rows}");
    let rows = rows["items"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["details"]["reason"] == "rate-limited").expect("it is on the trail");
    assert_eq!(row["details"]["count"], 2, "{row}");
    assert!(row["user_id"].is_string() && row["ip_address"] == "127.0.0.1", "{row}");
}

#[tokio::test]
async fn more_headers_than_are_read_are_refused_with_a_reason() {
    let installation = Installation::new();
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    assert_eq!(ask(&server, &token, 90).await.status(), 200);
    let refused = ask(&server, &token, 150).await;
    assert_eq!(refused.status(), 431);
    assert_eq!(slug(refused).await, "headers-too-large");

    let long = server.request(Method::GET, "/api/me").bearer_auth(&token).header("x-long", "x".repeat(33_000));
    assert_eq!(slug(long.send().await.expect("an answer")).await, "headers-too-large");
}
