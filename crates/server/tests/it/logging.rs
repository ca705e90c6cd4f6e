//! The server's log, as programs read it.

use crate::support::{Installation, eventually};
use reqwest::Method;
use serde_json::{Value, json};

fn lines(log: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in: {line}"));
    log.lines().map(parse).collect()
}

#[tokio::test]
async fn every_line_is_one_json_object_and_names_its_request() {
    let installation = Installation::new();
    installation.write(
        "workflows/all.py",
        "from shared.decorators import workflow\n\n@workflow(name=\"hello\", requires_org=False)\nasync def hello():\n    return 1\n",
    );
    let mut command = installation.msp(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("MSP_LOG_FORMAT", "json").env("MSP_LOG", "debug");
    let server = installation.serve_by(command);
    server.wait_until_ready();
    let token = installation.succeed(&["token"]);
    installation.succeed(&["pause", "--workflow", "hello", "--reason", "a test"]);
    // The server learns of the pause while it answers this request, and says so.
    let request = server.request(Method::POST, "/workflows/hello").bearer_auth(&token).json(&json!({}));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 409);
    let id = answer.headers()["x-request-id"].to_str().expect("an id").to_owned();
    let answered = |line: &Value| line["message"] == "Answered a request." && line["request.id"] == id.as_str();
    eventually("the answer is in the log", || lines(&server.process.stderr()).iter().any(answered).then_some(()));
    assert_eq!(server.process.stop().code(), Some(0));

    let log = lines(&server.process.stderr());
    for line in &log {
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&line["level"].as_str().expect("a level")), "{line}");
        let is_text = |name: &str| line[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(is_text("timestamp") && is_text("message") && is_text("target"), "{line}");
    }
    let paused = log.iter().find(|line| line["message"] == "Runs are paused").expect("the pause is in the log");
    assert_eq!((&paused["level"], &paused["pause.id"]), (&json!("WARN"), &json!("workflow:hello")));
    assert_eq!(paused["span"]["request.id"], id.as_str(), "{paused}");
}

#[test]
fn text_is_for_people() {
    let installation = Installation::new();
    let mut command = installation.msp(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("MSP_LOG_FORMAT", "text");
    let server = installation.serve_by(command);
    server.wait_until_ready();
    let log = server.process.stderr();
    assert!(log.lines().all(|line| !line.starts_with('{') && !line.contains('\u{1b}')), "{log}");
}
